"""The four steps as decisions: what is seen goes in, the one next action comes out."""

from datetime import datetime, timedelta
from typing import Final

from sidecar.rotation.action import (
    Action,
    CreateKey,
    DeleteKey,
    Done,
    DropPending,
    MoveCurrent,
    SetActive,
    TryKey,
)
from sidecar.rotation.attempt import Attempt, latest_attempt
from sidecar.rotation.event import Step
from sidecar.rotation.goal import Goal
from sidecar.rotation.retirement import may_give_place
from sidecar.rotation.seen import CURRENT, PENDING, LastUse, Seen, UserKey
from sidecar.rotation.stuck import (
    RotationNotYet,
    elsewhere,
    not_announced,
    previous_in_use,
    shown,
    shut_out,
    unknown_keys,
    wrong_user,
)

# Two keys a user, inactive ones included; the quota cannot be raised (IAM user guide, "Quotas").
MOST_KEYS: Final = 2
# IAM may take so long to show a new key everywhere; reports are of seconds.
_SHOWN_WITHIN: Final = timedelta(minutes=5)


def next_action(step: Step, goal: Goal, seen: Seen, now: datetime) -> Action:
    """Say what to do next in a step; asked again after every action.

    No step relies on what an earlier one did in this process: each may be repeated, at any point.

    Raises:
        RotationStuck: somebody must decide something.
        RotationNotYet: a later attempt can go on.

    """
    done = _entry(goal, seen)
    if done is not None:
        return done
    _check_users(goal, seen)
    match step:
        case Step.CREATE:
            return _create(goal, seen, now)
        case Step.SET:
            return _set(seen, now)
        case Step.TEST:
            return _test(goal, seen)
        case Step.FINISH:
            return _finish(goal, seen, now)


def _entry(goal: Goal, seen: Seen) -> Done | None:
    """Check what every step checks first (Secrets Manager user guide, rotation templates)."""
    facts, token = seen.facts, goal.token
    labels = facts.labels.get(token, ())
    if CURRENT in labels:
        return Done("the version of this rotation is current")
    if not goal.announced:
        if facts.under_way not in (None, token):
            raise elsewhere(str(facts.under_way))
        return None
    if not labels:
        raise not_announced(f"version {token} is not part of a rotation of this secret")
    if PENDING not in labels:
        raise not_announced(f"version {token} does not carry AWSPENDING")
    return None


def _check_users(goal: Goal, seen: Seen) -> None:
    """See that every version is about the configured user, whoever wrote it."""
    user = goal.target.user_name
    for where, version in (("current", seen.current), ("pending", seen.pending)):
        if version is not None and version.content.user_name != user:
            raise wrong_user(where, version.content.user_name, user)


def _create(goal: Goal, seen: Seen, now: datetime) -> Action:
    if seen.pending is not None:
        return Done("the key of this rotation is stored")
    if seen.unknown_keys:
        key = seen.unknown_keys[0]
        if not _is_orphan(key, seen):
            raise unknown_keys((key,), goal.target.user_name)
        return _remove_orphan(key)
    if len(seen.keys) >= MOST_KEYS:
        return _make_place(goal, seen, now)
    return CreateKey(seen.current.content, Attempt.before(seen.keys, now))


def _is_orphan(key: UserKey, seen: Seen) -> bool:
    """Whether a key can only be one that a crashed attempt made and could not store."""
    attempt = latest_attempt(seen.facts)
    use = seen.unknown_use.get(key.access_key_id, LastUse(None))
    return attempt is not None and attempt.left(key, use)


def _remove_orphan(key: UserKey) -> Action:
    """Remove in two moves, the first of which can be undone."""
    if key.active:
        why = f"no version names {shown(key)}, which a crashed attempt made"
        return SetActive(key.access_key_id, active=False, why=why)
    return DeleteKey(key.access_key_id, f"no version names {shown(key)}, which is an orphan")


def _make_place(goal: Goal, seen: Seen, now: datetime) -> Action:
    """Give up the previous key; it is the only one that may ever go for a new one."""
    key = seen.previous_key
    if key is None:
        raise RotationNotYet(
            f"user {goal.target.user_name} has {len(seen.keys)} keys and none may go"
        )
    why_not = may_give_place(goal.retirement, seen, now)
    if why_not is not None:
        raise previous_in_use(key, why_not.why, passes=why_not.until is not None)
    return DeleteKey(key.access_key_id, f"the previous key {shown(key)} gives its place")


def _set(seen: Seen, now: datetime) -> Action:
    """Make sure that the service accepts the key, which IAM does from its creation on."""
    if seen.pending is None:
        return Done("nothing is stored yet")
    key = seen.pending_key
    if key is None and now >= seen.pending.created_at + _SHOWN_WITHIN:
        return DropPending(seen.pending.version_id, "IAM shows no such key of the user")
    if key is not None and not key.active:
        attempt = latest_attempt(seen.facts)
        # One that was retired, or leaked and shut out, is no new key, whoever wrote the version.
        if key == seen.previous_key or attempt is None or not attempt.made_this(key):
            raise shut_out(key)
        return SetActive(key.access_key_id, active=True, why="the new key is inactive")
    return Done("the new key is there")


def _test(goal: Goal, seen: Seen) -> Action:
    """Try the new key; the current one where no value is pending.

    That is so when a rotation is set up without rotating at once: Secrets Manager calls this step
    alone then.
    """
    if seen.pending is None and not goal.announced:
        raise RotationNotYet(f"version {goal.token} has no value yet")
    return TryKey((seen.pending or seen.current).content)


def _finish(goal: Goal, seen: Seen, now: datetime) -> Action:
    """Let applications have the new key; no key is touched, since caches still hold the old one."""
    if seen.pending is None:
        raise RotationNotYet(f"version {goal.token} has no value yet")
    key = seen.pending_key
    if key is None and now >= seen.pending.created_at + _SHOWN_WITHIN:
        return DropPending(seen.pending.version_id, "IAM shows no such key of the user")
    if key is None or not key.active:
        raise RotationNotYet("IAM does not show the new key as active")
    return MoveCurrent(goal.token, seen.current.version_id)
