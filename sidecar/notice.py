"""Something happened that people or programs may want to be told, as a value without a secret."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum


class Severity(IntEnum):
    """How urgent a notice is, in rising order."""

    INFO = 1
    WARNING = 2
    ERROR = 3


class Kind(Enum):
    """What can happen; the value is the name in configurations and in messages."""

    ROTATION_STARTED = "rotation-started"
    ROTATION_SUCCEEDED = "rotation-succeeded"
    ROTATION_FAILED = "rotation-failed"
    ROTATION_ABANDONED = "rotation-abandoned"
    KEY_DEACTIVATED = "key-deactivated"
    KEY_DELETED = "key-deleted"
    KEY_RESTORED = "key-restored"
    CERTIFICATE_EXPIRING = "certificate-expiring"
    CERTIFICATE_RELOADED = "certificate-reloaded"
    CERTIFICATE_REFUSED = "certificate-refused"
    SESSION_FAILING = "session-failing"
    SESSION_RECOVERED = "session-recovered"
    SECRET_CHANGED = "secret-changed"  # noqa: S105 - a kind of notice, no password
    DENIAL_BURST = "denial-burst"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened.

    Attributes:
        kind: what.
        severity: how urgent.
        sentence: for people, complete, without a secret; a key by its last four characters.
        at: when, in UTC.
        facts: names and values for programs, without a secret.
        thread: what groups notices about one course of things, such as one rotation; or "".

    """

    kind: Kind
    severity: Severity
    sentence: str
    at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    thread: str = ""


# Takes a notice and returns at once, whatever becomes of it.
Tell = Callable[[Notice], None]
