"""The doors' connections fit into the files that the process may have open."""

import subprocess
import sys

import pytest

from sidecar.web.open_files import connections_a_door

RAISE = (
    "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({}, {})); "
    "from sidecar.web.open_files import raised_limit; "
    "print(raised_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
)


@pytest.mark.parametrize(
    ("open_files", "doors", "addresses", "room"),
    [
        pytest.param(256, 4, 4, 8, id="a tight limit"),
        pytest.param(1024, 4, 4, 200, id="the usual soft limit"),
        pytest.param(8192, 4, 4, 1992, id="what serve asks for"),
        pytest.param(256, 1, 1, 80, id="one door"),
        pytest.param(256, 1, 2, 64, id="one door on two addresses"),
        pytest.param(256, 0, 0, 96, id="no door"),
        pytest.param(16, 4, 4, 1, id="no room at all"),
    ],
)
def test_all_doors_can_be_full_at_once(
    open_files: int, doors: int, addresses: int, room: int
) -> None:
    assert connections_a_door(open_files, doors=doors, addresses=addresses) == room


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        pytest.param(256, 1024, 1024, id="up to the hard limit"),
        pytest.param(256, 9000, 8192, id="no further than needed"),
        pytest.param(1024, 1024, 1024, id="which is reached already"),
        pytest.param(9000, 9000, 9000, id="never down"),
    ],
)
def test_the_soft_limit_is_raised(soft: int, hard: int, raised: int) -> None:
    program = [sys.executable, "-c", RAISE.format(soft, hard)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout.split() == [str(raised), str(raised), str(hard)]
