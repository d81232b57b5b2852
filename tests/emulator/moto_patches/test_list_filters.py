"""Filters find the same secrets for ListSecrets and for BatchGetSecretValue."""

from collections.abc import Callable
from typing import Any

import pytest

Find = Callable[..., set[str]]


@pytest.fixture(params=["list", "batch"])
def find(request: Any, connect: Callable[..., Any], fresh_name: Callable[[str], str]) -> Find:
    """Give a function that says which of three secrets some filters find."""
    client, prefix = connect("secretsmanager"), fresh_name("filtered")
    one, two = {"Key": "team", "Value": "red"}, {"Key": "stage", "Value": "test"}
    plain = {"SecretString": "v", "Description": "nothing else"}
    client.create_secret(Name=f"{prefix}/red", Tags=[one], SecretString="v", Description="Red one")
    client.create_secret(Name=f"{prefix}/both", Tags=[one, two], SecretString="v")
    client.create_secret(Name=f"{prefix}/plain", **plain)

    def found(*filters: tuple[str, list[str]]) -> set[str]:
        asked = [{"Key": key, "Values": values} for key, values in filters]
        asked.append({"Key": "name", "Values": [prefix]})
        if request.param == "list":
            answer = client.list_secrets(Filters=asked)["SecretList"]
        else:
            answer = client.batch_get_secret_value(Filters=asked)["SecretValues"]
        return {each["Name"].rsplit("/", 1)[-1] for each in answer}

    return found


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], {"red", "both", "plain"}),
        ([("tag-key", ["team"])], {"red", "both"}),
        ([("tag-key", ["Team"])], set()),
        ([("tag-key", ["!team"])], {"plain"}),
        ([("tag-key", ["!stage"])], {"red", "plain"}),
        ([("tag-key", ["stage", "team"])], {"red", "both"}),
        ([("tag-key", ["!stage", "!team"])], {"plain"}),
        ([("tag-key", ["team"]), ("tag-key", ["stage"])], {"both"}),
        ([("tag-key", ["team", "!stage"])], {"red"}),
        ([("tag-value", ["re"])], {"red", "both"}),
        ([("tag-value", ["!test"])], {"red", "plain"}),
        ([("description", ["red"])], {"red"}),
        ([("description", ["!red"])], {"both", "plain"}),
        ([("all", ["TEST"])], {"both"}),
    ],
)
def test_every_filter_must_hold(find: Find, filters: Any, expected: set[str]) -> None:
    assert find(*filters) == expected
