"""A put moves what it names, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

FIRST, SECOND, THIRD = (f"{name}-version-".ljust(32, "0") for name in ("first", "second", "third"))


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("secretsmanager")


@pytest.fixture
def labels(client: Any, fresh_name: Callable[[str], str]) -> Callable[..., dict[str, list[str]]]:
    """Give a function that puts versions with labels, and returns the labels of each."""

    def after(*puts: tuple[str, list[str]]) -> dict[str, list[str]]:
        name = fresh_name("secret")
        client.create_secret(Name=name)
        for token, stages in puts:
            client.put_secret_value(
                SecretId=name, SecretString=token, ClientRequestToken=token, VersionStages=stages
            )
        found = client.describe_secret(SecretId=name)["VersionIdsToStages"]
        return {version: sorted(stages) for version, stages in found.items()}

    return after


CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"


@pytest.mark.parametrize(
    ("puts", "expected"),
    [
        (
            [(FIRST, [CURRENT, "mine"]), (SECOND, [CURRENT])],
            {FIRST: [PREVIOUS, "mine"], SECOND: [CURRENT]},
        ),
        (
            [(FIRST, [CURRENT, "mine"]), (SECOND, [CURRENT, "mine"])],
            {FIRST: [PREVIOUS], SECOND: [CURRENT, "mine"]},
        ),
        (
            [(FIRST, [CURRENT]), (SECOND, [CURRENT]), (THIRD, [CURRENT])],
            {SECOND: [PREVIOUS], THIRD: [CURRENT]},
        ),
        (
            [(FIRST, [CURRENT]), (SECOND, ["AWSPENDING"]), (THIRD, [CURRENT])],
            {FIRST: [PREVIOUS], SECOND: ["AWSPENDING"], THIRD: [CURRENT]},
        ),
        (
            [(FIRST, [CURRENT]), (SECOND, ["mine"]), (THIRD, ["mine"])],
            {FIRST: [CURRENT], THIRD: ["mine"]},
        ),
    ],
)
def test_labels_after_puts(
    labels: Any, puts: list[tuple[str, list[str]]], expected: dict[str, list[str]]
) -> None:
    assert labels(*puts) == expected
