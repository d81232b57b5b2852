"""A fact about an identity that somebody should act on."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error stops the sidecar from starting; a warning is logged."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about an identity that somebody should act on.

    Args:
        code: by which it is searched for; it never changes.
        severity: whether it forbids the identity's use.
        sentence: what is wrong; lower case, no full stop, never a secret.
        hint: what to do about it.

    """

    code: str
    severity: Severity
    sentence: str
    hint: str


def error(code: str, sentence: str, hint: str) -> Finding:
    """Make a finding that forbids the identity's use."""
    return Finding(code, Severity.ERROR, sentence, hint)


def warning(code: str, sentence: str, hint: str) -> Finding:
    """Make a finding that somebody should hear of."""
    return Finding(code, Severity.WARNING, sentence, hint)
