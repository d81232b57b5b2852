"""Signals taken one by one, with who sent each: the keyboard reaches the program by itself."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sidecar.errors import OperatorError

# What a program may be told from outside. Not SIGTSTP and SIGCONT: a shell sends them to the whole
# group, where they act on each process as they should.
_PASSED_ON: Final = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
    }
)
# A child has changed, a socket has something to read, a time is over.
_OUR_OWN: Final = frozenset({signal.SIGCHLD, signal.SIGIO, signal.SIGALRM})
# A terminal sends these to each process of its foreground group.
_FROM_TERMINALS: Final = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH})
# `si_code` of what no process sent; see sigaction(2).
_SI_KERNEL: Final = 0x80


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that came; `from_terminal` says that the whole foreground group got it."""

    number: int
    from_terminal: bool = False


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals that wait until they are taken, and the mask of a program that is started."""

    taken: frozenset[int]
    mask_before: frozenset[int]

    def next(self) -> Signal:
        """Wait for a signal."""
        told = signal.sigwaitinfo(self.taken)
        by_kernel = told.si_code == _SI_KERNEL
        return Signal(told.si_signo, by_kernel and told.si_signo in _FROM_TERMINALS)

    def restore(self) -> None:
        """Let signals act again as they did before, except those for this process alone."""
        while signal.sigtimedwait(_OUR_OWN, 0):
            pass  # SIGIO and SIGALRM would end it
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask_before)


@contextmanager
def held_signals() -> Iterator[Signals]:
    """Hold signals back in this thread, the only one, until they are taken.

    What was ignored from the start, as under `nohup`, stays ignored.

    Raises:
        OperatorError: the system does not tell who sent a signal.

    """
    if sys.platform != "linux":
        raise OperatorError(
            "this system does not tell who sent a signal: exec runs on Linux only",
            hint="run sidecar serve, and the program with the exports of sidecar env",
        )
    # Were it ignored, the system would not keep the ends of children.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    passed_on = {each for each in _PASSED_ON if signal.getsignal(each) is not signal.SIG_IGN}
    taken = _OUR_OWN | passed_on
    signals = Signals(taken, frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, taken)))
    try:
        yield signals
    finally:
        signals.restore()
