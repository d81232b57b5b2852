"""A file with an app's token: always one that counts, whole, and for its readers only."""

import asyncio
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.access.callers import OwnTokens
from sidecar.access.own_token import OwnToken, OwnTokenRules, issue
from sidecar.access.refused import TokenNotAccepted
from sidecar.access.token_file import TokenFiles, TokenPlace
from sidecar.access.token_key import TokenKey
from tests.access.token_file.conftest import MODE, RULES

if TYPE_CHECKING:
    from tests.access.token_file.conftest import Own
    from tests.conftest import ManualClock

LIFETIME, GRACE, HALF = 60.0, 120.0, 30.0
pytestmark = pytest.mark.usefixtures("nothing_is_told")


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.lstat().st_mode)


@pytest.mark.usefixtures("files")
def test_the_token_is_whole_without_a_newline_and_for_its_readers_only(
    file: Path, own: "Own"
) -> None:
    content = file.read_bytes()
    assert (own.read(file).app, content.split()) == ("web", [content])
    assert (_mode(file), _mode(file.parent)) == (MODE, 0o750)
    assert [each.name for each in file.parent.iterdir()] == ["token"]


def test_it_is_renewed_at_half_its_life_and_not_before(
    files: TokenFiles, file: Path, own: "Own", clock: "ManualClock"
) -> None:
    first = own.read(file)
    clock.set_wall(HALF - 1)
    files.bring_up_to_date()
    assert own.read(file) == first
    clock.set_wall(1)
    files.bring_up_to_date()
    second = own.read(file)
    assert second.token_id != first.token_id
    assert (second.issued_at - first.issued_at).total_seconds() == HALF


def test_one_that_was_read_once_counts_until_its_grace_is_over(
    file: Path, files: TokenFiles, own: "Own", clock: "ManualClock"
) -> None:
    first = file.read_text()
    clock.set_wall(LIFETIME + GRACE - 1)
    files.bring_up_to_date()
    assert own.verify(first).token_id != own.read(file).token_id
    clock.set_wall(1)
    with pytest.raises(TokenNotAccepted, match="the token has expired"):
        own.verify(first)
    own.read(file)


def test_a_clock_that_is_set_back_leads_to_a_new_one(
    files: TokenFiles, file: Path, own: "Own", clock: "ManualClock"
) -> None:
    first = own.read(file)
    clock.set_wall(-1)
    files.bring_up_to_date()
    assert own.read(file).token_id != first.token_id


def _removed(file: Path) -> None:
    file.unlink()


def _emptied(file: Path) -> None:
    file.write_text("")


def _cut(file: Path) -> None:
    file.write_text(file.read_text()[:-1])


def _with_newline(file: Path) -> None:
    file.write_text(file.read_text() + "\n")


def _opened(file: Path) -> None:
    file.chmod(0o666)


def _linked(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("elsewhere"))


def _a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


CHANGES: Final = [_removed, _emptied, _cut, _with_newline, _opened, _linked, _a_pipe]


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_did_to_the_file_is_undone_by_a_new_one(
    change: Callable[[Path], None], files: TokenFiles, file: Path, own: "Own"
) -> None:
    first = own.read(file)
    change(file)
    files.bring_up_to_date()
    assert own.read(file).token_id != first.token_id
    assert (_mode(file), stat.S_ISREG(file.lstat().st_mode)) == (MODE, True)


def test_a_file_that_was_only_touched_stays(files: TokenFiles, file: Path, own: "Own") -> None:
    first = own.read(file)
    os.utime(file, (1, 1))
    files.bring_up_to_date()
    assert own.read(file) == first


@pytest.mark.parametrize("holds_the_token", [False, True])
def test_what_a_link_in_its_place_leads_to_is_never_touched(
    *, holds_the_token: bool, files: TokenFiles, file: Path
) -> None:
    victim = file.with_name("victim")
    victim.write_text(file.read_text() if holds_the_token else "precious")
    victim.chmod(MODE)
    before = victim.read_text(), victim.stat().st_mtime_ns
    file.unlink()
    file.symlink_to(victim)
    files.bring_up_to_date()
    assert (victim.read_text(), victim.stat().st_mtime_ns) == before
    assert not file.is_symlink()


def test_another_apps_token_in_its_place_is_replaced(
    files: TokenFiles, file: Path, own: "Own", clock: "ManualClock"
) -> None:
    other = issue("batch", own.now.key, RULES, clock.now(), "an-id")
    file.write_text(other.reveal())
    files.bring_up_to_date()
    assert own.read(file).app == "web"


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("same_key", [True, False])
def test_after_a_restart_a_young_one_stays_if_the_key_is_the_same(
    *,
    same_key: bool,
    place: TokenPlace,
    file: Path,
    own: "Own",
    clock: "ManualClock",
) -> None:
    first = file.read_text()
    if not same_key:
        own.now = OwnTokens(TokenKey.generate("EdDSA"), RULES)
    TokenFiles([place], lambda: own.now, clock).bring_up_to_date()
    assert (file.read_text() == first) is same_key
    own.read(file)


Revoke = Callable[[OwnToken], OwnTokenRules]
REVOCATIONS: Final = [
    pytest.param(lambda said: replace(RULES, revoked=frozenset({said.token_id})), id="its id"),
    pytest.param(lambda said: replace(RULES, not_before=_after(said)), id="all older ones"),
    pytest.param(
        lambda said: replace(RULES, not_before_of={"web": _after(said)}), id="the app's older ones"
    ),
]


def _after(said: OwnToken) -> datetime:
    return said.issued_at + timedelta(seconds=1)


@pytest.mark.parametrize("revoke", REVOCATIONS)
def test_a_revoked_one_is_replaced_by_one_that_counts(
    revoke: Revoke, files: TokenFiles, file: Path, own: "Own", clock: "ManualClock"
) -> None:
    first = file.read_text()
    clock.set_wall(1)
    own.rules(revoke(own.read(file)))
    files.bring_up_to_date()
    own.read(file)
    with pytest.raises(TokenNotAccepted):
        own.verify(first)


def test_what_is_revoked_of_others_leaves_it_alone(
    files: TokenFiles, file: Path, own: "Own", clock: "ManualClock"
) -> None:
    first = file.read_text()
    own.rules(replace(RULES, revoked=frozenset({"other"}), not_before_of={"batch": clock.now()}))
    files.bring_up_to_date()
    assert file.read_text() == first


async def test_it_is_looked_after_for_as_long_as_the_sidecar_runs(
    files: TokenFiles, file: Path, own: "Own", clock: "ManualClock"
) -> None:
    running = asyncio.create_task(files.run())
    first = own.read(file)
    await clock.advance(1)
    _removed(file)
    await clock.advance(2)
    assert own.read(file).token_id != first.token_id
    running.cancel()
