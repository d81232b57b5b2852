"""What becomes of the program when something happens: decisions, without a process or a signal."""

import signal
from collections.abc import Mapping
from typing import Final, Protocol

from sidecar.supervision.orders import Order, Start
from sidecar.supervision.signals import Signal

# What ends a program that has not begun, and what breaks a replacement off.
_ENDS_A_WAIT: Final = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
_ENDS_A_REPLACEMENT: Final = _ENDS_A_WAIT - {signal.SIGHUP}


class Kernel(Protocol):
    """What acts on processes."""

    def start(self, environment: Mapping[str, str]) -> int:
        """Start the program and give its number."""
        ...

    def send(self, pid: int, number: int) -> None:
        """Send a signal."""
        ...

    def reaches(self, pid: int) -> bool:
        """Whether what the terminal sends to this process's group reaches that one too."""
        ...

    def set_alarm(self, seconds: float) -> None:
        """Call back once after so long; zero takes back what was set."""
        ...


class Supervisor:
    """Runs one program, and replaces it when it is told to.

    The program may end whenever it likes: only an end that was asked for, to replace it, is
    followed by a new start. SIGTERM, SIGINT and SIGQUIT from another process are for good: nothing
    is started after them. By a key they may mean what the program does, and not its end.

    Args:
        kernel: what acts on processes.
        grace_seconds: how long the program may take to stop before it is killed.

    """

    def __init__(self, kernel: Kernel, grace_seconds: float) -> None:
        self._kernel = kernel
        self._grace_seconds = grace_seconds
        self._next: Mapping[str, str] | None = None
        self._stopping = False
        self.pid: int | None = None
        self.ended: int | None = None

    def obey(self, order: Order) -> None:
        """Do what the process behind the doors wants."""
        if self.ended is not None or self._stopping:
            return
        if isinstance(order, Start):
            self._start(order.environment)
        elif self.pid is not None:
            self._kernel.send(self.pid, order.number)

    def take(self, signal_: Signal) -> None:
        """Hand a signal on, unless the program has got it from the terminal already."""
        number = signal_.number
        self._stopping |= number in _ENDS_A_REPLACEMENT and not signal_.from_terminal
        if number in _ENDS_A_REPLACEMENT:
            self._next = None
        if self.pid is None:
            if self.ended is None and number in _ENDS_A_WAIT:
                self.ended = -number
        elif not (signal_.from_terminal and self._kernel.reaches(self.pid)):
            self._kernel.send(self.pid, number)

    def program_ended(self, code: int) -> None:
        """Take note of the program's end: its exit code, or minus the signal that ended it."""
        self.pid = None
        self._kernel.set_alarm(0)
        environment, self._next = self._next, None
        if environment is None:
            self.ended = code
        else:
            self.pid = self._kernel.start(environment)

    def grace_is_over(self) -> None:
        """Kill the program if it must be replaced and is still there."""
        if self._next is not None and self.pid is not None:
            self._kernel.send(self.pid, signal.SIGKILL)

    def _start(self, environment: Mapping[str, str]) -> None:
        if self.pid is None:
            self.pid = self._kernel.start(environment)
            return
        stops_already, self._next = self._next is not None, environment
        if not stops_already:
            self._kernel.send(self.pid, signal.SIGTERM)
            self._kernel.set_alarm(self._grace_seconds)
