"""Condition operators, each with a value that meets it and one that does not."""

import pytest

from sidecar.emulator.policy_conditions import OPERATORS, Condition, matches_wildcards

ANCHOR = "arn:aws:rolesanywhere:eu-west-1:123456789012:trust-anchor/1"

TABLE = [
    ("StringEquals", "a", "a", "A"),
    ("StringNotEquals", "a", "b", "a"),
    ("StringEqualsIgnoreCase", "a", "A", "b"),
    ("StringNotEqualsIgnoreCase", "a", "b", "A"),
    ("StringLike", "web-*", "web-1", "db-1"),
    ("StringNotLike", "web-*", "db-1", "web-1"),
    ("ArnEquals", ANCHOR, ANCHOR, ANCHOR + "2"),
    ("ArnEquals", "arn:aws:rolesanywhere:*:*:trust-anchor/*", ANCHOR, "arn:aws:iam:::role/a"),
    ("ArnLike", "arn:aws:rolesanywhere:*:123456789012:*", ANCHOR, ANCHOR.replace("12:", "13:")),
    ("ArnNotEquals", ANCHOR, ANCHOR + "2", ANCHOR),
    ("ArnNotLike", ANCHOR, ANCHOR + "2", ANCHOR),
    ("NumericEquals", "5", "5.0", "6"),
    ("NumericNotEquals", "5", "6", "5"),
    ("NumericLessThan", "5", "4", "5"),
    ("NumericLessThanEquals", "5", "5", "6"),
    ("NumericGreaterThan", "5", "6", "5"),
    ("NumericGreaterThanEquals", "5", "5", "4"),
    ("DateEquals", "2026-03-01T00:00:00Z", "2026-03-01T01:00:00+01:00", "2026-03-02T00:00:00Z"),
    ("DateNotEquals", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"),
    ("DateLessThan", "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"),
    ("DateLessThanEquals", "1772323200", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"),
    ("DateGreaterThan", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"),
    ("DateGreaterThanEquals", "2026-03-01T00:00:00Z", "1772323200", "2026-02-01T00:00:00Z"),
    ("Bool", "true", "True", "false"),
    ("IpAddress", "10.0.0.0/8", "10.1.2.3", "11.1.2.3"),
    ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", "10.1.2.3"),
]


def test_every_operator_is_in_the_table() -> None:
    assert {row[0] for row in TABLE} == set(OPERATORS)


@pytest.mark.parametrize(("operator", "wanted", "good", "bad"), TABLE)
def test_operators(operator: str, wanted: str, good: str, bad: str) -> None:
    condition = Condition(operator, "key", (wanted,))
    assert condition.holds({"key": (good,)})
    assert not condition.holds({"key": (bad,)})


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_a_missing_key_meets_only_what_is_negated(operator: str) -> None:
    assert Condition(operator, "key", ("1",)).holds({}) is ("Not" in operator)


def test_if_exists_is_met_by_a_missing_key() -> None:
    condition = Condition("StringEqualsIfExists", "key", ("a",))
    assert condition.holds({})
    assert condition.holds({"key": ("a",)})
    assert not condition.holds({"key": ("b",)})


def test_null_asks_whether_the_key_is_missing() -> None:
    assert Condition("Null", "key", ("true",)).holds({})
    assert not Condition("Null", "key", ("true",)).holds({"key": ("a",)})
    assert Condition("Null", "key", ("false",)).holds({"key": ("a",)})
    assert not Condition("Null", "key", ("false",)).holds({})


def test_any_of_several_wanted_values_will_do() -> None:
    condition = Condition("StringEquals", "key", ("a", "b"))
    assert condition.holds({"key": ("b",)})
    assert not condition.holds({"key": ("c",)})


def test_a_negated_operator_wants_none_of_its_values() -> None:
    condition = Condition("StringNotEquals", "key", ("a", "b"))
    assert condition.holds({"key": ("c",)})
    assert not condition.holds({"key": ("b",)})


@pytest.mark.parametrize(
    ("qualifier", "values", "expected"),
    [
        ("ForAllValues", ("a", "b"), True),
        ("ForAllValues", ("a", "c"), False),
        ("ForAllValues", None, True),
        ("ForAnyValue", ("a", "c"), True),
        ("ForAnyValue", ("c",), False),
        ("ForAnyValue", None, False),
    ],
)
def test_sets_of_values(qualifier: str, values: tuple[str, ...] | None, *, expected: bool) -> None:
    condition = Condition(f"{qualifier}:StringEquals", "key", ("a", "b"))
    assert condition.holds({} if values is None else {"key": values}) is expected


def test_keys_are_found_in_any_case() -> None:
    assert Condition("StringEquals", "AWS:sourcearn", ("a",)).holds({"aws:SourceArn": ("a",)})


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("a\nb", "a*", True),
        ("a.b", "a?b", True),
        ("axb", "a.b", False),
        ("a[b]", "a[b]", True),
        ("", "*", True),
        ("", "?", False),
    ],
)
def test_wildcards_are_only_star_and_question_mark(
    text: str, pattern: str, *, expected: bool
) -> None:
    assert matches_wildcards(text, pattern) is expected
