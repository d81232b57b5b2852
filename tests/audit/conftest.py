"""Events, batches and trails to write them to, and a sink that a test can hold up."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from sidecar.audit.ending import Batch, Written
from sidecar.audit.trail_file import TrailFile
from sidecar.audit.verification import Account, Place, Verification

NewBatch = Callable[..., Batch]
NewFile = Callable[..., TrailFile]


@pytest.fixture(scope="session")
def new_batch(now: datetime) -> NewBatch:
    """Give a function that makes a batch of numbered lines."""

    def make(*numbers: int, dropped: int = 0) -> Batch:
        return Batch([b'{"n":%d}' % number for number in numbers], dropped, now)

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def new_file(path: Path) -> Iterator[NewFile]:
    """Give a function that makes a trail in the test's file, as each process would its own."""
    made: list[TrailFile] = []

    def make(*, chained: bool = True, longest: int = 1 << 20, keep: int = 3) -> TrailFile:
        made.append(TrailFile(path, chained=chained, longest=longest, keep=keep))
        return made[-1]

    yield make
    for each in made:
        each.close()


def numbers_in(*paths: Path) -> list[int]:
    """Give the numbers of the lines that have one, in their order."""
    lines = [line for path in paths for line in path.read_bytes().splitlines()]
    found = [json.loads(line) for line in lines if line.endswith(b"}")]
    return [each["n"] for each in found if "n" in each]


def verified(*paths: Path) -> Account:
    """Check files, the oldest first."""
    verification = Verification()
    for path in paths:
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            verification.take(line, Place(path.name, number))
    verification.end()
    return verification.account


class HeldUp:
    """A sink that waits at a gate, and fails as it is told to."""

    name = "gate"

    def __init__(self) -> None:
        self.reached, self.gate = Event(), Event()
        self.failure: OSError | None = None
        self.batches: list[Batch] = []
        self.closed = False

    @property
    def lines(self) -> list[bytes]:
        return [line for batch in self.batches for line in batch.lines]

    @property
    def losses(self) -> list[int]:
        return [batch.dropped for batch in self.batches if batch.dropped]

    def write(self, batch: Batch) -> Written:
        self.reached.set()
        assert self.gate.wait(30)
        if self.failure is not None:
            return Written(0, told=False, failure=self.failure)
        self.batches.append(batch)
        return Written(len(batch.lines), told=True)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def held_up() -> Iterator[HeldUp]:
    """Give a sink that lets nothing through until its gate is set."""
    sink = HeldUp()
    yield sink
    sink.gate.set()
