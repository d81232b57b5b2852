"""The access keys of users as IAM's distributed parts see them: later than they were changed.

IAM is eventually consistent (user guide, "Troubleshoot IAM", "Changes that I make are not always
immediately visible"): a new key works a while later, an old one a while longer, and when a key was
last used is known later still. How long each takes is not documented, so each can be set.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Self

from moto.iam.models import AccessKeyLastUsed

_LONGEST_SECONDS: Final = 30 * 86_400
_ACTIVE: Final = "Active"


@dataclass(frozen=True, slots=True)
class IamDelays:
    """How much later than IAM's answer its changes count, in seconds of service time."""

    new_key_delay_seconds: float = 0
    old_key_delay_seconds: float = 0
    last_used_lag_seconds: float = 0

    def changed(self, value: object) -> Self:
        """These delays with those of a JSON object in their place.

        Raises:
            ValueError: not an object, or a member that is unknown, no number or out of range.
        """
        known = asdict(self)
        if not isinstance(value, dict):
            raise ValueError(f"delays are an object with some of {', '.join(known)}")
        if unknown := sorted(set(value) - set(known)):
            raise ValueError(f"unknown member {unknown[0]!r}; there are {', '.join(known)}")
        for name, seconds in value.items():
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise ValueError(f"{name} must be a number of seconds, not {seconds!r}")
            if not 0 <= seconds <= _LONGEST_SECONDS:
                raise ValueError(f"{name} must be from 0 to {_LONGEST_SECONDS}, not {seconds!r}")
        return replace(self, **value)


@dataclass(frozen=True, slots=True)
class _Change:
    """A key of moto's that worked or not before, and works or not once that is known everywhere."""

    key: Any
    at: datetime
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class _Use:
    at: datetime
    service: str
    region: str


class AccessKeys:
    """What became of keys, and when they were used; safe to use from many threads."""

    def __init__(self) -> None:
        self.delays = IamDelays()
        self._changes: dict[str, _Change] = {}
        self._uses: dict[str, list[_Use]] = {}
        self._lock = Lock()

    def usable(self, backend: Any, access_key_id: str, now: datetime) -> Any:
        """The key as moto keeps it, if it works now, though it be deleted; None if it does not."""
        with self._lock:
            change = self._changes.get(access_key_id)
        if change is None:
            key = backend.access_keys.get(access_key_id)
            return key if is_active(key) else None
        delays = self.delays
        delay = delays.new_key_delay_seconds if change.after else delays.old_key_delay_seconds
        settled = now >= change.at + timedelta(seconds=delay)
        return change.key if (change.after if settled else change.before) else None

    def changed(self, key: Any, *, before: bool, after: bool, now: datetime) -> None:
        """A key was made, deleted, or got another status."""
        with self._lock:
            self._changes[key.access_key_id] = _Change(key, now, before, after)

    def used(self, access_key_id: str, service: str, region: str, now: datetime) -> None:
        """A request was signed with a key, whether or not it was allowed then."""
        known = now - timedelta(seconds=self.delays.last_used_lag_seconds)
        with self._lock:
            uses = self._uses.setdefault(access_key_id, [])
            # Of what is known already the latest is enough, and of one second the latest too.
            while len(uses) > 1 and uses[1].at <= known:
                del uses[0]
            if uses and uses[-1].at > known and now - uses[-1].at < timedelta(seconds=1):
                del uses[-1]
            uses.append(_Use(now, service, region))

    def last_use(self, access_key_id: str, now: datetime) -> AccessKeyLastUsed | None:
        """The latest use that is known by now, in moto's form; None when none is."""
        known = now - timedelta(seconds=self.delays.last_used_lag_seconds)
        with self._lock:
            uses = [use for use in self._uses.get(access_key_id, []) if use.at <= known]
        if not uses:
            return None
        return AccessKeyLastUsed(
            uses[-1].at.replace(tzinfo=None), uses[-1].service, uses[-1].region
        )


def is_active(key: Any) -> bool:
    """Whether IAM's own record says that a key works; a key that is None does not."""
    return key is not None and key.status == _ACTIVE
