"""Which values are news: a version in place of another one, and nothing else."""

import pytest

from sidecar.aws.secret import SecretValue
from sidecar.secret_cache.version_changes import MOST_SECRETS, VersionChanges


def _value(version: str, arn: str = "arn:a", stage: str = "AWSCURRENT") -> SecretValue:
    return SecretValue(arn, "a", version, None, None, (stage,), None)


@pytest.mark.parametrize(
    ("versions", "news"),
    [
        pytest.param(["1"], [], id="the first is no change"),
        pytest.param(["1", "1", "2", "2"], ["2"], id="a new one, once"),
        pytest.param(["1", "2", "1", "2"], ["2"], id="a late answer is no change back"),
        pytest.param(["1", "2", "3"], ["2", "3"], id="each new one"),
    ],
)
def test_what_is_news(versions: list[str], news: list[str]) -> None:
    changes = VersionChanges()
    assert [each for each in versions if changes.changed(_value(each))] == news


def test_each_secret_has_its_own_versions() -> None:
    changes = VersionChanges()
    assert not changes.changed(_value("1", "arn:a"))
    assert not changes.changed(_value("2", "arn:b"))


def test_a_version_that_is_not_current_is_no_news() -> None:
    changes = VersionChanges()
    changes.changed(_value("1"))
    assert not changes.changed(_value("2", stage="AWSPENDING"))
    assert changes.changed(_value("2"))


def test_so_many_secrets_are_remembered_and_no_more() -> None:
    changes = VersionChanges()
    for number in range(MOST_SECRETS + 1):
        changes.changed(_value("1", f"arn:{number}"))
    assert not changes.changed(_value("2", "arn:0"))
    assert changes.changed(_value("2", f"arn:{MOST_SECRETS}"))
