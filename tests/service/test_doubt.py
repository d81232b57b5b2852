"""AWS refuses the credentials before their time: they are renewed early, and only then."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start, Until

CREATE_SESSION = "rolesanywhere.CreateSession"
# A doubted session is renewed once it is half a minute old; by itself only after three minutes.
SOON_SECONDS = 40


@pytest.fixture
async def by_hand(start: "Start", until: "Until", clock_of_today: "ManualClock") -> "Doors":
    """Give a sidecar on the hand-moved clock, with a session of a quarter of an hour."""
    doors = await start(clock_of_today, SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS="900")
    await until(doors.ready)
    return doors


@contextmanager
def _an_hour_ahead(aws: "Aws") -> Iterator[None]:
    """Let every session have expired at AWS, however young it is by the sidecar's clock."""
    aws.emulator.move_clock(3600)
    try:
        yield
    finally:
        aws.emulator.move_clock(0)


async def _renewed_soon(aws: "Aws", until: "Until", clock: "ManualClock") -> None:
    """Let half a minute pass, and wait until a second session was made."""
    await clock.advance(SOON_SECONDS)

    async def renewed() -> bool:
        return aws.emulator.calls()[CREATE_SESSION] == 2

    await until(renewed)


async def test_a_session_that_aws_calls_expired_is_renewed_early(
    aws: "Aws", by_hand: "Doors", until: "Until", clock_of_today: "ManualClock"
) -> None:
    name = aws.new_secret("hunter2")
    with _an_hour_ahead(aws):
        status, body = await by_hand.secret(name)
    assert (status, body["__type"]) == (400, "ExpiredTokenException")
    await _renewed_soon(aws, until, clock_of_today)
    assert (await by_hand.secret(name))[0] == 200


async def test_a_session_that_aws_does_not_know_is_renewed_early(
    aws: "Aws", by_hand: "Doors", until: "Until", clock_of_today: "ManualClock"
) -> None:
    aws.emulator.set_faults(
        Fault("secretsmanager", "GetSecretValue", status=400, code="UnrecognizedClientException")
    )
    await by_hand.secret("demo/any")
    await _renewed_soon(aws, until, clock_of_today)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "AccessDeniedException"),
        (400, "InvalidSignatureException"),
        (400, "RequestExpired"),
        (400, "ThrottlingException"),
        (503, "ServiceUnavailable"),
    ],
)
async def test_any_other_refusal_renews_nothing_early(
    status: int, code: str, aws: "Aws", by_hand: "Doors", clock_of_today: "ManualClock"
) -> None:
    first = await by_hand.credentials()
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", status=status, code=code))
    _, body = await by_hand.secret("demo/any")
    assert body["__type"] == code
    await clock_of_today.advance(SOON_SECONDS)
    assert await by_hand.credentials() == first
    assert aws.emulator.calls()[CREATE_SESSION] == 1
