"""Where a token file stands: who may write there, and what becomes of a file that cannot be."""

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


def test_what_a_killed_writer_left_is_removed(file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    left = file.with_name(".token.0123456789ab")
    left.touch()
    prepare_place(TokenPlace("web", Target(file, MODE)))
    assert not left.exists()
