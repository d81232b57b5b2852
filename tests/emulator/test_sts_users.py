"""GetSessionToken: the user by other credentials, for a while, and without IAM."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
Refused = Callable[..., tuple[int, str, str]]
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
LISTS = {"Effect": "Allow", "Action": "secretsmanager:ListSecrets", "Resource": "*"}


def keys(answer: dict[str, Any]) -> dict[str, str]:
    credentials = answer["Credentials"]
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def test_a_session_is_the_user_and_may_what_the_user_may(
    connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    user = new_user(LISTS)
    session = keys(connect("sts", **user).get_session_token())
    assert session["aws_access_key_id"].startswith("ASIA")
    own, other = connect("sts", **user), connect("sts", **session)
    assert other.get_caller_identity()["Arn"] == own.get_caller_identity()["Arn"]
    secrets = connect("secretsmanager", **session)
    assert secrets.list_secrets()
    refused = refusal(secrets.create_secret, Name="name", SecretString="value")
    assert refused[1] == "AccessDeniedException"


def test_a_session_is_verified(connect: Connect, new_user: Connect, refusal: Refused) -> None:
    session = keys(connect("sts", **new_user()).get_session_token())
    for name, code in (
        ("aws_session_token", "InvalidClientTokenId"),
        ("aws_secret_access_key", "SignatureDoesNotMatch"),
    ):
        sts = connect("sts", **{**session, name: "wrong"})
        assert refusal(sts.get_caller_identity)[:2] == (403, code)
    without = {key: value for key, value in session.items() if key != "aws_session_token"}
    refused = refusal(connect("sts", **without).get_caller_identity)
    assert refused[:2] == (403, "InvalidClientTokenId")
    assert connect("sts", **session).get_caller_identity()


@pytest.mark.parametrize(("asked", "seconds"), [({}, 43_200), ({"DurationSeconds": 900}, 900)])
def test_a_session_ends(
    *,
    connect: Connect,
    new_user: Connect,
    emulator: Emulator,
    refusal: Refused,
    asked: dict[str, int],
    seconds: int,
) -> None:
    answer = connect("sts", **new_user()).get_session_token(**asked)
    left = answer["Credentials"]["Expiration"] - datetime.now(UTC)
    assert abs(left - timedelta(seconds=seconds)) < timedelta(minutes=1)
    sts = connect("sts", **keys(answer))
    emulator.move_clock(seconds - 60)
    assert sts.get_caller_identity()
    emulator.move_clock(seconds)
    assert refusal(sts.get_caller_identity)[:2] == (403, "ExpiredToken")


@pytest.mark.parametrize("seconds", [899, 129_601, 0, -1])
def test_durations_out_of_range_are_refused(
    connect: Connect, new_user: Connect, refusal: Refused, seconds: int
) -> None:
    sts = connect("sts", **new_user())
    refused = refusal(sts.get_session_token, DurationSeconds=seconds)
    assert refused[:2] == (400, "ValidationError")
    assert sts.get_session_token(DurationSeconds=129_600)


def test_a_session_may_not_call_iam(connect: Connect, new_user: Connect, refusal: Refused) -> None:
    user = new_user(EVERYTHING)
    session = keys(connect("sts", **user).get_session_token())
    refused = refusal(connect("iam", **session).list_users)
    assert refused[:2] == (403, "InvalidClientTokenId")
    assert connect("iam", **user).list_users()


def test_in_sts_a_session_may_assume_roles_and_nothing_else(
    connect: Connect, new_user: Connect, new_role: Any, account: Any, refusal: Refused
) -> None:
    sts = connect("sts", **keys(connect("sts", **new_user(EVERYTHING)).get_session_token()))
    for call, members in (
        (sts.get_session_token, {}),
        (sts.get_federation_token, {"Name": "somebody"}),
        (sts.decode_authorization_message, {"EncodedMessage": "text"}),
    ):
        assert refusal(call, **members)[:2] == (403, "AccessDenied")
    long_lived = {"DurationSeconds": 7200, "RoleSessionName": "here"}
    assert sts.assume_role(RoleArn=new_role(account, MaxSessionDuration=7200), **long_lived)


def test_a_session_of_a_role_gets_no_session_token(
    connect: Connect, new_role: Any, account: Any, refusal: Refused
) -> None:
    assumed = connect("sts").assume_role(RoleArn=new_role(account), RoleSessionName="here")
    sts = connect("sts", **keys(assumed))
    assert refusal(sts.get_session_token) == (
        403,
        "AccessDenied",
        "Cannot call GetSessionToken with session credentials",
    )
    assert sts.get_caller_identity()


def test_a_session_ends_with_its_user(
    connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    user = new_user()
    sts = connect("sts", **keys(connect("sts", **user).get_session_token()))
    name = sts.get_caller_identity()["Arn"].rsplit("/", 1)[-1]
    iam = connect("iam")
    iam.delete_access_key(UserName=name, AccessKeyId=user["aws_access_key_id"])
    assert sts.get_caller_identity()
    iam.delete_user(UserName=name)
    assert refusal(sts.get_caller_identity)[:2] == (403, "InvalidClientTokenId")
