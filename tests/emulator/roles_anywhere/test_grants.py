"""What a session is given: source identity and policies, as far as STS would take them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.ca import Authority
from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
DENIED = (403, "AccessDeniedException")
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
QUEUES = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"


def policy(**changes: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{**ANYTHING, **changes}]})


def boto_keys(reply: Any) -> dict[str, str]:
    assert reply.status == 201, reply.body
    credentials = reply.json()["credentialSet"][0]["credentials"]
    return {
        "aws_access_key_id": credentials["accessKeyId"],
        "aws_secret_access_key": credentials["secretAccessKey"],
        "aws_session_token": credentials["sessionToken"],
    }


@pytest.mark.parametrize(
    ("name", "identity"),
    [("web 1", "CN=web 1"), ("웹", "CN=웹"), ("n" * 62, "n" * 62), ("a*b", ""), ("a,b", "")],
)
def test_a_source_identity_must_be_one_that_the_service_can_answer(
    *,
    emulator: Emulator,
    register: Submit,
    client: Any,
    certify: Submit,
    trusted_root: Authority,
    draft_for: Submit,
    submit: Submit,
    name: str,
    identity: str,
) -> None:
    site = register(emulator)
    profile = site.profile_arn.rsplit("/", 1)[-1]
    client.delete_attribute_mapping(profileId=profile, certificateField="x509Subject")
    leaf, key = certify((trusted_root.certificate, trusted_root.key), name=name)
    reply = submit(draft_for(site, leaf=leaf, key=key))
    if identity:
        assert reply.json()["credentialSet"][0]["sourceIdentity"] == identity
    else:
        text = f"Unable to assume role for {site.role_arn}"
        assert (reply.status, reply.json()["message"]) == (403, text)


POLICIES = [
    # profile, S3 may be listed, buckets may be made, queues may be listed
    ({}, True, True, True),
    ({"sessionPolicy": policy(Action="s3:List*")}, True, False, False),
    ({"sessionPolicy": policy(Effect="Deny")}, False, False, False),
    ({"managedPolicyArns": [READ_ONLY]}, True, False, False),
    ({"managedPolicyArns": [READ_ONLY, QUEUES]}, True, False, True),
    (
        {"managedPolicyArns": [READ_ONLY], "sessionPolicy": policy(Action="sqs:*")},
        True,
        False,
        True,
    ),
    (
        {
            "managedPolicyArns": [READ_ONLY],
            "sessionPolicy": policy(Effect="Deny", Action="s3:List*"),
        },
        False,
        False,
        False,
    ),
]


@pytest.mark.parametrize(("profile", "listing", "making", "queues"), POLICIES)
def test_the_profiles_policies_limit_every_later_call(
    *,
    emulator: Emulator,
    register: Submit,
    connect: Submit,
    fresh_name: Submit,
    draft_for: Submit,
    submit: Submit,
    refusal: Submit,
    profile: dict[str, Any],
    listing: bool,
    making: bool,
    queues: bool,
) -> None:
    site = register(emulator, ANYTHING, profile=profile)
    keys = boto_keys(submit(draft_for(site)))
    s3, sqs = connect("s3", **keys), connect("sqs", **keys)
    where = {"LocationConstraint": "ap-northeast-2"}
    bucket = {"Bucket": fresh_name("bucket"), "CreateBucketConfiguration": where}
    for may, call, arguments in (
        (listing, s3.list_buckets, {}),
        (making, s3.create_bucket, bucket),
        (queues, sqs.list_queues, {}),
    ):
        if may:
            assert call(**arguments)
        else:
            assert refusal(call, **arguments)[1].startswith("AccessDenied")


def test_a_session_policy_allows_nothing_that_the_role_may_not(
    emulator: Emulator,
    register: Submit,
    connect: Submit,
    draft_for: Submit,
    submit: Submit,
    refusal: Submit,
) -> None:
    site = register(emulator, {**ANYTHING, "Action": "s3:*"}, profile={"sessionPolicy": policy()})
    keys = boto_keys(submit(draft_for(site)))
    assert "Buckets" in connect("s3", **keys).list_buckets()
    assert "no identity-based policy" in refusal(connect("sqs", **keys).list_queues)[2]


@pytest.mark.parametrize(
    ("action", "may"), [("s3:*", False), ("sts:AssumeRole", False), ("sts:*", True), ("*", True)]
)
def test_a_session_policy_also_limits_which_roles_are_assumed_next(
    *,
    emulator: Emulator,
    register: Submit,
    connect: Submit,
    draft_for: Submit,
    submit: Submit,
    refusal: Submit,
    action: str,
    may: bool,
) -> None:
    profile = {"sessionPolicy": policy(Action=action)}
    site = register(emulator, ANYTHING, profile=profile)
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    by_name = {"Effect": "Allow", "Principal": {"AWS": site.role_arn}, "Action": actions}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [by_name]})
    role = connect("iam").create_role(
        RoleName=f"{site.role_name}-next", AssumeRolePolicyDocument=trust
    )["Role"]["Arn"]
    sts = connect("sts", **boto_keys(submit(draft_for(site))))
    call = {"RoleArn": role, "RoleSessionName": "next"}
    if may:
        assert sts.assume_role(**call)["Credentials"]
    else:
        assert refusal(sts.assume_role, **call)[:2] == (403, "AccessDenied")


def padded(length: int) -> str:
    text = policy(Action="s3:*")
    return text + " " * (length - len(text))


@pytest.mark.parametrize(
    ("profile", "taken"),
    [
        ({"sessionPolicy": padded(2048)}, True),
        ({"sessionPolicy": padded(2049)}, False),
        ({"managedPolicyArns": [READ_ONLY] * 10}, True),
        ({"managedPolicyArns": [READ_ONLY] * 11}, False),
        ({"sessionPolicy": "{"}, False),
        ({"sessionPolicy": "[" * 2000}, False),
    ],
)
def test_policies_that_sts_would_not_take_are_refused(
    *,
    emulator: Emulator,
    register: Submit,
    draft_for: Submit,
    submit: Submit,
    profile: dict[str, Any],
    taken: bool,
) -> None:
    site = register(emulator, profile=profile)
    reply = submit(draft_for(site))
    assert reply.status == (201 if taken else 403)
    assert taken or reply.json()["message"] == f"Unable to assume role for {site.role_arn}"


def test_a_policy_that_the_emulator_cannot_evaluate_is_told_at_once(
    emulator: Emulator, register: Submit, draft_for: Submit, message: Submit
) -> None:
    odd = policy(Condition={"BinaryEquals": {"aws:any": "AA=="}})
    site = register(emulator, profile={"sessionPolicy": odd})
    refused = message(draft_for(site))
    text = "condition operator BinaryEquals is not supported"
    assert refused == (500, "InternalFailure", text)
    assert emulator.session_events()[-1]["errorCode"] == "InternalFailure"
