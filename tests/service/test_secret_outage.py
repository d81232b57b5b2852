"""Five minutes without AWS: a secret in use is served at once, all the time, and is new afterwards.

Time is the sidecar's own, moved by hand; calls to AWS take real time, which is none of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.config import Config as BotoConfig

from sidecar.aws.boto_service import BOTO_CONFIG
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start, Until

OUTAGE_SECONDS: Final = 300
LONGEST_PAUSE_SECONDS: Final = 30
SESSION_SECONDS: Final = 900
AT_ONCE_SECONDS: Final = 0.9
QUIET_LOOKS: Final = 10
GET_SECRET: Final = "secretsmanager.GetSecretValue"
NO_SECRETS: Final = Fault("secretsmanager", "GetSecretValue", status=503)
NO_SESSIONS: Final = Fault("rolesanywhere", "CreateSession", status=503)


@pytest.fixture
async def doors(
    start: "Start",
    until: "Until",
    clock_of_today: "ManualClock",
    monkeypatch: pytest.MonkeyPatch,
) -> "Doors":
    """Give a ready sidecar with values that are fresh for ten seconds, which asks AWS once."""
    once = BotoConfig(retries={"total_max_attempts": 1})
    defaults: Any = SecretsManager.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "boto_config", BOTO_CONFIG.merge(once))
    found = await start(
        clock_of_today,
        SIDECAR_SECRETS_TTL_SECONDS="10",
        SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS=str(SESSION_SECONDS),
    )
    await until(found.ready)
    return found


@pytest.mark.parametrize(
    ("faults", "earlier_seconds"),
    [
        pytest.param([NO_SECRETS], 0, id="503"),
        pytest.param([NO_SESSIONS], SESSION_SECONDS + 60, id="the sidecar's session has expired"),
    ],
)
async def test_for_five_minutes_no_read_fails_or_waits_and_then_the_value_is_new(
    *,
    faults: Sequence[Fault],
    earlier_seconds: int,
    aws: "Aws",
    doors: "Doors",
    until: "Until",
    clock_of_today: "ManualClock",
) -> None:
    name = aws.new_secret("v1")
    before = await doors.secret(name)
    assert (before[0], before[1]["SecretString"]) == (200, "v1")
    aws.emulator.set_faults(*faults)
    clock_of_today.jump(earlier_seconds)
    aws.client("secretsmanager").put_secret_value(SecretId=name, SecretString="v2")
    if earlier_seconds:
        assert (await doors.credentials())[0] == 503
    aws.emulator.clear_calls()
    for _ in range(OUTAGE_SECONDS):
        await clock_of_today.advance(1)
        async with asyncio.timeout(AT_ONCE_SECONDS):
            assert await doors.secret(name) == before
    assert (GET_SECRET in aws.emulator.calls()) == (NO_SECRETS in faults)
    await until(_no_call_is_under_way(aws))

    # The emulator goes by the machine's clock, and so do its sessions.
    clock_of_today.set_wall((datetime.now(UTC) - clock_of_today.now()).total_seconds())
    aws.emulator.set_faults()

    async def has_a_session() -> bool:
        await clock_of_today.advance(1)
        return (await doors.credentials())[0] == 200

    await until(has_a_session)
    await clock_of_today.advance(LONGEST_PAUSE_SECONDS)

    async def new() -> bool:
        status, body = await doors.secret(name)
        return status == 200 and body["SecretString"] == "v2"

    await until(new)


def _no_call_is_under_way(aws: "Aws") -> Callable[[], Awaitable[bool]]:
    """Tell when AWS has not been asked for a while: what it answered last has come by then."""
    seen: list[dict[str, int]] = []

    async def quiet() -> bool:
        seen.append(aws.emulator.calls())
        return len(seen) > QUIET_LOOKS and all(each == seen[-1] for each in seen[-QUIET_LOOKS:])

    return quiet
