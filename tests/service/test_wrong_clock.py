"""A machine whose clock is wrong gets its session, and applications see when that really ends."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start, Until

CREATE_SESSION = "rolesanywhere.CreateSession"


@pytest.fixture
async def ahead(start: "Start", until: "Until", clock_of_today: "ManualClock") -> "Doors":
    """Give a sidecar whose clock is ten minutes ahead, with a session of a quarter of an hour."""
    clock_of_today.set_wall(600)
    doors = await start(clock_of_today, SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS="900")
    await until(doors.ready)
    return doors


async def test_it_gets_a_session_with_one_request_more(aws: "Aws", ahead: "Doors") -> None:
    assert aws.emulator.calls()[CREATE_SESSION] == 2


async def test_an_application_on_that_machine_is_told_the_end_by_that_clock(
    ahead: "Doors",
) -> None:
    """It compares with the same wrong clock: AWS's own figure would cost it ten minutes."""
    _, credentials = await ahead.credentials()
    left = datetime.fromisoformat(credentials["Expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=24) < left < timedelta(minutes=25, seconds=5)
