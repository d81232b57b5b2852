"""What the process behind the doors tells the one that runs the program: a line of JSON each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sidecar.errors import SidecarError


@dataclass(frozen=True, slots=True)
class Start:
    """Start the program with these variables; if it runs, stop it first."""

    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notify:
    """Send the program a signal."""

    number: int


Order = Start | Notify


def encoded(order: Order) -> bytes:
    """Write an order; bytes of a variable that are no UTF-8 stay what they are."""
    if isinstance(order, Start):
        return json.dumps({"start": dict(order.environment)}).encode() + b"\n"
    return json.dumps({"notify": order.number}).encode() + b"\n"


class OrderReader:
    """Puts orders together from bytes as they come."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> Iterator[Order]:
        """Take bytes, and give the orders that are whole."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        yield from map(_decoded, lines)


def _decoded(line: bytes) -> Order:
    match json.loads(line):
        case {"start": dict(environment)}:
            return Start(environment)
        case {"notify": int(number)}:
            return Notify(number)
    raise SidecarError("an order that nobody understands")
