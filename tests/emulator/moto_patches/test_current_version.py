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


@pytest.mark.parametrize("label", ["AWSCURRENT", "mine"])
@pytest.mark.parametrize("remove_from", [{}, {"RemoveFromVersionId": NEW}])
def test_a_label_is_moved_only_by_who_knows_where_it_is(
    connect: Callable[..., Any], fresh_name: Any, refusal: Any, label: str, remove_from: Any
) -> None:
    client, name = connect("secretsmanager"), fresh_name("secret")
    client.create_secret(Name=name, SecretString="old", ClientRequestToken=OLD)
    add = {"SecretId": name, "VersionStage": "mine", "MoveToVersionId": OLD}
    client.update_secret_version_stage(**add)
    put = {"ClientRequestToken": NEW, "VersionStages": ["other"]}
    client.put_secret_value(SecretId=name, SecretString="new", **put)
    before = client.describe_secret(SecretId=name)["VersionIdsToStages"]
    move = {"SecretId": name, "VersionStage": label, "MoveToVersionId": NEW}
    call = client.update_secret_version_stage
    assert refusal(call, **move, **remove_from)[:2] == (400, "InvalidParameterException")
    assert client.describe_secret(SecretId=name)["VersionIdsToStages"] == before
    call(**move, RemoveFromVersionId=OLD)
    assert label in client.describe_secret(SecretId=name)["VersionIdsToStages"][NEW]


def test_a_label_of_ones_own_can_be_taken_away_and_awscurrent_cannot(
    moved: tuple[Any, str], refusal: Any
) -> None:
    client, name = moved
    take = {"SecretId": name, "RemoveFromVersionId": NEW}
    call = client.update_secret_version_stage
    call(**take, VersionStage="AWSPENDING")
    assert refusal(call, **take, VersionStage="AWSCURRENT")[1] == "InvalidParameterException"
    stages = client.describe_secret(SecretId=name)["VersionIdsToStages"]
    assert stages == {NEW: ["AWSCURRENT"], OLD: ["AWSPREVIOUS"]}


def test_a_version_that_does_not_exist_gets_no_label(moved: tuple[Any, str], refusal: Any) -> None:
    client, name = moved
    move = {"RemoveFromVersionId": NEW, "MoveToVersionId": "unknown-".ljust(32, "0")}
    call = client.update_secret_version_stage
    refused = refusal(call, SecretId=name, VersionStage="AWSCURRENT", **move)
    assert refused[1] == "InvalidParameterException"
    assert client.get_secret_value(SecretId=name)["SecretString"] == "new"
