"""How a secret and its user's keys stand, stuck states included, as short lines for people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sidecar.clock import iso_seconds
from sidecar.errors import SidecarError
from sidecar.redaction import masked_tail
from sidecar.rotation.action import Action
from sidecar.rotation.calls import Calls
from sidecar.rotation.event import Step
from sidecar.rotation.goal import Goal
from sidecar.rotation.lease import holder_of
from sidecar.rotation.observing import observe
from sidecar.rotation.retirement import Deactivate, Delete, NextReap, Note, next_reap
from sidecar.rotation.seen import LastUse, Seen, UserKey
from sidecar.rotation.steps import next_action


@dataclass(frozen=True, slots=True)
class Standing:
    """What is seen, as names and sentences in the order in which they are shown.

    Args:
        lines: what is seen.
        trouble: why the next rotation would not succeed, with a hint; None where nothing is seen
            that stands in its way.

    """

    lines: tuple[tuple[str, str], ...]
    trouble: SidecarError | None


def standing(calls: Calls, goal: Goal, now: datetime) -> Standing:
    """Look, and say how it stands; nothing is changed.

    Args:
        calls: AWS.
        goal: what a rotation would be for, with the token that it would have.
        now: the moment.

    Raises:
        RotationStuck: the secret or its user is gone, or the secret's value is no key's.
        UpstreamError: AWS did not answer, or said no.

    """
    seen = observe(calls, goal.target, goal.token)
    trouble = _trouble(goal, seen, now)
    return Standing(tuple(_lines(calls, goal, seen, now)), trouble)


def first_action(calls: Calls, goal: Goal, now: datetime) -> Action:
    """Say what a rotation would do first; raises as the rotation would."""
    return next_action(Step.CREATE, goal, observe(calls, goal.target, goal.token), now)


def _trouble(goal: Goal, seen: Seen, now: datetime) -> SidecarError | None:
    try:
        next_action(Step.CREATE, goal, seen, now)
    except SidecarError as exc:
        return exc
    return None


def _lines(calls: Calls, goal: Goal, seen: Seen, now: datetime) -> Iterator[tuple[str, str]]:
    facts = seen.facts
    yield "secret", facts.arn
    yield "user", goal.target.user_name
    current = seen.current_key
    named = seen.current.content.access_key_id
    if current is not None:
        yield "current key", f"{_key(current)}, in version {seen.current.version_id}"
    elif named is not None:
        yield "current key", f"{masked_tail(named)}, which the user does not have"
    else:
        yield "current key", "none yet"
    if seen.previous_key is not None:
        yield "previous key", f"{_key(seen.previous_key)}, {_use(seen.previous_use)}"
        yield "next for it", _next(next_reap(goal.retirement, seen, now))
    if seen.pending_key is not None:
        yield "pending key", _key(seen.pending_key)
    for key in seen.unknown_keys:
        use = seen.unknown_use.get(key.access_key_id)
        yield "unknown key", f"{_key(key)}, {_use(use)}: no version of the secret names it"
    if facts.under_way is not None:
        yield "under way", f"AWSPENDING is on version {facts.under_way}"
    holder = holder_of(calls, facts, now)
    if holder is not None:
        yield "worked on by", holder
    how = "Secrets Manager, with a function" if facts.rotation_enabled else "a sidecar"
    yield "rotated by", how


def _key(key: UserKey) -> str:
    state = "active" if key.active else "inactive"
    return f"{masked_tail(key.access_key_id)} ({state}, made {iso_seconds(key.created_at)})"


def _use(use: LastUse | None) -> str:
    if use is None or use.at is None:
        return "not seen in use"
    return f"last used at {use.service} {iso_seconds(use.at)}"


def _next(decided: NextReap) -> str:
    match decided:
        case Note():
            return "its grace begins"
        case Deactivate():
            return "it is made inactive"
        case Delete():
            return "it is deleted"
    until = "" if decided.until is None else f", until {iso_seconds(decided.until)}"
    return f"{decided.why}{until}"
