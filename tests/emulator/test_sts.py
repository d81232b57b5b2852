"""AssumeRole: trust, conditions, durations and session policies."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
Refused = Callable[..., tuple[int, str, str]]
ASSUME = {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}


def keys(answer: dict[str, Any]) -> dict[str, str]:
    credentials = answer["Credentials"]
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def test_a_session_is_the_role_under_its_session_name(
    connect: Connect, new_role: Any, account: dict[str, str]
) -> None:
    arn = new_role(account, Path="/deep/")
    answer = connect("sts").assume_role(RoleArn=arn, RoleSessionName="here")
    identity = connect("sts", **keys(answer)).get_caller_identity()
    assert identity["Arn"].endswith(f":assumed-role/{arn.rsplit('/', 1)[-1]}/here")
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    left = answer["Credentials"]["Expiration"] - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_who_is_trusted_by_account_needs_permission_of_its_own(
    connect: Connect, new_role: Any, new_user: Connect, refusal: Refused, account: dict[str, str]
) -> None:
    arn, without, with_it = new_role(account), new_user(), new_user(ASSUME)
    assert connect("sts", **with_it).assume_role(RoleArn=arn, RoleSessionName="here")
    sts = connect("sts", **without)
    status, code, message = refusal(sts.assume_role, RoleArn=arn, RoleSessionName="here")
    assert (status, code) == (403, "AccessDenied")
    assert message.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {arn}")


def test_who_is_trusted_by_name_needs_no_further_permission(
    connect: Connect, new_role: Any, new_user: Connect, refusal: Refused
) -> None:
    named, other = new_user(), new_user()
    arn = new_role({"AWS": connect("sts", **named).get_caller_identity()["Arn"]})
    assert connect("sts", **named).assume_role(RoleArn=arn, RoleSessionName="here")
    denied = refusal(connect("sts", **other).assume_role, RoleArn=arn, RoleSessionName="here")
    assert denied[1] == "AccessDenied"


def test_permission_without_trust_is_not_enough(
    connect: Connect, new_role: Any, refusal: Refused
) -> None:
    arn = new_role({"Service": "rolesanywhere.amazonaws.com"})
    denied = refusal(connect("sts").assume_role, RoleArn=arn, RoleSessionName="here")
    assert denied[:2] == (403, "AccessDenied")


def test_a_role_that_does_not_exist_is_denied(
    connect: Connect, emulator: Emulator, refusal: Refused
) -> None:
    arn = f"arn:aws:iam::{emulator.administrator.account}:role/none"
    denied = refusal(connect("sts").assume_role, RoleArn=arn, RoleSessionName="here")
    assert denied[:2] == (403, "AccessDenied")


def test_an_explicit_deny_wins_over_trust_by_name(
    connect: Connect, new_role: Any, new_user: Connect, refusal: Refused
) -> None:
    denied = new_user({"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"})
    arn = new_role({"AWS": connect("sts", **denied).get_caller_identity()["Arn"]})
    refused = refusal(connect("sts", **denied).assume_role, RoleArn=arn, RoleSessionName="here")
    assert refused[1] == "AccessDenied"


def test_an_external_id_can_be_demanded(
    connect: Connect, new_role: Any, refusal: Refused, account: dict[str, str]
) -> None:
    arn = new_role(account, condition={"StringEquals": {"sts:ExternalId": "agreed"}})
    call = {"RoleArn": arn, "RoleSessionName": "here"}
    assert connect("sts").assume_role(**call, ExternalId="agreed")
    assert refusal(connect("sts").assume_role, **call, ExternalId="else")[1] == "AccessDenied"
    assert refusal(connect("sts").assume_role, **call)[1] == "AccessDenied"


@pytest.mark.parametrize(
    ("action", "extra"),
    [
        ("sts:TagSession", {"Tags": [{"Key": "team", "Value": "web"}]}),
        ("sts:SetSourceIdentity", {"SourceIdentity": "someone"}),
    ],
)
def test_tags_and_source_identity_must_be_trusted_too(
    connect: Connect,
    new_role: Any,
    refusal: Refused,
    account: dict[str, str],
    action: str,
    extra: dict[str, Any],
) -> None:
    trusted, untrusted = new_role(account, ["sts:AssumeRole", action]), new_role(account)
    sts = connect("sts")
    assert sts.assume_role(RoleArn=trusted, RoleSessionName="here", **extra)
    denied = refusal(sts.assume_role, RoleArn=untrusted, RoleSessionName="here", **extra)
    assert denied[1] == "AccessDenied"


TOO_SHORT = (
    "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy "
    "constraint: Member must have value greater than or equal to 900"
)
TOO_LONG = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        (7200, ""),
        (7201, TOO_LONG),
        (900, ""),
        (899, TOO_SHORT),
    ],
)
def test_durations(
    connect: Connect,
    new_role: Any,
    refusal: Refused,
    account: dict[str, str],
    seconds: int,
    message: str,
) -> None:
    call = {"RoleSessionName": "here", "DurationSeconds": seconds}
    arn = new_role(account, MaxSessionDuration=7200)
    if message:
        refused = refusal(connect("sts").assume_role, RoleArn=arn, **call)
        assert refused == (400, "ValidationError", message)
    else:
        assert connect("sts").assume_role(RoleArn=arn, **call)


def test_a_chained_session_lasts_an_hour_at_most(
    connect: Connect, new_role: Any, refusal: Refused, account: dict[str, str]
) -> None:
    arn = new_role(account, MaxSessionDuration=7200)
    first = connect("sts").assume_role(RoleArn=arn, RoleSessionName="first")
    sts = connect("sts", **keys(first))
    call = {"RoleArn": arn, "RoleSessionName": "second"}
    assert sts.assume_role(**call, DurationSeconds=3600)
    assert "role chaining" in refusal(sts.assume_role, **call, DurationSeconds=3601)[2]


def test_a_session_policy_narrows_and_never_widens(
    connect: Connect, new_role: Any, refusal: Refused, account: dict[str, str]
) -> None:
    arn = new_role(account)
    only_s3 = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})
    call = {"RoleArn": arn, "RoleSessionName": "here"}
    narrow = keys(connect("sts").assume_role(**call, Policy=only_s3))
    assert "Buckets" in connect("s3", **narrow).list_buckets()
    message = refusal(connect("secretsmanager", **narrow).list_secrets)[2]
    assert message.endswith(
        "because no session policy allows the secretsmanager:ListSecrets action"
    )
    no_s3 = only_s3.replace("Allow", "Deny")
    nothing = keys(connect("sts").assume_role(**call, Policy=no_s3))
    message = refusal(connect("s3", **nothing).list_buckets)[2]
    assert message.endswith("with an explicit deny in a session policy")


def test_managed_session_policies_narrow_too(
    connect: Connect, new_role: Any, refusal: Refused, account: dict[str, str]
) -> None:
    call = {"RoleArn": new_role(account), "RoleSessionName": "here"}
    read = [{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]
    narrow = keys(connect("sts").assume_role(**call, PolicyArns=read))
    assert "Buckets" in connect("s3", **narrow).list_buckets()
    assert refusal(connect("sqs", **narrow).list_queues)[1] == "AccessDeniedException"
    missing = [{"arn": "arn:aws:iam::aws:policy/NoSuchPolicyAtAll"}]
    refused = refusal(connect("sts").assume_role, **call, PolicyArns=missing)
    assert refused[:2] == (404, "NoSuchEntity")


@pytest.mark.parametrize("policy", ["{", "[" * 60_000], ids=["broken", "deep"])
def test_a_session_policy_must_be_json(
    connect: Connect, new_role: Any, refusal: Refused, account: dict[str, str], policy: str
) -> None:
    call = {"RoleArn": new_role(account), "RoleSessionName": "here"}
    refused = refusal(connect("sts").assume_role, **call, Policy=policy)
    assert refused[:2] == (400, "MalformedPolicyDocument")


@pytest.mark.parametrize("name", ["sp ace", "sla/sh"])
def test_session_names_are_checked(
    connect: Connect, new_role: Any, refusal: Refused, account: dict[str, str], name: str
) -> None:
    refused = refusal(connect("sts").assume_role, RoleArn=new_role(account), RoleSessionName=name)
    assert refused[:2] == (400, "ValidationError")


def test_something_that_is_no_role_is_invalid(connect: Connect, refusal: Refused) -> None:
    arn = "arn:aws:iam::123456789012:user/someone"
    refused = refusal(connect("sts").assume_role, RoleArn=arn, RoleSessionName="here")
    assert refused == (400, "ValidationError", f"{arn} is invalid")
