"""The trail on stdout: whole lines, and readers who do not read or are gone."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.ending import Batch
from sidecar.audit.line import LONGEST_LINE
from sidecar.audit.stdout import Stdout
from tests.audit.conftest import numbers_in, verified

if TYPE_CHECKING:
    from tests.audit.conftest import NewBatch

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Give the two ends of a pipe of the least size; the writing one is closed by who gets it."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, LONGEST_LINE)
    yield reading, writing
    os.close(reading)


def test_a_batch_is_written_whole(pipe: Pipe, new_batch: "NewBatch") -> None:
    sink = Stdout(pipe[1])
    assert sink.write(new_batch(1, 2)).lines == 2
    sink.close()
    assert os.read(pipe[0], 100) == b'{"n":1}\n{"n":2}\n'


def test_a_pipe_that_nobody_reads_is_a_failure_and_no_line_is_cut(
    pipe: Pipe, new_batch: "NewBatch", tmp_path: Path
) -> None:
    sink = Stdout(pipe[1], chained=True, patience_seconds=0.01)
    written = sink.write(new_batch(*range(200)))
    assert 0 < written.lines < 200
    assert str(written.failure) == "nobody reads it"
    there = os.read(pipe[0], LONGEST_LINE)
    assert there.endswith(b'"}\n')
    assert sink.write(new_batch(1000)).lines == 1
    sink.close()
    file = tmp_path / "collected"
    file.write_bytes(there + os.read(pipe[0], LONGEST_LINE))
    assert numbers_in(file) == [*range(written.lines), 1000]
    assert verified(file).lines == written.lines + 1


def test_pieces_are_as_long_as_a_pipe_takes_them_whole(pipe: Pipe, new_batch: "NewBatch") -> None:
    sink = Stdout(pipe[1], chained=True, patience_seconds=0.01)
    longest = Batch([b'{"n":"%b"}' % (b"x" * 4000)] * 2, 0, new_batch().now)
    assert sink.write(longest).lines == 1, "the second one waits until the first is read"
    assert len(os.read(pipe[0], 2 * LONGEST_LINE)) <= LONGEST_LINE
    assert sink.write(longest).lines == 1
    sink.close()


def test_a_reader_who_is_gone_is_a_failure(new_batch: "NewBatch") -> None:
    reading, writing = os.pipe()
    os.close(reading)
    sink = Stdout(writing)
    assert isinstance(sink.write(new_batch(1)).failure, BrokenPipeError)
    sink.close()


def test_a_full_disk_is_a_failure(new_batch: "NewBatch") -> None:
    sink = Stdout(os.open("/dev/full", os.O_WRONLY))
    written = sink.write(new_batch(1))
    assert written.failure is not None
    assert (written.lines, written.failure.strerror) == (0, "No space left on device")
    sink.close()


def test_a_stdout_that_was_closed_is_a_failure_and_no_other_file_is_written_to(
    new_batch: "NewBatch", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.__stdout__", None)
    sink = Stdout()
    failure = sink.write(new_batch(1)).failure
    assert failure is not None
    assert failure.strerror == "Bad file descriptor"
    sink.close()


def test_it_is_the_stdout_of_the_process_which_stays_open(
    new_batch: "NewBatch", capfd: pytest.CaptureFixture[str]
) -> None:
    sink = Stdout()
    sink.write(new_batch(1))
    sink.close()
    sink.close()
    os.write(1, b"listening\n")
    assert capfd.readouterr().out == '{"n":1}\nlistening\n'
