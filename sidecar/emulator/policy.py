"""IAM policies as pure values: parse a document, ask it a question, get a decision.

Rules: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements reference".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Self

from sidecar.emulator.json_text import from_json
from sidecar.emulator.policy_conditions import (
    Condition,
    Context,
    is_known_operator,
    matches_wildcards,
)

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_LITERALS: Final = {"*": "*", "?": "?", "$": "$"}


class PolicyNotUnderstood(ValueError):
    """A policy document is malformed or uses what the emulator cannot evaluate."""


class Decision(Enum):
    """What a set of policies says to a question."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed by anything"
    DENIED = "denied explicitly"


@dataclass(frozen=True, slots=True)
class Question:
    """May this action be done to this resource, in this context?

    `principals` are the names under which a resource-based policy (such as a role's trust policy)
    may know the caller, as ``AWS:arn…`` or ``Service:name``.
    """

    action: str
    resource: str
    context: Context
    principals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; ``None`` means that the element is absent."""

    denies: bool
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: frozenset[str] | None
    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Read a statement; PolicyNotUnderstood says what is wrong."""
        if value.get("Effect") not in {"Allow", "Deny"}:
            raise PolicyNotUnderstood("a statement's Effect must be Allow or Deny")
        if "NotPrincipal" in value:
            raise PolicyNotUnderstood("NotPrincipal is not supported")
        return cls(
            denies=value["Effect"] == "Deny",
            actions=_texts(value, "Action"),
            not_actions=_texts(value, "NotAction"),
            resources=_texts(value, "Resource"),
            not_resources=_texts(value, "NotResource"),
            principals=_principals(value.get("Principal")),
            conditions=tuple(_conditions(value.get("Condition", {}))),
        )

    def concerns(self, question: Question) -> bool:
        """Whether every element of the statement fits the question."""
        return (
            self._action_fits(question.action.lower())
            and self._resource_fits(question)
            and self._principal_fits(question.principals)
            and all(
                _filled(each, question.context).holds(question.context) for each in self.conditions
            )
        )

    def _action_fits(self, action: str) -> bool:
        if self.actions is not None:
            return any(matches_wildcards(action, each.lower()) for each in self.actions)
        listed = self.not_actions or ()
        return not any(matches_wildcards(action, each.lower()) for each in listed)

    def _resource_fits(self, question: Question) -> bool:
        listed = self.resources if self.resources is not None else self.not_resources
        if listed is None:
            return True
        patterns = (_with_variables(each, question.context) for each in listed)
        found = any(matches_wildcards(question.resource, each) for each in patterns)
        return found == (self.resources is not None)

    def _principal_fits(self, principals: frozenset[str]) -> bool:
        if self.principals is None:
            return True
        return "*" in self.principals or bool(self.principals & principals)


@lru_cache(maxsize=1024)
def parse_policy(document: str) -> tuple[Statement, ...]:
    """Read a policy document.

    Raises:
        PolicyNotUnderstood: not JSON, or a statement that cannot be evaluated.
    """
    try:
        parsed: Any = from_json(document)
        statements = parsed["Statement"]
    except (ValueError, KeyError, TypeError):
        raise PolicyNotUnderstood("a policy must be a JSON object with a Statement") from None
    listed = [statements] if isinstance(statements, dict) else statements
    return tuple(Statement.parse(each) for each in listed)


def evaluate(documents: Iterable[str], question: Question) -> Decision:
    """Ask policy documents: an explicit deny wins over any allow, silence allows nothing.

    Raises:
        PolicyNotUnderstood: one of the documents cannot be evaluated.
    """
    fitting = [
        statement
        for document in documents
        for statement in parse_policy(document)
        if statement.concerns(question)
    ]
    if any(statement.denies for statement in fitting):
        return Decision.DENIED
    return Decision.ALLOWED if fitting else Decision.NOT_ALLOWED


def _texts(value: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    found = value.get(name)
    if found is None:
        return None
    return (found,) if isinstance(found, str) else tuple(found)


def _principals(value: object) -> frozenset[str] | None:
    if value is None:
        return None
    if value == "*":
        return frozenset({"*"})
    if not isinstance(value, dict):
        raise PolicyNotUnderstood("a Principal must be * or an object")
    names = {
        "*" if (kind, name) == ("AWS", "*") else f"{kind}:{name}"
        for kind in value
        for name in _texts(value, kind) or ()
    }
    return frozenset(names)


def _conditions(value: Mapping[str, Mapping[str, Any]]) -> Iterable[Condition]:
    for operator, keys in value.items():
        if not is_known_operator(operator):
            raise PolicyNotUnderstood(f"condition operator {operator} is not supported")
        for key, wanted in keys.items():
            listed = wanted if isinstance(wanted, list) else [wanted]
            yield Condition(operator, key, tuple(_text(each) for each in listed))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filled(condition: Condition, context: Context) -> Condition:
    wanted = tuple(_with_variables(each, context) for each in condition.wanted)
    return Condition(condition.operator, condition.key, wanted)


def _with_variables(text: str, context: Context) -> str:
    """Replace ``${key}``; a key without exactly one value leaves text that matches nothing."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name in _LITERALS:
            return _LITERALS[name]
        values = next((v for key, v in context.items() if key.lower() == name.lower()), ())
        return values[0] if len(values) == 1 else found.group(0)

    return _VARIABLE.sub(value, text)
