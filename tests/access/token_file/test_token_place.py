"""Where a token file stands: who may write there, and what becomes of a file that cannot be."""

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.access.token_file import TokenFiles, TokenPlace, prepare_place
from sidecar.errors import OperatorError
from sidecar.file_target import Target

if TYPE_CHECKING:
    from tests.access.token_file.conftest import Own
    from tests.conftest import ManualClock

HALF, MODE = 30.0, 0o640
APP = 12345
pytestmark = pytest.mark.usefixtures("nothing_is_told")


def test_without_its_directory_the_old_one_counts_and_the_trouble_is_told_but_not_all_the_time(
    files: TokenFiles, file: Path, own: "Own", caplog: pytest.LogCaptureFixture
) -> None:
    first = file.read_text()
    shutil.rmtree(file.parent)
    for _ in range(3):
        files.bring_up_to_date()
    trouble = f"{file} cannot be written: No such file or directory"
    assert files.troubles() == {"token file of app web": trouble}
    assert caplog.text.count(trouble) == 1
    own.verify(first)
    file.parent.mkdir()
    files.bring_up_to_date()
    assert files.troubles() == {}
    assert own.read(file).app == "web"


def test_in_a_directory_that_is_read_only_the_old_one_stays_for_as_long_as_it_counts(
    own: "Own",
    clock: "ManualClock",
    open_directory: Path,
    ordinary_user: Callable[[], AbstractContextManager[None]],
) -> None:
    file = open_directory / "token"
    with ordinary_user():
        files = TokenFiles([TokenPlace("web", Target(file, MODE))], lambda: own.now, clock)
        files.bring_up_to_date()
        first = file.read_text()
    open_directory.chmod(0o555)
    with ordinary_user():
        clock.set_wall(HALF)
        files.bring_up_to_date()
    trouble = f"{file} cannot be written: Permission denied"
    assert files.troubles() == {"token file of app web": trouble}
    assert file.read_text() == first
    own.verify(first)


@pytest.mark.parametrize(
    ("mode", "who"), [(0o757, "everybody may"), (0o775, "its group may")], ids=["all", "group"]
)
def test_a_directory_into_which_others_may_write_is_refused(
    mode: int, who: str, file: Path
) -> None:
    file.parent.mkdir()
    file.parent.chmod(mode)
    with pytest.raises(OperatorError, match=f"{who} write into"):
        prepare_place(TokenPlace("web", Target(file, MODE)))
    file.parent.chmod(0o755)
    assert prepare_place(TokenPlace("web", Target(file, MODE))) == []


def test_what_a_killed_writer_left_is_removed_with_the_first_token_and_not_before(
    place: TokenPlace, own: "Own", clock: "ManualClock", file: Path
) -> None:
    left = file.with_name(".token.0123456789ab")
    left.touch()
    prepare_place(place)
    files = TokenFiles([place], lambda: own.now, clock)
    assert left.exists()
    files.bring_up_to_date()
    assert not left.exists()


@pytest.mark.parametrize(
    ("mode", "is_safe"), [(0o777, False), (0o1777, True), (0o755, True)], ids=oct
)
def test_a_directory_that_others_may_replace_is_refused(
    mode: int, is_safe: bool, tmp_path: Path
) -> None:
    tmp_path.chmod(mode)
    place = TokenPlace("web", Target(tmp_path / "web" / "token", MODE))
    if is_safe:
        assert prepare_place(place) == []
        return
    with pytest.raises(OperatorError, match=f"others may write into {tmp_path}, and replace"):
        prepare_place(place)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory away, which takes root")
def test_a_directory_below_the_app_s_own_is_refused_since_the_app_may_replace_it(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, APP, APP)
    below, itself = home / "web" / "token", home / "token"
    with pytest.raises(OperatorError, match=f"{home} belongs to user {APP}, who may put another"):
        prepare_place(TokenPlace("web", Target(below, MODE, APP, APP)))
    assert prepare_place(TokenPlace("web", Target(itself, MODE, APP, APP))) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a link away, which takes root")
def test_a_link_to_a_directory_counts_only_if_nobody_else_may_turn_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir(mode=0o700)
    link.symlink_to(real)
    place = TokenPlace("web", Target(link / "token", MODE))
    assert prepare_place(place) == []
    os.chown(link, APP, APP, follow_symlinks=False)
    with pytest.raises(OperatorError, match=f"{link} belongs to user {APP}"):
        prepare_place(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to a group, which takes root")
@pytest.mark.parametrize(("group", "is_safe"), [(APP, False), (0, True)])
def test_a_directory_that_another_group_may_replace_is_refused(
    group: int, is_safe: bool, tmp_path: Path
) -> None:
    tmp_path.chmod(0o775)
    os.chown(tmp_path, 0, group)
    place = TokenPlace("web", Target(tmp_path / "web" / "token", MODE))
    if is_safe:
        assert prepare_place(place) == []
        return
    with pytest.raises(OperatorError, match="others may write into"):
        prepare_place(place)
