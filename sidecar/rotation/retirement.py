"""What may become of the key that was replaced, decided from what is seen; never by its age."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from sidecar.clock import iso_seconds, parse_iso_seconds
from sidecar.rotation.goal import Retirement
from sidecar.rotation.seen import LastUse, Seen, UserKey

# Kept as a tag of the secret: IAM does not say since when a key is inactive.
RECORD_TAG: Final = "sidecar:replaced-key"
# For so long after it was made inactive a key may still be let in here and there.
_SPREAD: Final = timedelta(minutes=1)
# No moment that was noted is later; years can be added to it.
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """What was noted about the replaced key.

    Args:
        current: the version that replaced it.
        since: when it was replaced, or the first moment at which that was seen.
        inactive_since: when it was made inactive.

    """

    current: str
    since: datetime
    inactive_since: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a tag's value; None for one that says nothing."""
        parts = dict(each.partition("=")[::2] for each in text.split())
        try:
            inactive = parts.get("inactive")
            found = cls(
                parts["current"],
                parse_iso_seconds(parts["since"]),
                None if inactive is None else parse_iso_seconds(inactive),
            )
        except (KeyError, ValueError):
            return None
        latest = max(found.since, found.inactive_since or found.since)
        return found if latest < _LATEST else None

    def __str__(self) -> str:
        inactive = f" inactive={iso_seconds(self.inactive_since)}" if self.inactive_since else ""
        return f"current={self.current} since={iso_seconds(self.since)}{inactive}"


def record_of(seen: Seen) -> Record | None:
    """Give what was noted since the current version came to be current."""
    record = Record.parse(seen.facts.tags.get(RECORD_TAG, ""))
    return record if record and record.current == seen.current.version_id else None


def replaced_at(seen: Seen) -> datetime | None:
    """Tell when the previous key was replaced; None when that is not known.

    The current version may be much older than that: a rotation can take several attempts, and
    somebody may have moved the label back by hand, of which no moment is known.
    """
    record, rotated = record_of(seen), seen.facts.last_rotated
    if record is not None:
        return max(record.since, _not_before(seen))
    known = rotated is not None and rotated >= _not_before(seen) and not moved_back(seen)
    return rotated if known else None


def moved_back(seen: Seen) -> bool:
    """Whether the current version is older than the previous one: the label was moved back."""
    return seen.previous is not None and seen.current.created_at < seen.previous.created_at


def _not_before(seen: Seen) -> datetime:
    """Tell a moment before which the previous key was surely not replaced."""
    versions = (seen.current, seen.previous)
    return max(each.created_at for each in versions if each is not None)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be done now; `until` is None where only people can change that."""

    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Note something in the secret's tag."""

    record: Record


@dataclass(frozen=True, slots=True)
class Deactivate:
    """Make the previous key inactive."""

    key: UserKey


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the previous key."""

    key: UserKey


NextReap = Wait | Note | Deactivate | Delete


def next_reap(rules: Retirement, seen: Seen, now: datetime) -> NextReap:
    """Say what becomes of the previous key.

    Args:
        rules: grace, recovery and what else was configured.
        seen: the state, with the last use of the previous key.
        now: the moment.

    """
    current, key = seen.current_key, seen.previous_key
    if current is None or not current.active:
        return Wait("the current version names no active key, so the previous one stays")
    if key is None:
        return Wait("there is no previous key")
    since = replaced_at(seen)
    if since is None:
        return Note(Record(seen.current.version_id, now))
    if key.active:
        return _of_active(rules, seen, key, since, now)
    return _of_inactive(rules, seen, key, since, now)


def _of_active(
    rules: Retirement, seen: Seen, key: UserKey, since: datetime, now: datetime
) -> NextReap:
    record = record_of(seen)
    if record is not None and record.inactive_since is not None:
        # Somebody activated it again, and needs it: its grace begins anew.
        return Note(Record(record.current, now))
    end = since + rules.grace
    if now < end:
        return Wait("the previous key is in its grace", end)
    quiet = _quiet_from(seen.previous_use, rules)
    if quiet is not None and now < quiet and not rules.force:
        return Wait(f"the previous key is still used, {_use(seen.previous_use)}", quiet)
    return Deactivate(key)


def _of_inactive(
    rules: Retirement, seen: Seen, key: UserKey, since: datetime, now: datetime
) -> NextReap:
    record = record_of(seen)
    inactive_since = record.inactive_since if record else None
    if inactive_since is None:
        return Note(Record(seen.current.version_id, since, now))
    end = inactive_since + rules.recovery
    if not rules.delete:
        return Wait("the previous key is inactive and is kept")
    if now < end:
        return Wait("the previous key is inactive and can be restored", end)
    if _used_since(seen.previous_use, inactive_since) and not rules.force:
        return Wait(f"somebody tried the inactive key, {_use(seen.previous_use)}")
    return Delete(key)


def may_give_place(rules: Retirement, seen: Seen, now: datetime) -> Wait | None:
    """Say why the previous key may not be deleted for a new one; None when it may.

    One that is active must have outlived its grace, unused; one that is inactive its recovery,
    unless it is to be kept for good: it is of no use to anybody then.
    """
    key = seen.previous_key
    if rules.force or key is None:
        return None
    current = seen.current_key
    if current is not None and not current.active:
        return Wait("is the only active one")
    since = replaced_at(seen) or (now if moved_back(seen) else _not_before(seen))
    if not key.active:
        return _why_kept(rules, seen, since, now) if rules.delete else None
    end = since + rules.grace
    if now < end:
        return Wait(f"is in its grace until {iso_seconds(end)}", end)
    quiet = _quiet_from(seen.previous_use, rules)
    if quiet is not None and now < quiet:
        return Wait(f"is still used, {_use(seen.previous_use)}")
    return None


def _why_kept(rules: Retirement, seen: Seen, since: datetime, now: datetime) -> Wait | None:
    """Say why an inactive key may not be deleted yet."""
    record = record_of(seen)
    inactive_since = record.inactive_since if record and record.inactive_since else since
    end = inactive_since + rules.recovery
    if now < end:
        return Wait(f"is inactive and can be restored until {iso_seconds(end)}", end)
    if _used_since(seen.previous_use, inactive_since):
        return Wait(f"is inactive and somebody tried it, {_use(seen.previous_use)}")
    return None


def _quiet_from(use: LastUse | None, rules: Retirement) -> datetime | None:
    """Tell from when on a key counts as out of use."""
    return None if use is None or use.at is None else use.at + rules.grace


def _used_since(use: LastUse | None, moment: datetime) -> bool:
    return use is not None and use.at is not None and use.at > moment + _SPREAD


def _use(use: LastUse | None) -> str:
    if use is None or use.at is None:
        return "never"
    return f"last at {use.service} on {iso_seconds(use.at)}"
