"""Bursts of denials, told from the few that always happen, so that none hides behind another."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, ip_address
from typing import Final

from sidecar.audit.event import AuditEvent

# So many within so many seconds are a burst; what follows is counted, and told after the pause, or
# as soon as it is so many times more than what was to be expected.
MOST: Final = 20
WITHIN_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 900.0
TIMES_MORE: Final = 10
# Addresses and reasons are the other side's to choose: what goes beyond is counted as one, so that
# neither this nor the sinks' queues can be filled.
MOST_APART: Final = 8

LOOPBACK: Final = "loopback"
# What follows a colon, a bracket or a quote may be a caller's own words; an apostrophe is none.
_OWN_WORDS: Final = re.compile(r"(?:[^:'\"(]|(?<=\w)'(?=\w))*")
_NUMBER: Final = re.compile(r"\d+")
_LONGEST_REASON: Final = 100


@dataclass(frozen=True, slots=True)
class Denied:
    """What denials have in common that are counted together.

    Args:
        door: which door denied.
        app: who was denied; empty for nobody that is known.
        peer: the address that it came from; all of loopback is one.
        reason: why, without what a caller may have written.

    """

    door: str
    app: str
    peer: str
    reason: str

    def without_choices(self) -> "Denied":
        """Give what the other side cannot choose."""
        return replace(self, peer="", reason="")


@dataclass(frozen=True, slots=True)
class Burst:
    """Something to tell.

    Args:
        denied: what was denied.
        count: how many times.
        seconds: within how long.
        further: whether these come on top of others that were told of.

    """

    denied: Denied
    count: int
    seconds: float
    further: bool


@dataclass(slots=True)
class _Count:
    """The latest denials of one kind, and how many came since they were told of."""

    latest: deque[float] = field(default_factory=lambda: deque(maxlen=MOST))
    told_at: float | None = None
    more: int = 0
    told: int = 0
    expected: int = MOST

    def be_quiet(self, elapsed: float, expected: int) -> None:
        self.told_at, self.expected = elapsed, max(expected, MOST)
        self.more = self.told = 0

    def is_over(self, elapsed: float) -> bool:
        if self.told_at is not None:
            return False
        return not self.latest or elapsed - self.latest[-1] > WITHIN_SECONDS

    def begin_anew(self) -> None:
        """Count from nothing: what came so far was told."""
        self.told_at = None
        self.latest.clear()


class Denials:
    """Notices when denials come in a burst, and counts those that follow it.

    Each kind of denial is counted by itself: whoever is denied often enough to be told of makes the
    sidecar deaf to nothing else. A known app is counted apart from everybody else.
    """

    def __init__(self) -> None:
        self._counts: dict[Denied, _Count] = {}

    def __len__(self) -> int:
        """Tell how many kinds are counted at this moment."""
        return len(self._counts)

    def seen(self, denied: Denied, elapsed: float) -> Burst | None:
        """Take in a denial, and give a burst if one is to be told of.

        Args:
            denied: what was denied, as of `denied_in`.
            elapsed: when, in seconds that only go up.

        """
        denied = self._place(denied, elapsed)
        count = self._counts.setdefault(denied, _Count())
        count.latest.append(elapsed)
        if count.told_at is not None:
            return self._more(denied, count, elapsed)
        first = count.latest[0]
        if len(count.latest) < MOST or elapsed - first > WITHIN_SECONDS:
            return None
        count.be_quiet(elapsed, MOST)
        return Burst(denied, MOST, elapsed - first, further=False)

    def followed(self, elapsed: float) -> Iterator[Burst]:
        """Give what came after bursts whose pause is over; to be asked every now and then.

        Args:
            elapsed: the moment, in seconds that only go up.

        """
        for denied, count in tuple(self._counts.items()):
            if count.is_over(elapsed):
                del self._counts[denied]
            if count.told_at is None or elapsed < count.told_at + QUIET_SECONDS:
                continue
            if count.more:
                yield Burst(denied, count.more, elapsed - count.told_at, further=True)
            if count.more >= MOST:
                count.be_quiet(elapsed, count.more)
            else:
                count.begin_anew()

    def _more(self, denied: Denied, count: _Count, elapsed: float) -> Burst | None:
        count.more += 1
        if count.told_at is None or count.more < TIMES_MORE * max(count.expected, count.told):
            return None
        count.told = count.more
        return Burst(denied, count.more, elapsed - count.told_at, further=True)

    def _place(self, denied: Denied, elapsed: float) -> Denied:
        """Count it by itself, or with all others of its app where there are too many kinds."""
        if denied in self._counts:
            return denied
        beside = [
            each for each in self._counts if each.door == denied.door and each.app == denied.app
        ]
        if len(beside) < MOST_APART:
            return denied
        for each in beside:
            if self._counts[each].is_over(elapsed):
                del self._counts[each]
                return denied
        return denied.without_choices()


def denied_in(event: AuditEvent) -> Denied:
    """Say what an event of a denial has in common with others.

    The reason is cut before anything that a caller may have written, and numbers do not count.
    """
    own = _OWN_WORDS.match(event.reason)
    reason = _NUMBER.sub("…", own[0] if own else "").strip()[:_LONGEST_REASON]
    return Denied(event.door, event.app, _address(event.peer), reason)


def _address(peer: str) -> str:
    """Give an address without its port; any of loopback is at anybody's choice on this machine."""
    host = peer.rpartition(":")[0].strip("[]")
    try:
        address = ip_address(host)
    except ValueError:  # no connection over a network
        return ""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return LOOPBACK if address.is_loopback else str(address)
