"""The metadata door with both planned roles, a client that has tokens, and an audit that keeps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.audit.event import AuditEvent, Result
from sidecar.web.metadata_door import MetadataDoor
from sidecar.web.metadata_paths import InstanceFacts

if TYPE_CHECKING:
    from sidecar.providers.refreshing import RefreshingRole
    from tests.conftest import ManualClock
    from tests.web.conftest import Open, Reply, Wire

TOKEN: Final = "X-aws-ec2-metadata-token"
TTL: Final = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_PATH: Final = "/latest/api/token"


@dataclass
class KeptAudit:
    """Keeps every event."""

    events: list[AuditEvent] = field(default_factory=list)

    def record(self, event: AuditEvent) -> None:
        self.events.append(event)

    def told(self) -> list[tuple[Result, str, str]]:
        return [(each.result, each.action, each.resource) for each in self.events]


@dataclass(frozen=True)
class Imds:
    """The door, and a client that has a token when it wants one."""

    wire: "Wire"

    async def put(self, *lines: str, target: str = TOKEN_PATH) -> "Reply":
        return await self.wire.ask(target, *lines, method="PUT")

    async def token(self, ttl: int = 21600) -> str:
        return (await self.put(f"{TTL}: {ttl}")).body.decode()

    async def get(self, target: str, *lines: str) -> "Reply":
        """Ask with a new token."""
        return await self.wire.ask(target, f"{TOKEN}: {await self.token()}", *lines)


@pytest.fixture
def audit() -> KeptAudit:
    return KeptAudit()


OpenImds = Callable[[InstanceFacts], Awaitable[Imds]]


@pytest.fixture
async def open_imds(
    open_on_loopback: "Open",
    roles: "dict[str, RefreshingRole]",
    clock: "ManualClock",
    audit: KeptAudit,
) -> OpenImds:
    """Give a function that opens a door, each as another process would."""

    async def opened(facts: InstanceFacts) -> Imds:
        door = MetadataDoor("web", roles, facts, clock, audit)
        return Imds(await open_on_loopback(door))

    return opened


@pytest.fixture
def facts() -> InstanceFacts:
    """Give what is said of the machine when everything is known."""
    return InstanceFacts(
        region="eu-west-1",
        account_id="123456789012",
        instance_id="i-00000000000000000",
        availability_zone="eu-west-1a",
        availability_zone_id="euw1-az1",
        instance_type="t3.micro",
    )


@pytest.fixture
async def cold(open_imds: OpenImds, facts: InstanceFacts) -> Imds:
    """Give the door before any session is there."""
    return await open_imds(facts)


@pytest.fixture
async def imds(cold: Imds, run_roles: Callable[[], Awaitable[None]]) -> Imds:
    """Give the door with a session for both roles."""
    await run_roles()
    return cold
