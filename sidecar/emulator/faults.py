"""Faults on demand: delays, errors and silence for chosen operations."""

from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Final, Self

from sidecar.emulator.error_shapes import AwsError

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
    "times",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What shall go wrong: for one service, for one of its operations or for all of them.

    `latency_ms` delays the answer; `status` and `code` replace it by an error, which then carries
    `retry_after_seconds`; `hang` withholds it until the fault is taken away; `times` limits how
    many requests are hit.
    """

    service: str
    operation: str | None = None
    latency_ms: float = 0
    status: int | None = None
    code: str | None = None
    retry_after_seconds: int | None = None
    hang: bool = False
    times: int | None = None

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
        wanted: dict[str, tuple[Any, bool]] = {
            "operation": (self.operation, isinstance(self.operation, str | None)),
            "latency_ms": (self.latency_ms, _is_number(self.latency_ms, 0, 600_000)),
            "status": (self.status, self.status is None or _is_whole(self.status, 400, 599)),
            "code": (self.code, isinstance(self.code, str | None)),
            "retry_after_seconds": (
                self.retry_after_seconds,
                self.retry_after_seconds is None or _is_whole(self.retry_after_seconds, 0, 86_400),
            ),
            "hang": (self.hang, isinstance(self.hang, bool)),
            "times": (self.times, self.times is None or _is_whole(self.times, 1, 10**9)),
        }
        for name, (value, good) in wanted.items():
            if not good:
                raise ValueError(f"{name} may not be {value!r}")

    def hits(self, service: str, operation: str) -> bool:
        """Whether this fault is meant for such a request."""
        return self.service == service and self.operation in {None, operation}

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
    removed: Event = field(default_factory=Event)


class Faults:
    """The faults in force; `suffer` makes a request go through the first that is meant for it."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._lock = Lock()

    def replace(self, faults: list[Fault]) -> None:
        """Put these faults in force instead of all others; whoever hangs is let go."""
        with self._lock:
            gone, self._armed = self._armed, [_Armed(each, each.times) for each in faults]
        for armed in gone:
            armed.removed.set()

    def suffer(self, service: str, operation: str) -> None:
        """Delay, hang or fail as the faults in force demand.

        Raises:
            AwsError: the fault's error; 503 after a hang that was ended.
        """
        armed = self._take(service, operation)
        if armed is None:
            return
        if armed.fault.latency_ms:
            armed.removed.wait(armed.fault.latency_ms / 1000)
        if armed.fault.hang:
            armed.removed.wait()
            raise AwsError(503, "ServiceUnavailable", "the hanging fault was removed")
        if error := armed.fault.error():
            raise error

    def _take(self, service: str, operation: str) -> _Armed | None:
        with self._lock:
            for armed in self._armed:
                if armed.left != 0 and armed.fault.hits(service, operation):
                    if armed.left is not None:
                        armed.left -= 1
                    return armed
        return None
