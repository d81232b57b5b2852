"""CreateSession: resources, role and duration are checked, and the session is what it should be."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
DENIED = (403, "AccessDeniedException")
ACCOUNT = "123456789012"
HERE = f"arn:aws:rolesanywhere:ap-northeast-2:{ACCOUNT}"
UUID = "00000000-0000-4000-8000-000000000000"


def members(**changes: Any) -> dict[str, Any]:
    """Change members of the body; an ellipsis leaves one out."""
    return {"members": changes}


REFUSED = [
    # 6: trust anchor and profile
    (
        "anchor unknown",
        members(trustAnchorArn=f"{HERE}:trust-anchor/{UUID}"),
        (404, "ResourceNotFoundException"),
        f"Trust anchor not found: {HERE}:trust-anchor/{UUID}",
    ),
    (
        "profile unknown",
        members(profileArn=f"{HERE}:profile/{UUID}"),
        (404, "ResourceNotFoundException"),
        f"Profile not found: {HERE}:profile/{UUID}",
    ),
    # 10: role and session name
    (
        "role not in profile",
        members(roleArn=f"arn:aws:iam::{ACCOUNT}:role/other"),
        DENIED,
        f"Role arn:aws:iam::{ACCOUNT}:role/other is not listed in the profile",
    ),
    (
        "session name not accepted",
        members(roleSessionName="custom"),
        DENIED,
        "Not authorized to set roleSessionName.",
    ),
]


@pytest.mark.parametrize(
    ("changes", "kind", "text"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED]
)
def test_one_thing_wrong_is_what_refuses(
    shared_site: Any,
    draft_for: Submit,
    message: Submit,
    changes: dict[str, Any],
    kind: tuple[int, str],
    text: str,
) -> None:
    assert message(draft_for(shared_site, **changes)) == (*kind, text)


def test_the_answer_has_the_documented_shape(
    emulator: Emulator, shared_site: Any, draft_for: Submit, submit: Submit
) -> None:
    draft = draft_for(shared_site)
    answer = submit(draft).json()
    [given] = answer["credentialSet"]
    serial = f"{draft.leaf.serial_number:x}"
    session = f"assumed-role/{shared_site.role_name}/{serial}"
    account = emulator.administrator.account
    assert given["assumedRoleUser"]["arn"] == f"arn:aws:sts::{account}:{session}"
    assert given["assumedRoleUser"]["assumedRoleId"].endswith(f":{serial}")
    assert given["credentials"]["accessKeyId"].startswith("ASIA")
    assert given["roleArn"] == shared_site.role_arn
    assert given["sourceIdentity"] == "CN=billing"
    assert given["packedPolicySize"] == 0
    subject = f"arn:aws:rolesanywhere:ap-northeast-2:{account}:subject/"
    assert answer["subjectArn"].startswith(subject)
    assert submit(draft).json()["subjectArn"] == answer["subjectArn"]


def boto_keys(reply: Any) -> dict[str, str]:
    credentials = reply.json()["credentialSet"][0]["credentials"]
    return {
        "aws_access_key_id": credentials["accessKeyId"],
        "aws_secret_access_key": credentials["secretAccessKey"],
        "aws_session_token": credentials["sessionToken"],
    }


def test_the_session_may_do_what_its_role_may(
    shared_site: Any, draft_for: Submit, submit: Submit, connect: Submit, refusal: Submit
) -> None:
    keys = boto_keys(submit(draft_for(shared_site)))
    assert "Buckets" in connect("s3", **keys).list_buckets()
    identity = connect("sts", **keys).get_caller_identity()["Arn"]
    assert f":assumed-role/{shared_site.role_name}/" in identity
    assert refusal(connect("secretsmanager", **keys).list_secrets)[1] == "AccessDeniedException"


def lifetime(reply: Any, emulator: Emulator) -> float:
    expiration = reply.json()["credentialSet"][0]["credentials"]["expiration"]
    left = datetime.fromisoformat(expiration) - emulator.control.clock.now()
    return left.total_seconds()


@pytest.mark.parametrize(
    ("profile_seconds", "asked", "expected"),
    [
        (3600, 900, 900),
        (1800, 3600, 1800),
        (1800, ..., 1800),
        (7200, 7200, 7200),
    ],
)
def test_the_shorter_of_profile_and_request_counts(
    *,
    emulator: Emulator,
    register: Submit,
    draft_for: Submit,
    submit: Submit,
    profile_seconds: int,
    asked: Any,
    expected: int,
) -> None:
    site = register(
        emulator, role={"MaxSessionDuration": 7200}, profile={"durationSeconds": profile_seconds}
    )
    draft = draft_for(site, **members(durationSeconds=asked))
    assert expected - 10 < lifetime(submit(draft), emulator) <= expected


def test_a_role_that_allows_less_is_an_error_and_no_clamp(
    emulator: Emulator, register: Submit, draft_for: Submit, message: Submit
) -> None:
    site = register(emulator, profile={"durationSeconds": 43200})
    draft = draft_for(site, **members(durationSeconds=3601))
    assert message(draft) == (
        *DENIED,
        (
            f"Unable to assume role for {site.role_arn}. The requested DurationSeconds exceeds the "
            "MaxSessionDuration set for this role."
        ),
    )


def test_an_accepted_session_name_is_used(
    emulator: Emulator, register: Submit, draft_for: Submit, submit: Submit
) -> None:
    site = register(emulator, profile={"acceptRoleSessionName": True})
    draft = draft_for(site, **members(roleSessionName="billing@host-1"))
    user = submit(draft).json()["credentialSet"][0]["assumedRoleUser"]
    assert user["arn"].endswith("/billing@host-1")


@pytest.mark.parametrize(
    ("noun", "text"),
    [("trust_anchor", "Trust anchor is disabled"), ("profile", "Profile is disabled")],
)
def test_what_is_disabled_refuses_until_enabled(
    *,
    emulator: Emulator,
    connect: Submit,
    register: Submit,
    draft_for: Submit,
    submit: Submit,
    message: Submit,
    noun: str,
    text: str,
) -> None:
    site = register(emulator)
    identifier = getattr(site, f"{noun}_arn").rsplit("/", 1)[-1]
    member = {"trust_anchor": "trustAnchorId", "profile": "profileId"}[noun]
    control = connect("rolesanywhere")
    getattr(control, f"disable_{noun}")(**{member: identifier})
    assert message(draft_for(site)) == (*DENIED, text)
    getattr(control, f"enable_{noun}")(**{member: identifier})
    assert submit(draft_for(site)).status == 201


def test_anchor_and_profile_must_be_in_one_region(
    emulator: Emulator, connect: Submit, shared_site: Any, draft_for: Submit, message: Submit
) -> None:
    elsewhere = connect("rolesanywhere", region_name="eu-west-1")
    made = elsewhere.create_profile(name="p", roleArns=[shared_site.role_arn], enabled=True)
    draft = draft_for(shared_site, **members(profileArn=made["profile"]["profileArn"]))
    text = "Trust anchor and profile must be in the same account and region"
    assert message(draft) == (*DENIED, text)


def test_session_policies_of_the_profile_narrow_the_session(
    emulator: Emulator,
    connect: Submit,
    register: Submit,
    draft_for: Submit,
    submit: Submit,
    refusal: Submit,
) -> None:
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    only_s3 = {"Statement": [{**anything, "Action": "s3:*"}]}
    site = register(emulator, anything, profile={"sessionPolicy": json.dumps(only_s3)})
    keys = boto_keys(submit(draft_for(site)))
    assert "Buckets" in connect("s3", **keys).list_buckets()
    assert "no session policy allows" in refusal(connect("sqs", **keys).list_queues)[2]


def test_managed_policies_of_the_profile_narrow_it_too(
    emulator: Emulator,
    connect: Submit,
    register: Submit,
    draft_for: Submit,
    submit: Submit,
    refusal: Submit,
) -> None:
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    site = register(emulator, anything, profile={"managedPolicyArns": [policy]})
    keys = boto_keys(submit(draft_for(site)))
    assert "Buckets" in connect("s3", **keys).list_buckets()
    assert refusal(connect("s3", **keys).create_bucket, Bucket="any")[1] == "AccessDenied"


def test_a_managed_policy_that_is_missing_never_widens_the_session(
    emulator: Emulator, register: Submit, draft_for: Submit, message: Submit
) -> None:
    policy = "arn:aws:iam::aws:policy/NoSuchPolicyAtAll"
    site = register(emulator, profile={"managedPolicyArns": [policy]})
    assert message(draft_for(site)) == (*DENIED, f"Unable to assume role for {site.role_arn}")


def test_a_session_ends_when_its_time_is_over(
    emulator: Emulator,
    connect: Submit,
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    refusal: Submit,
) -> None:
    sts = connect("sts", **boto_keys(submit(draft_for(shared_site))))
    emulator.move_clock(890)
    assert sts.get_caller_identity()
    emulator.move_clock(901)
    assert refusal(sts.get_caller_identity)[1] == "ExpiredToken"
    renewed = connect("sts", **boto_keys(submit(draft_for(shared_site))))
    assert renewed.get_caller_identity()


def test_calls_are_counted_whether_accepted_or_refused(
    emulator: Emulator, shared_site: Any, draft_for: Submit, submit: Submit
) -> None:
    submit(draft_for(shared_site))
    submit(draft_for(shared_site, serial="1"))
    assert emulator.calls() == {"rolesanywhere.CreateSession": 2}
