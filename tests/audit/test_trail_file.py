"""The trail in a file: rotation, others who move it, disks that are full, and several writers."""

import fcntl
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.chain import GENESIS
from sidecar.audit.rotation import predecessor, rotate, with_old_files
from sidecar.audit.verification import BrokenTrail
from tests.audit.conftest import numbers_in, verified

if TYPE_CHECKING:
    from tests.audit.conftest import NewBatch, NewFile
    from tests.conftest import Eventually

FullAt = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def full_at() -> FullAt:
    """Give a block in which the kernel lets no file grow beyond so many bytes."""

    @contextmanager
    def block(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)

    return block


@pytest.mark.parametrize("chained", [True, False])
def test_lines_are_appended_and_only_the_owner_may_read(
    chained: bool, path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    trail = new_file(chained=chained)
    assert [trail.write(new_batch(1, 2)).lines, trail.write(new_batch(3)).lines] == [2, 1]
    assert numbers_in(path) == [1, 2, 3]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"prev" in path.read_bytes()) == chained


def test_a_loss_stands_before_what_follows_it(
    path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    new_file().write(new_batch(1))
    written = new_file().write(new_batch(2, dropped=7))
    assert (written.lines, written.told) == (1, True)
    assert b'"dropped":7,"prev":' in path.read_bytes().splitlines()[1]
    assert (verified(path).lines, verified(path).dropped) == (3, 7)


def test_rotation_loses_nothing_and_the_chain_goes_over_files(
    path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    trail = new_file(longest=2000, keep=50)
    for number in range(200):
        assert trail.write(new_batch(number)).failure is None
    files = with_old_files(path)[::-1]
    assert len(files) > 8
    assert numbers_in(*files) == list(range(200))
    assert verified(*files).lines == 200
    assert max(each.stat().st_size for each in files) <= 2000


def test_no_more_old_files_are_kept_than_configured(
    path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    trail = new_file(longest=500, keep=2)
    for number in range(50):
        trail.write(new_batch(number))
    files = with_old_files(path)
    assert [each.name for each in files] == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert numbers_in(*files[::-1])[-1] == 49
    assert verified(*files[::-1]).follows != GENESIS


@pytest.mark.parametrize("rotated", [True, False])
def test_the_next_process_goes_on_with_the_chain(
    rotated: bool, path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    new_file().write(new_batch(1))
    if rotated:
        path.rename(predecessor(path))
    new_file().write(new_batch(2))
    files = [predecessor(path), path] if rotated else [path]
    assert numbers_in(*files) == [1, 2]
    assert verified(*files).lines == 2


def test_a_file_that_was_moved_away_is_made_anew(
    path: Path, tmp_path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    trail, old = new_file(), tmp_path / "audit.jsonl-20260301"
    trail.write(new_batch(1))
    path.rename(old)
    trail.write(new_batch(2))
    assert (numbers_in(old), numbers_in(path)) == ([1], [2])
    assert verified(old, path).lines == 2


def test_a_file_that_was_copied_and_emptied_is_followed(
    path: Path, tmp_path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    trail, old = new_file(), tmp_path / "copy"
    trail.write(new_batch(1))
    old.write_bytes(path.read_bytes())
    os.truncate(path, 0)
    trail.write(new_batch(2))
    assert verified(old, path).lines == 2


def test_several_processes_keep_one_chain(
    path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    trails = [new_file(longest=1000, keep=50) for _ in range(3)]
    for number in range(60):
        trails[number % 3].write(new_batch(number))
    files = with_old_files(path)[::-1]
    assert numbers_in(*files) == list(range(60))
    assert verified(*files).lines == 60


def test_a_process_that_others_have_overtaken_follows_what_they_wrote(
    path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    idle, busy = new_file(longest=200), new_file(longest=200)
    idle.write(new_batch(1))
    for number in (2, 3):
        busy.write(new_batch(number))
    rotate(path, 3)
    idle.write(new_batch(4))
    files = with_old_files(path)[::-1]
    assert numbers_in(*files) == [1, 2, 3, 4]
    assert verified(*files).lines == 4


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sidecar.audit.ending import Batch
from sidecar.audit.trail_file import TrailFile
trail = TrailFile(Path(sys.argv[1]), chained=True, longest=1000, keep=1000)
for number in range(300):
    written = trail.write(Batch([b'{"n":%d}' % number] * 2, 0, datetime.now(UTC)))
    assert written.lines == 2, written
"""


def test_processes_that_rotate_at_the_same_time_keep_one_chain(path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(path)]
    for each in [subprocess.Popen(command) for _ in range(4)]:
        assert each.wait(60) == 0
    files = with_old_files(path)[::-1]
    assert sorted(numbers_in(*files)) == sorted([*range(300)] * 8)
    assert verified(*files).lines == 2400


def test_a_directory_that_is_gone_is_a_failure_until_it_is_back(
    path: Path, tmp_path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    trail, elsewhere = new_file(), tmp_path.with_name(f"{tmp_path.name}-moved")
    trail.write(new_batch(1))
    tmp_path.rename(elsewhere)
    written = trail.write(new_batch(2))
    assert (written.lines, type(written.failure)) == (0, FileNotFoundError)
    elsewhere.rename(tmp_path)
    assert trail.write(new_batch(2)).lines == 1
    assert verified(path).lines == 2


@pytest.mark.parametrize("size", [200, 330, 331, 332, 400])
def test_a_full_disk_costs_no_line_that_was_written_and_the_chain_holds(
    size: int, path: Path, full_at: FullAt, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    trail, batch = new_file(), new_batch(1, 2, 3, 4, 5, 6)
    with full_at(size):
        written = trail.write(batch)
        again = trail.write(new_batch(*range(written.lines + 1, 7)))
    assert written.failure is not None
    assert (written.failure.strerror, again.lines) == ("File too large", 0)
    assert trail.write(new_batch(*range(written.lines + 1, 7))).failure is None
    assert numbers_in(path) == [1, 2, 3, 4, 5, 6]
    assert verified(path).torn <= 1


def test_a_torn_line_is_spoken_of_by_the_next_process(
    path: Path,
    full_at: FullAt,
    new_file: "NewFile",
    new_batch: "NewBatch",
    caplog: pytest.LogCaptureFixture,
) -> None:
    with full_at(150):
        assert new_file().write(new_batch(1, 2)).lines == 1
    new_file().write(new_batch(2))
    assert f"audit trail {path}: its last line is torn; the next one says so" in caplog.text
    assert numbers_in(path) == [1, 2]
    assert (verified(path).lines, verified(path).torn) == (3, 1)


def test_a_file_that_cannot_be_rotated_grows_on(
    path: Path, new_file: "NewFile", new_batch: "NewBatch", caplog: pytest.LogCaptureFixture
) -> None:
    predecessor(path).mkdir()
    predecessor(path).joinpath("x").touch()
    trail = new_file(longest=500, keep=1)
    for number in range(20):
        assert trail.write(new_batch(number)).lines == 1
    assert verified(path).lines == 20
    assert caplog.text.count("cannot be rotated, and grows") == 1


@pytest.mark.parametrize("kind", ["symlink", "fifo", "directory"])
def test_only_a_file_is_written_to(
    kind: str, path: Path, tmp_path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    other = tmp_path / "other"
    other.touch()
    make = {"symlink": lambda: path.symlink_to(other), "fifo": lambda: os.mkfifo(path)}
    make.get(kind, path.mkdir)()
    assert isinstance(new_file().write(new_batch(1)).failure, OSError)
    assert other.read_bytes() == b""


def test_without_a_chain_a_torn_line_stays_a_line_of_its_own(
    path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    path.write_bytes(b'{"n":1}\n{"n"')
    new_file(chained=False).write(new_batch(2))
    assert path.read_bytes() == b'{"n":1}\n{"n"\n{"n":2}\n'


ENDLESS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sidecar.audit.ending import Batch
from sidecar.audit.trail_file import TrailFile
trail = TrailFile(Path(sys.argv[1]), chained=True, longest=1 << 16, keep=1000)
lines = [b'{"text":"%b"}' % (b"x" * 3000)] * 20
while True:
    trail.write(Batch(lines, 0, datetime.now(UTC)))
"""


def _has_more_files(path: Path, count: int) -> bool:
    return len(with_old_files(path)) > count


def test_killed_in_the_middle_of_writing_the_chain_holds_after_the_next_start(
    path: Path, new_file: "NewFile", new_batch: "NewBatch", eventually: "Eventually"
) -> None:
    for number in range(5):
        before = len(with_old_files(path))
        with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)]) as process:
            eventually(partial(_has_more_files, path, before + 3))
            process.kill()
        assert new_file(longest=1 << 16, keep=1000).write(new_batch(number)).lines == 1
        assert verified(*with_old_files(path)[::-1]).lines > 20 * before


def test_a_line_that_is_taken_out_of_a_file_is_found(
    path: Path, new_file: "NewFile", new_batch: "NewBatch"
) -> None:
    new_file().write(new_batch(1, 2, 3))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(BrokenTrail, match=r"audit\.jsonl line 2"):
        verified(path)


def test_a_reader_who_holds_the_lock_is_told_of_and_not_waited_for(
    path: Path, new_file: "NewFile", new_batch: "NewBatch", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.audit.trail_file._PATIENCE_SECONDS", 0.0)
    trail = new_file()
    trail.write(new_batch(1))
    with path.open("rb") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        written = trail.write(new_batch(2))
        assert written.lines == 0
        assert "another process holds its lock" in str(written.failure)
    assert trail.write(new_batch(2)).lines == 1
    assert numbers_in(path) == [1, 2]
