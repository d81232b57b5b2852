"""What the statements of an IAM policy say of one action on one resource, as far as it is clear."""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Self

ALLOW: Final = "Allow"
DENY: Final = "Deny"
_NOT_JUDGED: Final = ("NotAction", "NotResource")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    ``place`` counts from 1. ``negated`` names the key by which it means everything but something,
    which is not judged here. ``conditional`` says that it counts under conditions only.
    """

    place: int
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    negated: str | None
    conditional: bool

    @classmethod
    def read(cls, place: int, said: object) -> Self:
        """Read a statement from its JSON.

        Raises:
            ValueError: it is none.

        """
        if not isinstance(said, dict) or said.get("Effect") not in (ALLOW, DENY):
            raise ValueError(f"statement {place} has no Effect Allow or Deny")
        negated = next((key for key in _NOT_JUDGED if key in said), None)
        return cls(
            place,
            said["Effect"],
            _texts(place, "Action", said),
            _texts(place, "Resource", said),
            negated,
            bool(said.get("Condition")),
        )

    def names(self, action: str) -> bool:
        """Whether it is about an action; AWS compares them without regard to case."""
        return any(_fits(action.lower(), pattern.lower()) for pattern in self.actions)

    def reached_by(self, resource: str) -> tuple[str, ...]:
        """List the patterns of its resources that a resource fits."""
        return tuple(pattern for pattern in self.resources if _fits(resource, pattern))


def read_statements(document: str) -> tuple[Statement, ...]:
    """Read the statements of a policy document.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

    Raises:
        ValueError: the text is not a policy document.

    """
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise ValueError("is not an IAM policy document: it has no Statement")
    said = policy["Statement"]
    listed = said if isinstance(said, list) else [said]
    return tuple(Statement.read(place, each) for place, each in enumerate(listed, start=1))


def _texts(place: int, key: str, statement: dict[str, object]) -> tuple[str, ...]:
    if key not in statement:
        if f"Not{key}" in statement:
            return ()
        raise ValueError(f"statement {place} has no {key}")
    said = statement[key]
    listed = said if isinstance(said, list) else [said]
    if not all(isinstance(each, str) for each in listed):
        raise ValueError(f"statement {place} has no text as {key}")
    return tuple(listed)


def _fits(value: str, pattern: str) -> bool:
    """Whether a value fits a pattern of IAM, in which only ``*`` and ``?`` are special."""
    return fnmatchcase(value, pattern.replace("[", "[[]"))
