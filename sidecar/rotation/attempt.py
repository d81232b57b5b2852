"""The note that a key is about to be made, by which one that was never stored is known again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from sidecar.clock import iso_seconds, parse_iso_seconds
from sidecar.rotation.seen import LastUse, SecretFacts, UserKey

# Kept as a tag of the secret: it must be there before the key is, and survive the process.
ATTEMPT_TAG: Final = "sidecar:creating-key"
# IAM's clock and ours may differ by so much before AWS refuses our signatures (AWS General
# Reference, "Signature Version 4"); the key is made within a minute of the note.
_AROUND: Final = timedelta(minutes=5)
# Our own trial of a key ends so long after it was made; see the deadlines of a rotation.
_TRIED_WITHIN: Final = timedelta(minutes=15)
_SHOWN: Final = 4
# What no id ends with.
_NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to make a key.

    Args:
        at: right before it, by our clock.
        besides: the last four characters of the ids of the keys that were there already.
        made: those of the id of the key that was made; "" until that is known.

    """

    at: datetime
    besides: frozenset[str] = frozenset()
    made: str = ""

    @classmethod
    def before(cls, keys: Iterable[UserKey], at: datetime) -> Self:
        """Give the attempt that begins now, beside the keys that are there."""
        return cls(at, frozenset(_ending(each.access_key_id) for each in keys))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a tag's value; None for one that says nothing."""
        parts = dict(each.partition("=")[::2] for each in text.split())
        try:
            besides = frozenset(parts.get("besides", "").split("+")) - {""}
            return cls(parse_iso_seconds(parts["at"]), besides, parts.get("made", ""))
        except (KeyError, ValueError):
            return None

    def __str__(self) -> str:
        besides = f" besides={'+'.join(sorted(self.besides))}" if self.besides else ""
        made = f" made={self.made}" if self.made else ""
        return f"at={iso_seconds(self.at)}{besides}{made}"

    def with_key(self, access_key_id: str) -> Self:
        """Give the same attempt, which made this key."""
        return type(self)(self.at, self.besides, _ending(access_key_id))

    def over(self) -> Self:
        """Give the same attempt, of which no orphan can be left."""
        return type(self)(self.at, self.besides, _NOTHING)

    def left(self, key: UserKey, use: LastUse) -> bool:
        """Whether a key that no version names can only be what this attempt left behind.

        Nobody has its secret half, so it was never used, but perhaps by our own trial of it.
        """
        if not self.made_this(key):
            return False
        if use.at is None:
            return True
        return use.service.lower() == "sts" and use.at <= key.created_at + _TRIED_WITHIN

    def made_this(self, key: UserKey) -> bool:
        """Whether a key can only come from this attempt.

        Where the attempt did not live to note its key, one that was made by hand within the same
        five minutes looks the same.
        """
        ending = _ending(key.access_key_id)
        if self.made:
            return ending == self.made
        return ending not in self.besides and abs(key.created_at - self.at) <= _AROUND


def latest_attempt(facts: SecretFacts) -> Attempt | None:
    """Give the attempt that was noted last."""
    return Attempt.parse(facts.tags.get(ATTEMPT_TAG, ""))


def _ending(access_key_id: str) -> str:
    return access_key_id[-_SHOWN:]
