"""What Secrets Manager refuses before it acts, and the lives of secrets."""

from collections.abc import Callable
from typing import Any

import pytest

MARKED = "You can't perform this operation on the secret because it was marked for deletion."
INVALID_NAME = (
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the "
    "following: -/_+=.@!"
)
NAME_TAKEN = (
    "You can't create this secret because a secret with this name is already scheduled for "
    "deletion."
)
A_REPLICA = (
    "Operation not permitted on a replica secret. Call must be made in primary secret's region."
)


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("secretsmanager")


@pytest.mark.parametrize("character", list("+/=.@-_!aZ0"))
def test_a_name_may_have_these_characters(
    client: Any, fresh_name: Callable[[str], str], character: str
) -> None:
    name = f"{fresh_name('name')}{character}x"
    arn = client.create_secret(Name=name, SecretString="value")["ARN"]
    for secret_id in (name, arn, arn[:-7]):
        assert client.get_secret_value(SecretId=secret_id)["Name"] == name


@pytest.mark.parametrize("character", list(" %:\\*?&#ü\n"))
def test_a_name_may_not_have_others(client: Any, refusal: Any, character: str) -> None:
    expected = (400, "ValidationException", INVALID_NAME)
    name = f"a{character}b"
    assert refusal(client.create_secret, Name=name, SecretString="v") == expected
    assert refusal(client.get_secret_value, SecretId=name) == expected
    arn = f"arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:{name}"
    assert refusal(client.get_secret_value, SecretId=arn) == expected


@pytest.mark.parametrize("part", [3, 4])
@pytest.mark.parametrize("cut", [None, -7])
def test_an_arn_of_another_region_or_account_is_nobodys(
    *, client: Any, fresh_name: Any, refusal: Any, part: int, cut: int | None
) -> None:
    arn = client.create_secret(Name=fresh_name("home"), SecretString="v")["ARN"]
    fields = arn[:cut].split(":")
    fields[part] = "us-east-1" if part == 3 else "999999999999"
    foreign = ":".join(fields)
    missing = "Secrets Manager can't find the specified secret."
    for call in (client.get_secret_value, client.describe_secret):
        assert refusal(call, SecretId=foreign) == (400, "ResourceNotFoundException", missing)
    refused = refusal(client.put_secret_value, SecretId=foreign, SecretString="other")
    assert refused[1] == "ResourceNotFoundException"
    [error] = client.batch_get_secret_value(SecretIdList=[foreign])["Errors"]
    assert error["ErrorCode"] == "ResourceNotFoundException"
    assert client.get_secret_value(SecretId=arn[:cut])["SecretString"] == "v"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("get_secret_value", {}),
        ("put_secret_value", {"SecretString": "other"}),
        ("update_secret", {"SecretString": "other"}),
        ("update_secret_version_stage", {"VersionStage": "mine"}),
        ("tag_resource", {"Tags": [{"Key": "k", "Value": "v"}]}),
        ("rotate_secret", {}),
    ],
)
def test_a_secret_marked_for_deletion_can_only_be_described_and_restored(
    *, client: Any, fresh_name: Any, refusal: Any, operation: str, members: dict[str, Any]
) -> None:
    name = fresh_name("deleted")
    client.create_secret(Name=name, SecretString="value")
    client.delete_secret(SecretId=name)
    call = getattr(client, operation)
    refused = refusal(call, SecretId=name, **members)
    assert refused == (400, "InvalidRequestException", MARKED)
    assert client.describe_secret(SecretId=name)["DeletedDate"]
    client.restore_secret(SecretId=name)
    assert client.get_secret_value(SecretId=name)["SecretString"] == "value"


def test_its_name_is_taken_until_it_is_gone(client: Any, fresh_name: Any, refusal: Any) -> None:
    name = fresh_name("deleted")
    first = client.create_secret(Name=name, SecretString="first")["ARN"]
    client.delete_secret(SecretId=name)
    assert refusal(client.create_secret, Name=name, SecretString="second") == (
        400,
        "InvalidRequestException",
        NAME_TAKEN,
    )
    client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    second = client.create_secret(Name=name, SecretString="second")["ARN"]
    assert first != second
    assert first[:-7] == second[:-7]
    assert refusal(client.get_secret_value, SecretId=first)[1] == "ResourceNotFoundException"
    assert client.get_secret_value(SecretId=first[:-7])["ARN"] == second


def test_a_replica_is_read_in_its_region_and_written_in_none_but_the_first(
    client: Any, connect: Callable[..., Any], fresh_name: Any, refusal: Any
) -> None:
    name = fresh_name("replicated")
    primary = client.create_secret(Name=name, SecretString="1")["ARN"]
    there = connect("secretsmanager", region_name="us-east-1")
    assert refusal(there.get_secret_value, SecretId=name)[1] == "ResourceNotFoundException"
    client.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": "us-east-1"}])
    client.put_secret_value(SecretId=name, SecretString="2")
    replica = there.get_secret_value(SecretId=name)
    assert replica["SecretString"] == "2"
    assert replica["ARN"] == primary.replace(client.meta.region_name, "us-east-1")
    assert refusal(there.put_secret_value, SecretId=name, SecretString="3") == (
        400,
        "InvalidParameterException",
        A_REPLICA,
    )


def test_members_without_a_value_are_left_out(client: Any, fresh_name: Any) -> None:
    name = fresh_name("plain")
    client.create_secret(Name=name, SecretString="value")
    bodies: list[bytes] = []
    client.meta.events.register(
        "response-received", lambda response_dict, **_: bodies.append(response_dict["body"])
    )
    client.describe_secret(SecretId=name)
    client.batch_get_secret_value(SecretIdList=[name])
    assert len(bodies) == 2
    assert not [body for body in bodies if b"null" in body]
