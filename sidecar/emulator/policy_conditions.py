"""The Condition element of a policy (IAM user guide, "IAM JSON policy elements: Condition")."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final

Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator applied to one key: does the request's value compare with a wanted one?"""

    operator: str
    key: str
    wanted: tuple[str, ...]

    def holds(self, context: Context) -> bool:
        """Whether the condition is met; a missing key fails every operator that is not negated."""
        qualifier, operator, if_exists = _parts(self.operator)
        values = _lookup(context, self.key)
        if operator == "Null":
            return (values is None) == (self.wanted[0].lower() == "true")
        compare, negated = OPERATORS[operator]
        if values is None:
            return if_exists or negated or qualifier == "ForAllValues"
        matches = [any(compare(value, wanted) for wanted in self.wanted) for value in values]
        outcomes = [matched != negated for matched in matches]
        if qualifier == "ForAnyValue" or not (negated or qualifier):
            return any(outcomes)
        return all(outcomes)


def is_known_operator(operator: str) -> bool:
    """Whether `Condition` can evaluate this operator."""
    name = _parts(operator)[1]
    return name in OPERATORS or name == "Null"


def matches_wildcards(text: str, pattern: str) -> bool:
    """Compare with a pattern in which ``*`` stands for any text and ``?`` for one character."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (
        re.escape(char) if char not in "*?" else {"*": ".*", "?": "."}[char] for char in pattern
    )
    return re.compile("".join(parts), re.DOTALL)


def _parts(operator: str) -> tuple[str, str, bool]:
    qualifier, separator, rest = operator.partition(":")
    if not separator:
        qualifier, rest = "", operator
    if_exists = rest.endswith("IfExists")
    return qualifier, rest.removesuffix("IfExists"), if_exists


def _lookup(context: Context, key: str) -> tuple[str, ...] | None:
    """Condition keys are not case-sensitive."""
    for name, values in context.items():
        if name.lower() == key.lower():
            return values
    return None


def _arn_matches(value: str, pattern: str) -> bool:
    """Compare part by part, so that a wildcard never spans a colon of the first five."""
    values, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(values) == len(patterns) and all(map(matches_wildcards, values, patterns))


def _address_in(value: str, network: str) -> bool:
    return ip_address(value) in ip_network(network, strict=False)


def _moment(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    return datetime.fromisoformat(text)


_Compare = Callable[[str, str], bool]

_POSITIVE: Final[dict[str, _Compare]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": matches_wildcards,
    "ArnEquals": _arn_matches,
    "ArnLike": _arn_matches,
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
    "DateEquals": lambda value, wanted: _moment(value) == _moment(wanted),
    "DateLessThan": lambda value, wanted: _moment(value) < _moment(wanted),
    "DateLessThanEquals": lambda value, wanted: _moment(value) <= _moment(wanted),
    "DateGreaterThan": lambda value, wanted: _moment(value) > _moment(wanted),
    "DateGreaterThanEquals": lambda value, wanted: _moment(value) >= _moment(wanted),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _address_in,
}
_NEGATIONS: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}
OPERATORS: Final[dict[str, tuple[_Compare, bool]]] = {
    **{name: (compare, False) for name, compare in _POSITIVE.items()},
    **{name: (_POSITIVE[positive], True) for name, positive in _NEGATIONS.items()},
}
