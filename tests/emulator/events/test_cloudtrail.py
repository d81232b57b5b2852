"""What changes a secret or a key becomes an event, if a trail records it; no value ever does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

VALUE = "not-to-be-told"


@pytest.fixture
def told(emulator: Any) -> Callable[[], list[dict[str, Any]]]:
    """Give a function that lists the events so far."""
    return lambda: list(emulator.events()["events"])


@pytest.fixture
def secret(connect: Any, fresh_name: Any, emulator: Any) -> tuple[Any, str]:
    """Give a client and a new secret, whose creation nobody is told of."""
    client, name = connect("secretsmanager"), fresh_name("secret")
    client.create_secret(Name=name, SecretString=VALUE)
    emulator.clear_events()
    return client, name


def test_every_change_of_a_secret_is_told_and_no_reading(
    *, trail: str, connect: Any, fresh_name: Any, told: Any
) -> None:
    client, name = connect("secretsmanager"), fresh_name("secret")
    made = client.create_secret(Name=name, SecretString=VALUE)
    client.get_secret_value(SecretId=name)
    put = client.put_secret_value(SecretId=name, SecretBinary=VALUE.encode())
    client.update_secret(SecretId=name, SecretString=VALUE)
    move = {"VersionStage": "mine", "MoveToVersionId": put["VersionId"]}
    client.update_secret_version_stage(SecretId=name, **move)
    client.delete_secret(SecretId=name)
    client.restore_secret(SecretId=name)
    assert [each["detail"]["eventName"] for each in told()] == [
        "CreateSecret",
        "PutSecretValue",
        "UpdateSecret",
        "UpdateSecretVersionStage",
        "DeleteSecret",
        "RestoreSecret",
    ]
    assert {each["detail-type"] for each in told()} == {"AWS API Call via CloudTrail"}
    assert {each["source"] for each in told()} == {"aws.secretsmanager"}
    assert {each["detail"]["responseElements"]["arn"] for each in told()} == {made["ARN"]}
    text = json.dumps(told())
    assert VALUE not in text
    assert "bm90LXRvLWJlLXRvbGQ" not in text


def test_an_event_of_a_call_has_the_members_that_consumers_match(
    trail: str, secret: Any, told: Any, emulator: Any
) -> None:
    client, name = secret
    client.put_secret_value(SecretId=name, SecretString=VALUE)
    [event] = told()
    detail, account = event["detail"], emulator.administrator.account
    assert detail["eventSource"] == "secretsmanager.amazonaws.com"
    assert (detail["eventType"], detail["readOnly"]) == ("AwsApiCall", False)
    assert detail["requestParameters"]["secretId"] == name
    assert detail["userIdentity"]["arn"] == f"arn:aws:iam::{account}:user/administrator"
    assert (event["account"], detail["recipientAccountId"]) == (account, account)
    assert "errorCode" not in detail


@pytest.mark.parametrize("rotation_token", ["r" * 36])
def test_a_rotation_token_is_not_told(
    trail: str, secret: Any, told: Any, rotation_token: str
) -> None:
    client, name = secret
    client.put_secret_value(SecretId=name, SecretString=VALUE, RotationToken=rotation_token)
    assert len(told()) == 1
    assert rotation_token not in json.dumps(told())


def test_a_call_that_is_refused_is_told_with_its_code(
    *, trail: str, secret: Any, told: Any, new_user: Any, connect: Any, refusal: Any
) -> None:
    client, name = secret
    refusal(client.put_secret_value, SecretId="none", SecretString=VALUE)
    refusal(client.put_secret_value, SecretId=name, SecretString=VALUE, ClientRequestToken="short")
    nobody = connect("secretsmanager", **new_user())
    refusal(nobody.put_secret_value, SecretId=name, SecretString=VALUE)
    details = [each["detail"] for each in told() if each["source"] == "aws.secretsmanager"]
    codes = [each["errorCode"] for each in details]
    assert codes == ["ResourceNotFoundException", "ValidationException", "AccessDenied"]
    assert [each["responseElements"] for each in details] == [None] * 3
    assert "is not authorized to perform" in details[2]["errorMessage"]
    assert VALUE not in json.dumps(details)


def test_keys_are_told_of_in_the_home_of_iam_without_their_secret(
    trail: str, connect: Any, fresh_name: Any, told: Any
) -> None:
    iam, name = connect("iam"), fresh_name("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    one = {"UserName": name, "AccessKeyId": key["AccessKeyId"]}
    iam.update_access_key(**one, Status="Inactive")
    iam.delete_access_key(**one)
    created, updated, deleted = (each["detail"] for each in told())
    assert {each["region"] for each in told()} == {"us-east-1"}
    made = created["responseElements"]["accessKey"]
    assert made.pop("createDate")
    assert made == {"accessKeyId": key["AccessKeyId"], "status": "Active", "userName": name}
    assert updated["requestParameters"]["status"] == "Inactive"
    assert deleted["requestParameters"]["accessKeyId"] == key["AccessKeyId"]
    assert key["SecretAccessKey"] not in json.dumps(told())


@pytest.fixture
def rotate(secret: Any, emulator: Any, fresh_name: Any) -> Callable[[], None]:
    """Give a function that rotates the secret, to a value of the function's own."""
    client, name = secret
    account = emulator.administrator.account
    function = f"arn:aws:lambda:{emulator.region}:{account}:function:{fresh_name('rotate')}"

    def handler(event: dict[str, Any], _context: object) -> None:
        token, version = event["ClientRequestToken"], {"SecretId": event["SecretId"]}
        if event["Step"] == "createSecret":
            stages = {"ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
            client.put_secret_value(**version, SecretString=f"{VALUE} either", **stages)
        if event["Step"] == "finishSecret":
            old = client.get_secret_value(**version)["VersionId"]
            move = {"MoveToVersionId": token, "RemoveFromVersionId": old}
            client.update_secret_version_stage(**version, VersionStage="AWSCURRENT", **move)

    def act() -> None:
        client.rotate_secret(SecretId=name, RotationLambdaARN=function)
        emulator.wait_for_rotations()

    emulator.register_function(function, handler)
    return act


def test_a_rotation_is_told_of_as_an_event_of_the_service(
    trail: str, rotate: Any, told: Any, emulator: Any
) -> None:
    rotate()
    of_service = "AWS Service Event via CloudTrail"
    lived = [each["detail"] for each in told() if each["detail-type"] == of_service]
    assert [each["eventName"] for each in lived] == ["RotationStarted", "RotationSucceeded"]
    assert lived == emulator.rotation_events()[-2:]
    called = {each["detail"]["eventName"] for each in told()}
    assert {"RotateSecret", "PutSecretValue", "UpdateSecretVersionStage"} <= called
    assert VALUE not in json.dumps(told())


def test_turning_rotation_off_is_told(trail: str, secret: Any, rotate: Any, told: Any) -> None:
    client, name = secret
    rotate()
    client.cancel_rotate_secret(SecretId=name)
    assert told()[-1]["detail"]["eventName"] == "CancelRotateSecret"


def test_without_a_trail_nothing_is_told_and_it_is_counted(
    secret: Any, told: Any, emulator: Any
) -> None:
    client, name = secret
    client.put_secret_value(SecretId=name, SecretString=VALUE)
    assert told() == []
    assert emulator.events()["not_recorded"] == 1


@pytest.mark.parametrize(
    ("spoil", "arguments"),
    [
        ("stop_logging", {}),
        ("put_event_selectors", {"EventSelectors": [{"IncludeManagementEvents": False}]}),
        ("put_event_selectors", {"EventSelectors": [{"ReadWriteType": "ReadOnly"}]}),
    ],
)
def test_a_trail_that_does_not_record_changes_tells_of_none(
    *, trail: str, connect: Any, secret: Any, told: Any, spoil: str, arguments: dict[str, Any]
) -> None:
    name = {"TrailName" if spoil == "put_event_selectors" else "Name": trail}
    getattr(connect("cloudtrail"), spoil)(**name, **arguments)
    client, secret_id = secret
    client.put_secret_value(SecretId=secret_id, SecretString=VALUE)
    assert told() == []


@pytest.mark.parametrize(
    ("settings", "sources"),
    [
        ({"IsMultiRegionTrail": False}, ["aws.secretsmanager"]),
        ({"IncludeGlobalServiceEvents": False}, ["aws.secretsmanager"]),
        ({}, ["aws.secretsmanager", "aws.iam"]),
    ],
)
def test_events_of_iam_need_a_trail_of_all_regions_that_includes_them(
    *, trail: str, connect: Any, secret: Any, told: Any, settings: Any, sources: list[str]
) -> None:
    connect("cloudtrail").update_trail(Name=trail, **settings)
    client, name = secret
    client.put_secret_value(SecretId=name, SecretString=VALUE)
    iam = connect("iam")
    key = iam.create_access_key(UserName="administrator")["AccessKey"]["AccessKeyId"]
    iam.delete_access_key(UserName="administrator", AccessKeyId=key)
    assert list(dict.fromkeys(each["source"] for each in told())) == sources
