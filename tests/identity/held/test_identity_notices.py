"""A certificate that ends, that is new, or that is not used is told of."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.identity.checks import check_identity
from sidecar.identity.password import PasswordVariable
from sidecar.notice import Kind, Notice, Severity
from sidecar.notice_sources import IdentityNotices

if TYPE_CHECKING:
    from tests.identity.held.conftest import Files, Hold, Issue

DAY = 86400.0


@pytest.fixture
def told() -> list[Notice]:
    return []


async def test_a_new_certificate_is_told(
    hold: "Hold", issue: "Issue", files: "Files", told: list[Notice]
) -> None:
    watched = hold(issue())
    IdentityNotices(watched.held, told.append, watched.clock).watch()
    files.rename(new := issue())
    await watched.look(3)
    [notice] = told
    assert (notice.kind, notice.severity) == (Kind.CERTIFICATE_RELOADED, Severity.INFO)
    assert notice.facts["serial"] == f"{new.serial:x}"
    assert notice.facts["expires"] == "2026-03-31T12:00:00Z"


async def test_what_is_not_used_is_told_once_and_the_old_one_named(
    hold: "Hold", issue: "Issue", files: "Files", told: list[Notice]
) -> None:
    watched = hold(old := issue())
    IdentityNotices(watched.held, told.append, watched.clock).watch()
    files.key.write_bytes(b"canary")
    await watched.look(5)
    [notice] = told
    assert (notice.kind, notice.severity) == (Kind.CERTIFICATE_REFUSED, Severity.WARNING)
    assert notice.sentence.endswith("; the old one stays")
    assert notice.facts["serial"] == f"{old.serial:x}"
    assert "canary" not in str(notice)


async def test_an_end_is_told_when_it_comes_near_then_daily_and_as_an_error_at_last(
    hold: "Hold", issue: "Issue", told: list[Notice]
) -> None:
    watched = hold(issue(validity=timedelta(days=30)))
    IdentityNotices(watched.held, told.append, watched.clock).watch()
    assert told == []
    for _ in range(31):
        await watched.clock.advance(DAY)
        await watched.held.look()
    assert {each.kind for each in told} == {Kind.CERTIFICATE_EXPIRING}
    assert [each.severity for each in told][-2:] == [Severity.WARNING, Severity.ERROR]
    assert "renew it" in told[-1].facts["hint"]


async def test_what_ends_soon_is_told_at_the_start(
    hold: "Hold", issue: "Issue", told: list[Notice]
) -> None:
    watched = hold(issue(validity=timedelta(days=2)))
    await watched.clock.advance(1.9 * DAY)
    IdentityNotices(watched.held, told.append, watched.clock).watch()
    assert [each.kind for each in told] == [Kind.CERTIFICATE_EXPIRING]


async def test_what_is_wrong_otherwise_is_the_log_s_to_tell(
    hold: "Hold", issue: "Issue", told: list[Notice]
) -> None:
    watched = hold(issue(), PasswordVariable("PASSWORD", {"PASSWORD": "unused"}))
    assert check_identity(watched.held.current, watched.clock.now())
    IdentityNotices(watched.held, told.append, watched.clock).watch()
    assert told == []
