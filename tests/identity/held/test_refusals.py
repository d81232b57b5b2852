"""What must not replace a good identity does not: it is told once, and tried again."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.ca import Authority, certificate_pem, private_key_pem
from sidecar.identity.held import HeldIdentity
from sidecar.identity.places import IdentityPlaces
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.identity.held.conftest import Files, Hold, Issue, Issued, Watched

DAY = timedelta(days=1)
HOUR_OF_LOOKS = 1800


def _refusals(watched: "Watched") -> list[str]:
    """Give what the refusals said, without the words that are always alike."""
    begin = "identity: what its files hold now is not used: "
    lines = [line for line in watched.said() if line.startswith(begin)]
    return [line.removeprefix(begin).partition("; the one in use stays, ")[0] for line in lines]


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("which", ["certificate", "key"])
async def test_a_half_written_file_never_replaces_a_good_one(
    which: str, share: float, hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    files.rename(new)
    path, whole = getattr(files, which), getattr(new, which)
    path.write_bytes(whole[: int(len(whole) * share)])
    await watched.look(10)
    assert (watched.serial, watched.heard) == (old.serial, [])
    assert len(_refusals(watched)) == 1
    path.write_bytes(whole)
    await watched.look()
    assert watched.serial == new.serial


@pytest.mark.parametrize("first", ["certificate", "key"])
async def test_a_pair_that_does_not_match_is_never_used(
    first: str, hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    getattr(files, first).write_bytes(getattr(new, first))
    await watched.look(HOUR_OF_LOOKS)
    assert (watched.serial, watched.held.key().serial_number) == (old.serial, old.serial)
    [told] = _refusals(watched)
    assert f"private key {files.key} does not belong to certificate {files.certificate}" in told
    files.write(new)
    await watched.look()
    assert watched.serial == new.serial


async def test_each_problem_is_told_once_and_again_after_good_times(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    for _ in range(3):
        files.key.write_bytes(new.key)
        await watched.look(10)
        files.key.write_bytes(b"")
        await watched.look(10)
    assert len(_refusals(watched)) == 2
    files.write(old)
    await watched.look()
    files.key.write_bytes(new.key)
    await watched.look(10)
    assert len(_refusals(watched)) == 1


async def test_who_sends_a_signal_is_told_again(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    files.key.write_bytes(new.key)
    await watched.look()
    assert len(_refusals(watched)) == 1
    watched.held.reload()
    await watched.look(1)
    assert len(_refusals(watched)) == 1


async def test_files_that_are_taken_away_leave_the_identity_in_use(
    hold: "Hold", files: "Files", old: "Issued", new: "Issued"
) -> None:
    watched = hold(old)
    for path in (files.certificate, files.key, files.chain):
        path.unlink()
    await watched.look(HOUR_OF_LOOKS)
    assert watched.serial == old.serial
    assert len(_refusals(watched)) == 1
    files.write(new)
    await watched.look()
    assert watched.serial == new.serial


async def test_files_that_may_no_longer_be_read_leave_the_identity_in_use(
    hold: "Hold",
    files: "Files",
    old: "Issued",
    ordinary_user: Callable[[], AbstractContextManager[None]],
) -> None:
    watched = hold(old)
    files.key.chmod(0)
    with ordinary_user():
        await watched.look(10)
    assert watched.serial == old.serial
    assert len(_refusals(watched)) == 1


@pytest.mark.parametrize(("days", "code"), [(-3, "expired"), (1, "not-yet-valid")])
async def test_a_certificate_that_is_not_valid_now_is_not_used(
    days: int, code: str, hold: "Hold", files: "Files", issue: "Issue", old: "Issued"
) -> None:
    watched = hold(old)
    files.rename(issue(at=watched.clock.now() + days * DAY, validity=DAY))
    await watched.look(10)
    assert watched.serial == old.serial
    [told] = _refusals(watched)
    assert f"[{code}]" in told


async def test_a_certificate_is_used_from_the_moment_that_it_is_valid(
    hold: "Hold", files: "Files", issue: "Issue", old: "Issued", now: datetime
) -> None:
    tomorrow = issue(at=now + DAY)
    watched = hold(old)
    files.rename(tomorrow)
    await watched.look()
    await watched.clock.advance(DAY.total_seconds() / 2)
    await watched.look()
    assert watched.serial == old.serial
    await watched.clock.advance(DAY.total_seconds() / 2)
    await watched.look(1)
    assert watched.serial == tomorrow.serial


async def test_a_ca_s_own_certificate_is_not_used(
    hold: "Hold", files: "Files", root: Authority, old: "Issued"
) -> None:
    watched = hold(old)
    files.certificate.write_bytes(certificate_pem(root.certificate))
    files.key.write_bytes(private_key_pem(root.key))
    await watched.look()
    assert watched.serial == old.serial
    [told] = _refusals(watched)
    assert "[ca]" in told
    assert "[key-usage]" in told


async def test_a_bug_while_reading_neither_ends_the_watch_nor_tells_what_was_read(
    hold: "Hold", files: "Files", issue: "Issue", new: "Issued"
) -> None:
    class Faulty:
        asks = False
        failure: Exception | None = None

        def read(self, what: str) -> Secret:  # noqa: ARG002
            if self.failure is not None:
                raise self.failure
            return Secret("canary-of-the-key")

    password = Faulty()
    locked = issue(password=b"canary-of-the-key")
    watched = hold(locked, password)
    password.failure = RuntimeError("canary-of-the-key")
    files.rename(locked)
    await watched.look(10)
    [told] = _refusals(watched)
    assert told.startswith("unexpected RuntimeError in test_refusals.py, line ")
    files.rename(new)
    await watched.look()
    assert watched.serial == new.serial


async def test_a_token_is_not_tried_again_without_being_asked(
    hold: "Hold", old: "Issued", caplog: pytest.LogCaptureFixture
) -> None:
    watched = hold(old)
    token = IdentityPlaces(certificate="pkcs11:token=none;object=web;type=cert")
    watched.held = HeldIdentity(watched.held.current, token, watched.clock)
    await watched.look(HOUR_OF_LOOKS)
    assert watched.said() == []
    watched.held.reload()
    await watched.look(HOUR_OF_LOOKS)
    assert len(_refusals(watched)) == 1
    assert watched.serial == old.serial
