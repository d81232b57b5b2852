"""The default version follows AWSCURRENT."""

from collections.abc import Callable
from typing import Any

import pytest

OLD, NEW = "old-version-".ljust(32, "0"), "new-version-".ljust(32, "0")


def after_a_move(client: Any, name: str) -> Any:
    """Make two versions, and move AWSCURRENT to the second."""
    client.create_secret(Name=name, SecretString="old", ClientRequestToken=OLD)
    client.put_secret_value(
        SecretId=name, SecretString="new", ClientRequestToken=NEW, VersionStages=["AWSPENDING"]
    )
    client.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=NEW, RemoveFromVersionId=OLD
    )
    return client


@pytest.fixture
def moved(connect: Callable[..., Any], fresh_name: Callable[[str], str]) -> tuple[Any, str]:
    name = fresh_name("secret")
    return after_a_move(connect("secretsmanager"), name), name


def test_a_get_without_a_stage_gives_the_version_that_the_label_was_moved_to(
    moved: tuple[Any, str],
) -> None:
    client, name = moved
    answer = client.get_secret_value(SecretId=name)
    assert (answer["SecretString"], answer["VersionId"]) == ("new", NEW)
    previous = client.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == "old"


def test_a_batch_gives_it_too(moved: tuple[Any, str]) -> None:
    client, name = moved
    answer = client.batch_get_secret_value(SecretIdList=[name])
    assert [each["SecretString"] for each in answer["SecretValues"]] == ["new"]


def test_the_next_put_makes_that_version_the_previous_one(moved: tuple[Any, str]) -> None:
    client, name = moved
    client.put_secret_value(SecretId=name, SecretString="newest")
    previous = client.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == "new"
