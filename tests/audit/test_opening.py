"""Destinations: which can be written to, and that a check leaves nothing behind."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.audit.opening import check_destination, opened_sink
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail_file import TrailFile
from sidecar.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Wanted:
    destination: str | Path
    max_megabytes: int = 1
    keep: int = 1
    chain: bool = False


def test_each_destination_has_its_sink(tmp_path: Path) -> None:
    assert opened_sink(Wanted("off")) is None
    for destination, kind in (("stdout", Stdout), (tmp_path / "audit", TrailFile)):
        sink = opened_sink(Wanted(destination))
        assert isinstance(sink, kind)
        sink.close()
    assert (tmp_path / "audit").read_bytes() == b""


@pytest.mark.parametrize("there", [True, False])
def test_a_check_makes_no_file_and_changes_none(there: bool, tmp_path: Path) -> None:
    path = tmp_path / "audit"
    if there:
        path.write_bytes(b"kept")
    check_destination(path)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"kept"] * there


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing/audit", "No such file or directory"),
        ("directory", "Is a directory"),
        ("link", "Too many levels of symbolic links"),
        ("pipe", "is not a regular file"),
        ("locked/audit", "Permission denied"),
    ],
)
def test_what_cannot_be_written_to_is_refused_at_the_check_and_at_the_start(
    name: str,
    why: str,
    *,
    open_directory: Path,
    ordinary_user: Callable[[], AbstractContextManager[None]],
) -> None:
    (open_directory / "directory").mkdir()
    (open_directory / "locked").mkdir(mode=0o555)
    (open_directory / "link").symlink_to("other")
    os.mkfifo(open_directory / "pipe", 0o666)
    (open_directory / "pipe").chmod(0o666)
    with ordinary_user():
        for refuses in (check_destination, lambda path: opened_sink(Wanted(path))):
            with pytest.raises(OperatorError, match=f"audit trail .*{name} cannot .*: {why}"):
                refuses(open_directory / name)
    assert not (open_directory / "other").exists()
