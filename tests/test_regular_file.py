"""Small files are read whole, and nothing else is waited for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.regular_file import read_regular_file


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    assert read_regular_file(file, 100)[0] == b"content"
    assert read_regular_file(file, 3)[0] == b"con"


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    content, status = read_regular_file(tmp_path / "link", 100)
    assert (content, status.st_ino) == (b"content", (tmp_path / "file").stat().st_ino)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a pipe", "a directory"])
def test_what_is_no_file_is_refused_at_once(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "thing")
    before = _open_descriptors()
    with pytest.raises(OSError, match="not a regular file"):
        read_regular_file(tmp_path / "thing", 100)
    assert _open_descriptors() == before, "nothing stays open"


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular_file(tmp_path / "missing", 100)
