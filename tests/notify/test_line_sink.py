"""Lines in files: whole, rotated, and tried again where the disk does not take them."""

import asyncio
import errno
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.ending import Batch, Written
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail_file import TrailFile
from sidecar.notify import emf, json_line
from sidecar.notify.line_sink import LineSink, NotWritten

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.notify.conftest import NewNotice, UntilTrue


def _file(path: Path, longest: int = 1 << 20) -> TrailFile:
    return TrailFile(path, chained=False, longest=longest, keep=2)


def _names(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


async def test_each_notice_is_a_line_of_the_file(
    tmp_path: Path, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    path = tmp_path / "notices"
    sink = LineSink(_file(path), json_line.line, clock)
    await sink.send(new_notice(thread="one"))
    await sink.send(new_notice(thread="two"))
    assert [json.loads(each)["thread"] for each in path.read_text().splitlines()] == ["one", "two"]


async def test_a_file_that_is_full_is_moved_away(
    tmp_path: Path, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    path = tmp_path / "metrics"
    sink = LineSink(_file(path, longest=600), partial(emf.line, namespace="S"), clock)
    for _ in range(4):
        await sink.send(new_notice())
    assert _names(tmp_path) == ["metrics", "metrics.1", "metrics.2"]


async def test_what_cannot_be_written_may_be_tried_again(
    tmp_path: Path, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    sink = LineSink(_file(tmp_path / "none" / "notices"), json_line.line, clock)
    with pytest.raises(NotWritten, match="cannot be written: No such file") as caught:
        await sink.send(new_notice())
    assert caught.value.retryable
    (tmp_path / "none").mkdir()
    await sink.send(new_notice())
    assert (tmp_path / "none" / "notices").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize("away", [Path.unlink, lambda path: path.rename(f"{path}.old")])
async def test_a_file_that_is_deleted_or_moved_away_is_made_anew(
    away: Callable[[Path], object], tmp_path: Path, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    path = tmp_path / "notices"
    sink = LineSink(_file(path), json_line.line, clock)
    await sink.send(new_notice())
    away(path)
    await sink.send(new_notice(thread="second"))
    [line] = path.read_text().splitlines()
    assert json.loads(line)["thread"] == "second"


async def test_a_link_in_the_file_s_place_is_not_followed(
    tmp_path: Path, clock: "ManualClock", new_notice: "NewNotice"
) -> None:
    (tmp_path / "notices").symlink_to(tmp_path / "elsewhere")
    sink = LineSink(_file(tmp_path / "notices"), json_line.line, clock)
    with pytest.raises(NotWritten, match="cannot be written: Too many levels of symbolic links"):
        await sink.send(new_notice())
    assert not (tmp_path / "elsewhere").exists()


async def test_a_disk_that_is_full_is_tried_again_and_the_torn_line_stays_alone(
    tmp_path: Path,
    clock: "ManualClock",
    new_notice: "NewNotice",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink, write = LineSink(_file(tmp_path / "notices"), json_line.line, clock), os.write
    left = [20]

    def take(descriptor: int, content: bytes) -> int:
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[: left.pop()])

    with monkeypatch.context() as full:
        full.setattr("sidecar.audit.sink.os.write", take)
        with pytest.raises(NotWritten, match="cannot be written: No space left on device"):
            await sink.send(new_notice())
    await sink.send(new_notice())
    torn, whole = (tmp_path / "notices").read_text().splitlines()
    assert (len(torn), json.loads(whole)["kind"]) == (20, "rotation-failed")


async def test_lines_go_to_stdout_too(clock: "ManualClock", new_notice: "NewNotice") -> None:
    read, write = os.pipe()
    stdout = Stdout(write)
    await LineSink(stdout, json_line.line, clock).send(new_notice())
    stdout.close()
    with os.fdopen(read, "rb") as pipe:
        assert json.loads(pipe.read())["kind"] == "rotation-failed"


class HangingDisk:
    """Takes no line before it is told to."""

    name = "/mnt/notices"

    def __init__(self) -> None:
        self.writes, self.works = 0, Event()

    def write(self, batch: Batch) -> Written:
        self.writes += 1
        assert self.works.wait(30)
        return Written(len(batch.lines), told=False, failure=None)

    def close(self) -> None:
        """Nothing is open."""


async def test_a_write_that_hangs_is_the_only_one_until_it_ends(
    clock: "ManualClock", new_notice: "NewNotice", until_true: "UntilTrue"
) -> None:
    disk = HangingDisk()
    sink = LineSink(disk, json_line.line, clock)
    first = asyncio.create_task(sink.send(new_notice()))
    await until_true(lambda: disk.writes)
    first.cancel()
    second = asyncio.create_task(sink.send(new_notice()))
    for _ in range(5):
        await asyncio.sleep(0)
    assert (disk.writes, second.done()) == (1, False)
    disk.works.set()
    await second
    assert disk.writes == 2
