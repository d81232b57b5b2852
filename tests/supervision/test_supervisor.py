"""What becomes of the program, event by event, without a process."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from sidecar.supervision.orders import Notify, Start
from sidecar.supervision.signals import Signal
from sidecar.supervision.supervisor import Supervisor

GRACE = 7.0
OLD, NEW, NEWER = {"V": "old"}, {"V": "new"}, {"V": "newer"}


@dataclass
class Record:
    """A kernel that writes down what it is asked for; programs are numbered from 1."""

    in_group: bool = True
    programs: int = 0
    done: list[object] = field(default_factory=list)

    def start(self, environment: Mapping[str, str]) -> int:
        self.done.append(environment["V"])
        self.programs += 1
        return self.programs

    def send(self, pid: int, number: int) -> None:
        self.done.append((pid, signal.Signals(number).name))

    def reaches(self, pid: int) -> bool:
        return self.in_group and pid == self.programs

    def set_alarm(self, seconds: float) -> None:
        self.done.append(seconds)


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def waiting(record: Record) -> Supervisor:
    """Give a supervisor whose program has not been started yet."""
    return Supervisor(record, GRACE)


@pytest.fixture
def running(waiting: Supervisor, record: Record) -> Supervisor:
    """Give one whose program runs as number 1."""
    waiting.obey(Start(OLD))
    assert record.done == ["old"]
    record.done.clear()
    return waiting


@pytest.fixture
def replacing(running: Supervisor, record: Record) -> Supervisor:
    """Give one that has told its program to stop, for a new one."""
    running.obey(Start(NEW))
    assert record.done == [(1, "SIGTERM"), GRACE]
    record.done.clear()
    return running


@pytest.mark.parametrize("code", [0, 3, -signal.SIGSEGV])
def test_the_program_s_end_is_the_end(running: Supervisor, record: Record, code: int) -> None:
    running.program_ended(code)
    running.obey(Start(NEW))
    assert (running.ended, running.pid, record.done) == (code, None, [0])


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_the_start(waiting: Supervisor, number: int) -> None:
    waiting.take(Signal(number))
    waiting.obey(Start(OLD))
    assert (waiting.ended, waiting.pid) == (-number, None)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH])
def test_a_signal_that_means_something_to_the_program_alone_ends_no_wait(
    waiting: Supervisor, number: int, record: Record
) -> None:
    waiting.take(Signal(number))
    waiting.obey(Start(OLD))
    assert (waiting.ended, record.done) == (None, ["old"])


@pytest.mark.parametrize(
    ("from_terminal", "in_group", "sent"),
    [
        pytest.param(False, True, True, id="kill"),
        pytest.param(True, True, False, id="keyboard"),
        pytest.param(True, False, True, id="keyboard, the program having left the group"),
    ],
)
def test_the_program_gets_a_signal_exactly_once(
    running: Supervisor, record: Record, from_terminal: bool, in_group: bool, sent: bool
) -> None:
    record.in_group = in_group
    running.take(Signal(signal.SIGINT, from_terminal))
    assert record.done == ([(1, "SIGINT")] if sent else [])
    assert running.ended is None


def test_a_restart_begins_when_the_old_program_has_ended(
    replacing: Supervisor, record: Record
) -> None:
    replacing.program_ended(-signal.SIGTERM)
    assert (record.done, replacing.ended) == ([0, "new"], None)


def test_of_several_restarts_the_last_values_count_and_the_old_program_is_told_once(
    replacing: Supervisor, record: Record
) -> None:
    replacing.obey(Start(NEWER))
    replacing.program_ended(0)
    assert record.done == [0, "newer"]


def test_a_program_that_does_not_stop_in_time_is_killed(
    replacing: Supervisor, record: Record
) -> None:
    replacing.grace_is_over()
    assert record.done == [(1, "SIGKILL")]


def test_no_program_is_killed_that_nobody_wants_to_replace(
    running: Supervisor, record: Record
) -> None:
    running.grace_is_over()
    assert record.done == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
@pytest.mark.parametrize("from_terminal", [False, True])
def test_a_signal_during_a_restart_makes_it_the_end(
    replacing: Supervisor, record: Record, number: int, from_terminal: bool
) -> None:
    replacing.take(Signal(number, from_terminal))
    replacing.program_ended(5)
    assert replacing.ended == 5
    assert "new" not in record.done


def test_a_hangup_during_a_restart_is_only_handed_on(replacing: Supervisor, record: Record) -> None:
    replacing.take(Signal(signal.SIGHUP))
    replacing.program_ended(0)
    assert record.done == [(1, "SIGHUP"), 0, "new"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
def test_a_program_that_was_told_to_end_is_left_to_end_in_peace(
    running: Supervisor, record: Record, name: str
) -> None:
    running.take(Signal(signal.Signals[name]))
    running.obey(Start(NEW))
    running.obey(Notify(signal.SIGHUP))
    assert record.done == [(1, name)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_key_that_the_program_survives_forbids_no_restart(
    running: Supervisor, record: Record, number: int
) -> None:
    running.take(Signal(number, from_terminal=True))
    running.obey(Start(NEW))
    assert record.done == [(1, "SIGTERM"), GRACE]


def test_a_change_is_told_by_the_signal_that_was_asked_for(
    running: Supervisor, record: Record
) -> None:
    running.obey(Notify(signal.SIGUSR1))
    assert record.done == [(1, "SIGUSR1")]


def test_nobody_is_told_of_a_change_before_the_start(waiting: Supervisor, record: Record) -> None:
    waiting.obey(Notify(signal.SIGUSR1))
    assert record.done == []
