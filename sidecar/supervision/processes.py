"""Two processes for one program: one has the doors, the other does nothing but watch over it.

The watching process is the one that the user started. It has one thread and waits for nothing but
signals, so that trouble behind the doors neither ends the program nor delays a signal, and so that
it can be the first process of a container, which has orphans to bury.
"""

import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Final

from sidecar.supervision.orders import OrderReader
from sidecar.supervision.program import CannotRun, Program
from sidecar.supervision.signals import Signals, held_signals
from sidecar.supervision.supervisor import Supervisor

# How long the doors may take to close once the program has ended.
_DOORS_CLOSE_SECONDS: Final = 5.0
_FAILED: Final = 1


def run_beside_doors(
    program: Program,
    doors: Callable[[socket.socket], int],
    grace_seconds: float,
    say: Callable[[str, str], None],
) -> int:
    """Run the program while another process, forked here, has the doors open.

    Args:
        program: what is run; `doors` orders when, and with which variables.
        doors: what the other process does. It gets a socket to send orders through, on which it
            must end when it reads the end of it. This function returns there too, with its code.
        grace_seconds: how long the program may take to stop when it is to be replaced.
        say: takes a failure and a hint for the user.

    Returns:
        The program's exit code, or minus the signal that ended it. If it was never started, the
        exit code of `doors`, or minus the signal that ended the waiting.

    """
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as stack:
        stack.enter_context(ours)
        signals = stack.enter_context(held_signals())
        pid = os.fork()
        if pid:
            theirs.close()
            return _Watch(program, pid, ours, signals, grace_seconds, say).run()
        # The other process: here signals act as they always did.
        stack.close()
    with theirs:
        # A word to stdout would be in the midst of the program's own.
        os.dup2(sys.stderr.fileno(), 1)
        return doors(theirs)


class _Watch:
    """The watching process; every event is a signal, and they are taken one after the other."""

    def __init__(
        self,
        program: Program,
        doors: int,
        orders: socket.socket,
        signals: Signals,
        grace_seconds: float,
        say: Callable[[str, str], None],
    ) -> None:
        self._program = program
        self._doors: int | None = doors
        self._orders = orders
        self._signals = signals
        self._say = say
        self._started = False
        self._by_keyboard = False
        self._reader = OrderReader()
        self._supervisor = Supervisor(self, grace_seconds)

    def run(self) -> int:
        """Watch until the program has ended and the doors have closed."""
        code = self._until_the_end()
        self._close_doors()
        return code

    def _until_the_end(self) -> int:
        try:
            self._listen()
            while self._supervisor.ended is None:
                self._take_whatever_happens()
        except CannotRun as exc:
            self._say(exc.message, exc.hint)
            self._supervisor.ended = exc.exit_code
        return self._supervisor.ended

    def start(self, environment: Mapping[str, str]) -> int:
        """Start the program and give its number."""
        pid = self._program.start(environment, self._signals.mask_before)
        self._started = True
        return pid

    def send(self, pid: int, number: int) -> None:
        """Send the program a signal; one that runs as another user cannot be told."""
        try:
            os.kill(pid, number)
        except OSError as exc:
            name = signal.Signals(number).name
            self._say(f"{name} cannot be sent to the program: {exc.strerror}", "send it directly")

    def reaches(self, pid: int) -> bool:
        """Whether the program is still in this process's group."""
        return os.getpgid(pid) == os.getpgrp()

    def set_alarm(self, seconds: float) -> None:
        """Have SIGALRM come after so long."""
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _listen(self) -> None:
        """Have SIGIO come when there is something to read, and read what came before that."""
        self._orders.setblocking(False)
        fcntl.fcntl(self._orders, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(self._orders, fcntl.F_GETFL)
        fcntl.fcntl(self._orders, fcntl.F_SETFL, flags | os.O_ASYNC)
        self._read_orders()

    def _take_whatever_happens(self) -> None:
        """Take a signal; a bug ends nothing while the program runs."""
        try:
            self._take()
        except CannotRun:
            raise
        except Exception as exc:
            if self._supervisor.pid is None:
                raise
            self._say(
                f"internal error: {type(exc).__name__}, and the program goes on",
                "this is a bug in the sidecar; please report it",
            )

    def _take(self) -> None:
        arrived = self._signals.next()
        self._by_keyboard = arrived.from_terminal
        match arrived.number:
            case signal.SIGCHLD:
                self._bury()
            case signal.SIGIO:
                self._read_orders()
            case signal.SIGALRM:
                self._supervisor.grace_is_over()
            case _:
                self._supervisor.take(arrived)

    def _read_orders(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while data := self._orders.recv(65536):
                for order in self._reader.feed(data):
                    self._supervisor.obey(order)

    def _bury(self) -> None:
        """Learn of every process that has ended: the program, the doors, and a container's orphans.

        One signal may stand for several ends.
        """
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, code = ended[0], os.waitstatus_to_exitcode(ended[1])
                if pid == self._doors:
                    self._doors_ended(code)
                elif pid == self._supervisor.pid:
                    self._supervisor.program_ended(code)

    def _doors_ended(self, code: int) -> None:
        self._doors = None
        if self._supervisor.ended is not None:
            return
        self._read_orders()
        if self._supervisor.pid is None:  # it has said why
            self._supervisor.ended = code or _FAILED
        else:
            self._say(
                "the doors are closed, and the program goes on without them",
                "see above for the reason; restart the program when it suits",
            )

    def _close_doors(self) -> None:
        """Let the other process end, but not for ever."""
        if not (self._doors is None or self._started or self._by_keyboard):
            # It may be asking for a password, and must give the terminal its echo back. A key's
            # signal it has itself; a second one would come between.
            os.kill(self._doors, signal.SIGINT)
        self._orders.close()
        self.set_alarm(_DOORS_CLOSE_SECONDS)
        while self._doors is not None:
            arrived = self._signals.next()
            if arrived.number == signal.SIGALRM:
                os.kill(self._doors, signal.SIGKILL)
            elif arrived.number == signal.SIGCHLD:
                self._bury()
        self.set_alarm(0)
