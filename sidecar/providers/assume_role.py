"""The role source that assumes a role with the credentials of another."""

from collections.abc import Callable
from typing import Final

from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.aws.sts import SessionRequest, Sts
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError
from sidecar.providers.refreshing import RefreshingRole

# How long the very first attempt waits for that of the parent, which begins at the same moment.
_COLD_START_SECONDS: Final = 30.0


class AssumeRoleSource:
    """A role source that is chained on another role.

    Args:
        sts: see `Sts`.
        parent: the role whose credentials assume this one.
        request: gives what to ask for at the moment of asking.

    """

    def __init__(
        self, sts: Sts, parent: RefreshingRole, request: Callable[[], SessionRequest]
    ) -> None:
        self._sts = sts
        self.parent = parent
        self._request = request
        self._waits_for_parent = False

    @property
    def waits_for_parent(self) -> bool:
        """Whether the last attempt failed for want of a good session of the parent."""
        return self._waits_for_parent

    async def fetch(self) -> Credentials:
        """Ask for a new session.

        A parent whose credentials AWS no longer knows is told so.

        Raises:
            NotReady: the parent has no session; the message says why.
            OperatorError: a file of the request cannot be used.
            UpstreamError: AWS did not give one.

        """
        await self.parent.settled(_COLD_START_SECONDS)
        self._waits_for_parent = True
        credentials = self.parent.current()
        self._waits_for_parent = False
        try:
            return await self._sts.assume_role(self._request(), credentials)
        except UpstreamError as exc:
            if exc.code in CREDENTIALS_REFUSED:
                self._waits_for_parent = True
                self.parent.doubt(credentials)
            raise
