"""The Roles Anywhere source: its own role, and the identity of the moment."""

from typing import TYPE_CHECKING, cast

from sidecar.arn import profile_arn, role_arn, trust_anchor_arn
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.credentials import Credentials
from sidecar.providers.roles_anywhere import RolesAnywhereSource
from sidecar.signing.create_session import SessionParameters
from sidecar.signing.x509 import Algorithm, CertifiedKey

if TYPE_CHECKING:
    from tests.providers.conftest import FakeSource

PARAMETERS = SessionParameters(
    trust_anchor_arn("arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/a"),
    profile_arn("arn:aws:rolesanywhere:eu-west-1:123456789012:profile/p"),
    role_arn("arn:aws:iam::123456789012:role/billing"),
)


class FakeClient:
    """Stands for the HTTP client: notes what it was asked and answers with a session."""

    def __init__(self, sessions: "FakeSource") -> None:
        self._sessions = sessions
        self.asked: list[tuple[SessionParameters, int]] = []

    async def create_session(self, parameters: SessionParameters, key: CertifiedKey) -> Credentials:
        self.asked.append((parameters, key.serial_number))
        return await self._sessions.fetch()


def _key(serial_number: int) -> CertifiedKey:
    return CertifiedKey("leaf", (), serial_number, Algorithm.ECDSA, bytes)


async def test_every_session_is_asked_for_with_the_key_of_that_moment(source: "FakeSource") -> None:
    client = FakeClient(source)
    keys = iter([_key(1), _key(2)])
    role = RolesAnywhereSource(cast("RolesAnywhere", client), PARAMETERS, lambda: next(keys))
    sessions = [await role.fetch(), await role.fetch()]
    assert client.asked == [(PARAMETERS, 1), (PARAMETERS, 2)]
    assert [each.access_key_id for each in sessions] == ["ASIA1", "ASIA2"]


async def test_a_session_is_named_for_the_key_that_it_is_signed_with(source: "FakeSource") -> None:
    client = FakeClient(source)
    keys = iter([_key(1), _key(2)])
    role = RolesAnywhereSource(
        cast("RolesAnywhere", client),
        PARAMETERS,
        lambda: next(keys),
        session_name=lambda key: f"vm-{key.serial_number}",
    )
    await role.fetch()
    await role.fetch()
    assert [(asked.role_session_name, serial) for asked, serial in client.asked] == [
        ("vm-1", 1),
        ("vm-2", 2),
    ]
