"""The role source that trades the identity's signature for a session."""

from collections.abc import Callable
from dataclasses import replace

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
        session_name: gives the session's name for that key; None leaves that of the parameters.

    """

    def __init__(
        self,
        client: RolesAnywhere,
        parameters: SessionParameters,
        key: Callable[[], CertifiedKey],
        *,
        session_name: Callable[[CertifiedKey], str] | None = None,
    ) -> None:
        self._client = client
        self._parameters = parameters
        self._key = key
        self._session_name = session_name

    async def fetch(self) -> Credentials:
        """Ask for a new session; UpstreamError when there is none."""
        key = self._key()
        parameters = self._parameters
        if self._session_name is not None:
            parameters = replace(parameters, role_session_name=self._session_name(key))
        return await self._client.create_session(parameters, key)
