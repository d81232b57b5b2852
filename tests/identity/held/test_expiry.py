"""An identity that gets old: told once a day, refused to sign once it has expired."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.errors import IdentityError

if TYPE_CHECKING:
    from tests.identity.held.conftest import Files, Hold, Issue, Issued, Watched

DAY = timedelta(days=1)


async def _days(watched: "Watched", days: float) -> None:
    """Let days pass, with a look an hour, which is enough to see what is said."""
    for _ in range(int(days * 24)):
        await watched.clock.advance(3600)
        await watched.held.look()


async def test_an_expired_certificate_signs_nothing_and_says_so(
    hold: "Hold", issue: "Issue"
) -> None:
    watched = hold(issue(validity=DAY))
    await watched.clock.advance(86400)
    assert watched.held.key().sign(b"in the last second")
    await watched.clock.advance(1)
    with pytest.raises(IdentityError) as caught:
        watched.held.key()
    assert caught.value.message == (
        "the certificate expired at 2026-03-02T12:00:00Z, and it is 2026-03-02T12:00:01Z"
    )
    assert caught.value.hint == (
        "renew it: it is taken into use without a restart; or correct the clock"
    )


async def test_a_new_certificate_ends_the_expiry(
    hold: "Hold", files: "Files", issue: "Issue", old: "Issued"
) -> None:
    watched = hold(issue(validity=DAY))
    await watched.clock.advance(2 * 86400)
    files.rename(old)
    await watched.look()
    assert watched.held.key().serial_number == old.serial


async def test_that_it_expires_soon_is_told_within_a_minute_and_then_once_a_day(
    hold: "Hold", issue: "Issue"
) -> None:
    watched = hold(issue(validity=30 * DAY))
    await _days(watched, 23)
    assert watched.said() == []
    await watched.clock.advance(61)
    await watched.look(1)
    [line] = watched.said()
    assert line.startswith("identity: the certificate expires ")
    assert "[expires-soon] (hint: renew it" in line
    await _days(watched, 6)
    assert len(watched.said()) == 6


async def test_that_it_has_expired_is_an_error_once_a_day(hold: "Hold", issue: "Issue") -> None:
    watched = hold(issue(validity=DAY))
    await _days(watched, 4)
    errors = [line for line in watched.said() if "[expired]" in line]
    assert len([line for line in errors if "its files hold" not in line]) == 3


async def test_what_the_start_has_told_is_not_told_again_that_day(
    hold: "Hold", issue: "Issue", old: "Issued"
) -> None:
    watched = hold(issue(at=old.leaf.not_valid_before_utc - 28 * DAY, validity=30 * DAY))
    await _days(watched, 0.9)
    assert watched.said() == []


async def test_a_new_certificate_that_expires_soon_is_told_at_once(
    hold: "Hold", files: "Files", issue: "Issue", old: "Issued"
) -> None:
    watched = hold(old)
    files.rename(issue(at=old.leaf.not_valid_before_utc - 28 * DAY, validity=30 * DAY))
    files.key.chmod(0o644)
    await watched.look()
    told = " ".join(watched.said())
    assert "[expires-soon]" in told
    assert "[key-file-mode]" in told
