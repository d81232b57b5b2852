"""The metadata door with both planned roles, a client that has tokens, and an audit that keeps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.web.metadata_door import MetadataDoor
from sidecar.web.metadata_paths import InstanceFacts

if TYPE_CHECKING:
    from sidecar.access.callers import Callers
    from tests.web.conftest import LedgerOf, OneSessionEach, Open, Reply, Wire

TOKEN: Final = "X-aws-ec2-metadata-token"
TTL: Final = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_PATH: Final = "/latest/api/token"


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


OpenImds = Callable[[InstanceFacts], Awaitable[Imds]]


@pytest.fixture
async def open_imds(
    open_on_loopback: "Open",
    sessions: "OneSessionEach",
    callers: "Callers",
    ledger_of: "LedgerOf",
) -> OpenImds:
    """Give a function that opens a door, each as another process would."""

    async def opened(facts: InstanceFacts) -> Imds:
        ledger = ledger_of("metadata")
        door = MetadataDoor(lambda: callers.access.app("web"), sessions, lambda _: facts, ledger)
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
