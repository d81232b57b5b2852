"""Faults on demand: delays, errors, nonsense and silence for chosen operations."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Final, Self

from sidecar.clock import SystemClock
from sidecar.emulator.error_shapes import AwsError, Response

_CODES: Final = {
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
_KNOWN: Final = {
    "service",
    "operation",
    "latency_ms",
    "status",
    "code",
    "retry_after_seconds",
    "hang",
    "reset",
    "body",
    "times",
    "seconds",
}
_SUCCESS: Final = 200


class Reset(Exception):
    """The connection is to be reset instead of an answer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What shall go wrong: for one service, for one of its operations or for all of them.

    `latency_ms` delays the answer; `status` and `code` replace it by an error, which then carries
    `retry_after_seconds`; `body` replaces it by this text, with status 200 unless `status` says
    otherwise; `hang` withholds it until the fault is taken away; `reset` resets the connection;
    `times` limits how many requests are hit, and `seconds` for how long.
    """

    service: str
    operation: str | None = None
    latency_ms: float = 0
    status: int | None = None
    code: str | None = None
    retry_after_seconds: int | None = None
    hang: bool = False
    reset: bool = False
    body: str | None = None
    times: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a fault from its JSON form.

        Raises:
            ValueError: not an object, an unknown member, or a member of the wrong type or range.
        """
        if not isinstance(value, dict) or not isinstance(value.get("service"), str):
            raise ValueError("a fault is an object with a service")
        if unknown := sorted(set(value) - _KNOWN):
            raise ValueError(f"unknown member {unknown[0]!r}")
        fault = cls(**value)
        fault._check()
        return fault

    def _check(self) -> None:
        lowest = 400 if self.body is None else _SUCCESS
        wanted: dict[str, tuple[Any, bool]] = {
            "operation": (self.operation, isinstance(self.operation, str | None)),
            "latency_ms": (self.latency_ms, _is_number(self.latency_ms, 0, 600_000)),
            "status": (self.status, self.status is None or _is_whole(self.status, lowest, 599)),
            "code": (self.code, isinstance(self.code, str | None)),
            "retry_after_seconds": (
                self.retry_after_seconds,
                self.retry_after_seconds is None or _is_whole(self.retry_after_seconds, 0, 86_400),
            ),
            "hang": (self.hang, isinstance(self.hang, bool)),
            "reset": (self.reset, isinstance(self.reset, bool)),
            "body": (self.body, isinstance(self.body, str | None)),
            "times": (self.times, self.times is None or _is_whole(self.times, 1, 10**9)),
            "seconds": (self.seconds, self.seconds is None or _is_number(self.seconds, 0, 86_400)),
        }
        for name, (value, good) in wanted.items():
            if not good:
                raise ValueError(f"{name} may not be {value!r}")

    def hits(self, service: str, operation: str) -> bool:
        """Whether this fault is meant for such a request."""
        return self.service == service and self.operation in {None, operation}

    def answer(self) -> Response | None:
        """What to answer in place of the service, if this fault says so."""
        if self.body is None:
            return None
        headers = {"Content-Type": "text/html"}
        return Response(self.status or _SUCCESS, self.body.encode(), headers)

    def error(self) -> AwsError | None:
        """The error to answer with, if this fault has one."""
        if self.status is None and self.code is None:
            return None
        status = self.status or 400
        code = self.code or _CODES.get(status, "InternalServerError")
        wait = self.retry_after_seconds
        headers = {} if wait is None else {"Retry-After": str(wait)}
        return AwsError(status, code, "injected fault", headers=headers)


def _is_number(value: object, low: int, high: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and _is_number(value, low, high)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None
    until: float | None
    removed: Event = field(default_factory=Event)


class Faults:
    """The faults in force; `suffer` makes a request go through the first that is meant for it.

    `elapsed` gives seconds since some moment; the machine's clock when left out.
    """

    def __init__(self, elapsed: Callable[[], float] | None = None) -> None:
        self._elapsed = elapsed or SystemClock().elapsed
        self._armed: list[_Armed] = []
        self._lock = Lock()

    def replace(self, faults: list[Fault]) -> None:
        """Put these faults in force instead of all others; whoever hangs is let go."""
        now = self._elapsed()
        armed = [
            _Armed(each, each.times, None if each.seconds is None else now + each.seconds)
            for each in faults
        ]
        with self._lock:
            gone, self._armed = self._armed, armed
        for each in gone:
            each.removed.set()

    def suffer(self, service: str, operation: str) -> Response | None:
        """Delay, hang or fail as the faults in force demand; None lets the service answer.

        Raises:
            AwsError: the fault's error; 503 after a hang that was ended.
            Reset: the connection is to be reset.
        """
        armed = self._take(service, operation)
        if armed is None:
            return None
        if armed.fault.latency_ms:
            armed.removed.wait(armed.fault.latency_ms / 1000)
        if armed.fault.hang:
            armed.removed.wait(self._left(armed))
            raise AwsError(503, "ServiceUnavailable", "the hanging fault was removed")
        if armed.fault.reset:
            raise Reset
        if answer := armed.fault.answer():
            return answer
        if error := armed.fault.error():
            raise error
        return None

    def _left(self, armed: _Armed) -> float | None:
        return None if armed.until is None else max(armed.until - self._elapsed(), 0)

    def _take(self, service: str, operation: str) -> _Armed | None:
        with self._lock:
            for armed in self._armed:
                if armed.left == 0 or self._left(armed) == 0:
                    continue
                if armed.fault.hits(service, operation):
                    if armed.left is not None:
                        armed.left -= 1
                    return armed
        return None
