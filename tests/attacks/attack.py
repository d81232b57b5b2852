"""What one attack is: a request, what must come of it, and the honest request that succeeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sidecar.audit.event import AuditEvent, Result
from tests.attacks.world import Actor, World

# Who attacks, and whose values and sessions are wanted; of the last two each has the same role.
SEPARATE: Final = (("batch", "web"), ("web", "batch"))
SHARED: Final = (("south", "north"), ("north", "south"))
ANY: Final = (*SEPARATE, *SHARED)
OF_WEB: Final = (("batch", "web"),)

Build = Callable[[World, Actor, Actor], bytes]


@dataclass(frozen=True)
class Seen:
    """What the audit must have of an attack: how it ended, who did it, and words of why."""

    result: Result
    who: str
    words: str

    def fits(self, event: AuditEvent, me: Actor, them: Actor) -> bool:
        """Whether an event is this one; a grant has a resource where a denial has a reason."""
        names = {"me": me.name, "them": them.name}
        text = event.resource if event.result is Result.GRANTED else event.reason
        words = self.words.format(me=me, them=them)
        who = names.get(self.who, self.who)
        return (event.result, event.app) == (self.result, who) and words in text


def denied(words: str, who: str = "") -> tuple[Seen, ...]:
    """Expect one denial."""
    return (Seen(Result.DENIED, who, words),)


def failed(words: str, who: str = "me") -> tuple[Seen, ...]:
    """Expect that AWS, not the policy, has said no."""
    return (Seen(Result.FAILED, who, words),)


def granted(words: str, who: str = "me") -> tuple[Seen, ...]:
    """Expect that something was given: of the attacker's own."""
    return (Seen(Result.GRANTED, who, words),)


@dataclass(frozen=True)
class Twin:
    """An honest request, and at which door."""

    door: str
    build: Build


@dataclass(frozen=True)
class Attack:
    """One line of the table.

    Args:
        name: what it is.
        door: where.
        build: writes it, from the world, the attacker and the one who is attacked.
        statuses: what is answered, request by request.
        seen: what the audit has of it.
        twin: the honest request that it is near to; None is the same one, sent by its owner.
        pairs: who attacks whom.

    """

    name: str
    door: str
    build: Build
    statuses: tuple[int, ...]
    seen: tuple[Seen, ...] = ()
    twin: Twin | None = None
    pairs: Sequence[tuple[str, str]] = ANY

    def honest(self) -> Twin:
        """Give the request that must succeed."""
        return self.twin or Twin(self.door, lambda world, _, them: self.build(world, them, them))


def near(twin: Twin, attacks: Sequence[Attack]) -> tuple[Attack, ...]:
    """Give attacks one honest request that they are near to."""
    return tuple(replace(each, twin=each.twin or twin) for each in attacks)
