"""A static token file that is replaced while the sidecar runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.service.conftest import Doors, Start, Until

NEW = "the-new-token-of-the-web-app"


def _renamed(path: Path, text: str) -> None:
    other = path.with_name("token.new")
    other.write_text(text)
    other.replace(path)


def _rewritten(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.fixture
def old(token_file: Path) -> str:
    """Give the token before it is replaced."""
    return token_file.read_text()


@pytest.mark.parametrize("replace", [_renamed, _rewritten])
async def test_a_new_token_is_honoured_at_once_and_the_old_one_no_longer(
    replace: Callable[[Path, str], None], warm: "Doors", token_file: Path, old: str
) -> None:
    assert (await warm.credentials(NEW))[0] == 401
    replace(token_file, NEW)
    assert (await warm.credentials(NEW))[0] == 200
    assert (await warm.credentials(old))[0] == 401


async def test_an_old_token_ends_even_if_nobody_uses_the_new_one(
    start: "Start", until: "Until", token_file: Path, old: str, clock_of_today: "ManualClock"
) -> None:
    doors = await start(clock_of_today)
    await until(doors.ready)
    _renamed(token_file, NEW)
    assert (await doors.credentials(old))[0] == 200
    await clock_of_today.advance(2)
    assert (await doors.credentials(old))[0] == 401


@pytest.mark.parametrize("text", ["", "short", f"{NEW}\n"], ids=["empty", "short", "newline"])
async def test_a_file_that_holds_no_token_leaves_the_old_one_in_force(
    text: str, warm: "Doors", token_file: Path, old: str
) -> None:
    _rewritten(token_file, text)
    assert (await warm.credentials(NEW))[0] == 401
    assert (await warm.credentials(old))[0] == 200
    _rewritten(token_file, NEW)
    assert (await warm.credentials(NEW))[0] == 200
