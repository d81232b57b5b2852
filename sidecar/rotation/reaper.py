"""The reaper: makes the replaced key inactive after its grace and deletes it after its recovery."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sidecar.rotation.calls import Calls
from sidecar.rotation.goal import Retirement, Target
from sidecar.rotation.observing import observe
from sidecar.rotation.retirement import (
    RECORD_TAG,
    Deactivate,
    Delete,
    NextReap,
    Note,
    Record,
    Wait,
    next_reap,
    replaced_at,
)
from sidecar.rotation.seen import Seen
from sidecar.rotation.stuck import shown

log = logging.getLogger(__name__)

# To note the moment, to deactivate, to note that, to delete.
_MOST_ACTIONS: Final = 6


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was done, and what comes next."""

    done: tuple[str, ...]
    next: NextReap


def reap(
    calls: Calls,
    target: Target,
    rules: Retirement,
    now: Callable[[], datetime],
    may_act: Callable[[], None] | None = None,
) -> Reaped:
    """Do to the previous key what its time has come for.

    Args:
        calls: AWS.
        target: the secret and the user.
        rules: when it may go.
        now: tells the moment.
        may_act: raises if this reaper may not act; without it nothing is done, only looked at.

    Raises:
        RotationStuck: the secret or the user is gone, or not as it must be.
        UpstreamError: AWS did not answer, or said no.

    """
    done: list[str] = []
    for _ in range(_MOST_ACTIONS):
        seen = observe(calls, target)
        decided = next_reap(rules, seen, now())
        if isinstance(decided, Wait) or may_act is None:
            return Reaped(tuple(done), decided)
        may_act()
        done.append(_perform(calls, target, decided, seen, now()))
    return Reaped(tuple(done), Wait("the tag of the secret does not keep what is noted in it"))


def _perform(
    calls: Calls,
    target: Target,
    decided: Note | Deactivate | Delete,
    seen: Seen,
    now: datetime,
) -> str:
    secret, user = seen.facts.arn, target.user_name
    match decided:
        case Note(record):
            calls.tag(secret, RECORD_TAG, str(record))
            return "noted when the previous key was replaced"
        case Deactivate(key):
            calls.set_active(user, key.access_key_id, active=False)
            since = replaced_at(seen) or now
            record = replace(Record(seen.current.version_id, since), inactive_since=now)
            calls.tag(secret, RECORD_TAG, str(record))
            log.info("the previous key %s is inactive from now on", shown(key))
            return f"made the previous key {shown(key)} inactive"
        case Delete(key):
            calls.delete_key(user, key.access_key_id)
            log.info("the previous key %s is deleted", shown(key))
            return f"deleted the previous key {shown(key)}"
