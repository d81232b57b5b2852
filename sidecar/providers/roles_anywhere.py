"""The role source that trades the identity's signature for a session."""

from collections.abc import Callable

from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.credentials import Credentials
from sidecar.signing.create_session import SessionParameters
from sidecar.signing.x509 import CertifiedKey


class RolesAnywhereSource:
    """A role source that asks Roles Anywhere for one role.

    Args:
        client: see `RolesAnywhere`.
        parameters: which session to ask for.
        key: gives the certified key at the moment of asking.

    """

    def __init__(
        self,
        client: RolesAnywhere,
        parameters: SessionParameters,
        key: Callable[[], CertifiedKey],
    ) -> None:
        self._client = client
        self._parameters = parameters
        self._key = key

    async def fetch(self) -> Credentials:
        """Ask for a new session; UpstreamError when there is none."""
        return await self._client.create_session(self._parameters, self._key())
