"""ListSecretVersionIds tells dates and labels, and what has no label only when it is asked for."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

TOKENS = [f"version-{number}-".ljust(32, "0") for number in range(4)]


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("secretsmanager")


@pytest.fixture
def arn(client: Any, emulator: Emulator, fresh_name: Callable[[str], str]) -> str:
    """Give a secret with four versions, the first two without a label, a day apart."""
    [first, *others] = TOKENS
    made = fresh_name("secret")
    created = client.create_secret(Name=made, SecretString="v", ClientRequestToken=first)
    for days, token in enumerate(others, start=1):
        emulator.move_clock(days * 86_400)
        client.put_secret_value(SecretId=made, SecretString=token, ClientRequestToken=token)
    return str(created["ARN"])


def test_versions_without_a_label_are_listed_only_on_demand(client: Any, arn: str) -> None:
    listed = client.list_secret_version_ids(SecretId=arn)
    assert {each["VersionId"]: each["VersionStages"] for each in listed["Versions"]} == {
        TOKENS[2]: ["AWSPREVIOUS"],
        TOKENS[3]: ["AWSCURRENT"],
    }
    everything = client.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)
    assert [each["VersionId"] for each in everything["Versions"]] == TOKENS
    assert listed["ARN"] == everything["ARN"] == arn


def test_the_date_is_when_the_version_was_made(client: Any, arn: str) -> None:
    listed = client.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)["Versions"]
    dates = [each["CreatedDate"] for each in listed]
    apart = [later - earlier for earlier, later in pairwise(dates)]
    assert all(abs(each - timedelta(days=1)) < timedelta(minutes=5) for each in apart)


def test_long_lists_come_in_pages(client: Any, arn: str) -> None:
    page = {"SecretId": arn, "IncludeDeprecated": True, "MaxResults": 3}
    first = client.list_secret_version_ids(**page)
    second = client.list_secret_version_ids(**page, NextToken=first["NextToken"])
    assert (len(first["Versions"]), len(second["Versions"])) == (3, 1)
    assert "NextToken" not in second
