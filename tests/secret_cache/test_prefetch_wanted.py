"""Ids, patterns and tags of the configuration as what AWS is asked for."""

import pytest

from sidecar.access.policy import matches
from sidecar.aws.secret import SecretFilter
from sidecar.secret_cache.prefetch_wanted import wanted


def test_what_has_no_star_is_an_id() -> None:
    found = wanted(["prod/web", "arn:aws:x", "prod/web"], [], matches)
    assert found.ids == ("prod/web", "arn:aws:x")
    assert found.selections == ()


@pytest.mark.parametrize(
    ("pattern", "prefix", "included", "excluded"),
    [
        ("prod/web/*", "prod/web/", "prod/web/a/b", "prod/webs"),
        ("prod/*/db", "prod/", "prod/a/db", "prod/a/dbs"),
        ("*", "", "anything", None),
        ("*/db", "", "a/db", "db"),
    ],
)
def test_a_pattern_asks_for_its_beginning_and_takes_what_fits(
    pattern: str, prefix: str, included: str, excluded: str | None
) -> None:
    (selection,) = wanted([pattern], [], matches).selections
    assert selection.label == f"secrets {pattern}"
    assert selection.filter == SecretFilter(name_prefix=prefix)
    assert selection.includes(included)
    assert excluded is None or not selection.includes(excluded)


def test_a_tag_is_a_key_or_a_key_with_its_value() -> None:
    found = wanted([], [("app", None), ("app", "web"), ("app", ""), ("app", None)], matches)
    assert [(each.label, each.filter) for each in found.selections] == [
        ("secrets tagged app", SecretFilter(tag_key="app")),
        ("secrets tagged app=web", SecretFilter(tag_key="app", tag_value="web")),
        ("secrets tagged app=", SecretFilter(tag_key="app", tag_value="")),
    ]
    assert all(each.includes("any/name") for each in found.selections)
