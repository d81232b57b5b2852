"""Authorization over the wire: policies limit users and sessions to the resources they name."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
Refused = Callable[..., tuple[int, str, str]]


def allow(*actions: str, on: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions: str, on: str = "*") -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": on}


@pytest.fixture
def secret(connect: Connect, fresh_name: Callable[[str], str]) -> Callable[[], str]:
    """Give a function that makes a secret and returns its ARN."""

    def make() -> str:
        name = fresh_name("secret")
        made = connect("secretsmanager").create_secret(Name=name, SecretString="value")
        return str(made["ARN"])

    return make


def test_a_user_without_policies_may_do_nothing_but_say_who_it_is(
    connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    key = new_user()
    arn = connect("sts", **key).get_caller_identity()["Arn"]
    status, code, message = refusal(connect("secretsmanager", **key).list_secrets)
    assert (status, code) == (400, "AccessDeniedException")
    assert message == (
        f"User: {arn} is not authorized to perform: secretsmanager:ListSecrets because no "
        "identity-based policy allows the secretsmanager:ListSecrets action"
    )


def test_not_even_an_explicit_deny_hides_who_one_is(connect: Connect, new_user: Connect) -> None:
    key = new_user(deny("sts:GetCallerIdentity"))
    assert connect("sts", **key).get_caller_identity()["Arn"]


@pytest.mark.parametrize("pattern", ["{arn}", "{stem}-??????", "{stem}*"])
def test_a_secret_is_opened_by_its_own_arn_alone(
    connect: Connect, new_user: Connect, secret: Any, refusal: Refused, pattern: str
) -> None:
    mine, other = secret(), secret()
    resource = pattern.format(arn=mine, stem=mine[:-7])
    reader = connect(
        "secretsmanager", **new_user(allow("secretsmanager:GetSecretValue", on=resource))
    )
    name = mine.rsplit(":", 1)[-1][:-7]
    assert reader.get_secret_value(SecretId=name)["SecretString"] == "value"
    assert reader.get_secret_value(SecretId=mine)["SecretString"] == "value"
    status, code, message = refusal(reader.get_secret_value, SecretId=other)
    assert (status, code) == (400, "AccessDeniedException")
    assert f"on resource: {other} because" in message


def test_a_secret_that_does_not_exist_is_denied_before_it_is_missed(
    connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    nobody = connect("secretsmanager", **new_user())
    anybody = connect("secretsmanager", **new_user(allow("secretsmanager:*")))
    assert refusal(nobody.get_secret_value, SecretId="none")[1] == "AccessDeniedException"
    assert refusal(anybody.get_secret_value, SecretId="none")[1] == "ResourceNotFoundException"


def test_a_secret_may_be_created_under_a_path_only(
    connect: Connect, new_user: Connect, refusal: Refused, fresh_name: Callable[[str], str]
) -> None:
    under = "arn:aws:secretsmanager:*:*:secret:app/*"
    writer = connect("secretsmanager", **new_user(allow("secretsmanager:CreateSecret", on=under)))
    assert writer.create_secret(Name=f"app/{fresh_name('s')}", SecretString="v")["ARN"]
    denied = refusal(writer.create_secret, Name=fresh_name("other"), SecretString="v")
    assert denied[1] == "AccessDeniedException"


def test_an_explicit_deny_wins(
    connect: Connect, new_user: Connect, secret: Any, refusal: Refused
) -> None:
    arn = secret()
    key = new_user(allow("*"), deny("secretsmanager:GetSecretValue", on=arn))
    reader = connect("secretsmanager", **key)
    assert reader.describe_secret(SecretId=arn)["ARN"] == arn
    message = refusal(reader.get_secret_value, SecretId=arn)[2]
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_a_stage_can_be_demanded(
    connect: Connect, new_user: Connect, secret: Any, refusal: Refused
) -> None:
    arn = secret()
    stage = {"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}
    key = new_user(allow("secretsmanager:GetSecretValue", on=arn, Condition=stage))
    reader = connect("secretsmanager", **key)
    assert reader.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"]
    assert refusal(reader.get_secret_value, SecretId=arn)[1] == "AccessDeniedException"


def test_a_parameter_is_opened_by_its_own_arn_alone(
    connect: Connect, new_user: Connect, refusal: Refused, fresh_name: Callable[[str], str]
) -> None:
    name = f"/app/{fresh_name('p')}"
    connect("ssm").put_parameter(Name=name, Value="v", Type="String")
    connect("ssm").put_parameter(Name=f"{name}x", Value="v", Type="String")
    mine = f"arn:aws:ssm:*:*:parameter{name}"
    reader = connect("ssm", **new_user(allow("ssm:GetParameter*", on=mine)))
    assert reader.get_parameter(Name=name)["Parameter"]["Value"] == "v"
    assert reader.get_parameters(Names=[name])["Parameters"][0]["Value"] == "v"
    assert refusal(reader.get_parameter, Name=f"{name}x")[1] == "AccessDeniedException"
    both = refusal(reader.get_parameters, Names=[name, f"{name}x"])
    assert both[:2] == (400, "AccessDeniedException")


def test_users_may_be_limited_to_their_own_keys(
    connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    own = "arn:aws:iam::*:user/${aws:username}"
    iam = connect("iam", **new_user(allow("iam:*AccessKey*", on=own)))
    made = iam.create_access_key()["AccessKey"]
    assert iam.get_access_key_last_used(AccessKeyId=made["AccessKeyId"])["UserName"]
    iam.delete_access_key(AccessKeyId=made["AccessKeyId"])
    status, code, message = refusal(iam.list_access_keys, UserName="administrator")
    assert (status, code) == (403, "AccessDenied")
    assert "iam:ListAccessKeys on resource: arn:aws:iam::" in message
    other = connect("iam").list_access_keys(UserName="administrator")["AccessKeyMetadata"][0]
    denied = refusal(iam.get_access_key_last_used, AccessKeyId=other["AccessKeyId"])
    assert denied[1] == "AccessDenied"


def test_buckets_and_objects_are_opened_by_their_own_arns(
    emulator: Emulator,
    connect: Connect,
    new_user: Connect,
    refusal: Refused,
    fresh_name: Callable[[str], str],
) -> None:
    bucket = fresh_name("bucket")
    location = {"LocationConstraint": emulator.region}
    connect("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    for key in ("open/a b", "closed/a"):
        connect("s3").put_object(Bucket=bucket, Key=key, Body=b"content")
    statements = [
        allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/open/*"),
        allow("s3:ListBucket", on=f"arn:aws:s3:::{bucket}"),
    ]
    s3 = connect("s3", **new_user(*statements))
    assert s3.get_object(Bucket=bucket, Key="open/a b")["Body"].read() == b"content"
    assert len(s3.list_objects_v2(Bucket=bucket)["Contents"]) == 2
    assert refusal(s3.get_object, Bucket=bucket, Key="closed/a")[:2] == (403, "AccessDenied")
    assert refusal(s3.put_object, Bucket=bucket, Key="open/c")[:2] == (403, "AccessDenied")
    assert "s3:ListAllMyBuckets" in refusal(s3.list_buckets)[2]


@pytest.fixture
def bucket_of(
    emulator: Emulator, connect: Connect, fresh_name: Callable[[str], str]
) -> Callable[..., str]:
    """Give a function that makes a bucket with some objects, and returns its name."""

    def make(*keys: str) -> str:
        name, s3 = fresh_name("bucket"), connect("s3")
        location = {"LocationConstraint": emulator.region}
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=location)
        for key in keys:
            s3.put_object(Bucket=name, Key=key, Body=b"content")
        return name

    return make


def test_a_copy_needs_permission_to_read_its_source(
    connect: Connect, new_user: Connect, refusal: Refused, bucket_of: Any
) -> None:
    bucket = bucket_of("open/a b", "closed/a")
    objects = f"arn:aws:s3:::{bucket}"
    key = new_user(
        allow("s3:GetObject", on=f"{objects}/open/*"), allow("s3:PutObject", on=f"{objects}/*")
    )
    s3 = connect("s3", **key)
    copy = {"Bucket": bucket, "Key": "copy"}
    assert s3.copy_object(**copy, CopySource={"Bucket": bucket, "Key": "open/a b"})
    closed = {"Bucket": bucket, "Key": "closed/a"}
    message = refusal(s3.copy_object, **copy, CopySource=closed)[2]
    assert f"s3:GetObject on resource: {objects}/closed/a" in message


def test_many_objects_are_deleted_only_if_each_one_may_be(
    connect: Connect, new_user: Connect, refusal: Refused, bucket_of: Any
) -> None:
    bucket = bucket_of("a&b", "kept")
    objects = f"arn:aws:s3:::{bucket}"
    key = new_user(
        allow("s3:DeleteObject", on=f"{objects}/*"), deny("s3:DeleteObject", on=f"{objects}/kept")
    )
    s3 = connect("s3", **key)
    both = {"Objects": [{"Key": "a&b"}, {"Key": "kept"}]}
    assert refusal(s3.delete_objects, Bucket=bucket, Delete=both)[1] == "AccessDenied"
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a&b"}]})["Deleted"]


def test_groups_and_managed_policies_count(
    connect: Connect, new_user: Connect, refusal: Refused, fresh_name: Callable[[str], str]
) -> None:
    iam, key, group = connect("iam"), new_user(), fresh_name("group")
    name = connect("sts", **key).get_caller_identity()["Arn"].rsplit("/", 1)[-1]
    assert refusal(connect("s3", **key).list_buckets)[1] == "AccessDenied"
    iam.create_group(GroupName=group)
    policy = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    iam.attach_group_policy(GroupName=group, PolicyArn=policy)
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert "Buckets" in connect("s3", **key).list_buckets()


def test_the_default_version_of_a_managed_policy_counts(
    connect: Connect, new_user: Connect, refusal: Refused, fresh_name: Callable[[str], str]
) -> None:
    iam, key = connect("iam"), new_user()
    name = connect("sts", **key).get_caller_identity()["Arn"].rsplit("/", 1)[-1]

    def policy_document(action: str) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [allow(action)]})

    made = iam.create_policy(
        PolicyName=fresh_name("policy"), PolicyDocument=policy_document("s3:ListAllMyBuckets")
    )
    arn = made["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    assert "Buckets" in connect("s3", **key).list_buckets()
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy_document("sqs:*"), SetAsDefault=True
    )
    assert refusal(connect("s3", **key).list_buckets)[1] == "AccessDenied"


def test_the_control_plane_of_roles_anywhere_asks_for_permission(
    connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    allowed = connect("rolesanywhere", **new_user(allow("rolesanywhere:ListProfiles")))
    assert "profiles" in allowed.list_profiles()
    status, code, message = refusal(allowed.list_trust_anchors)
    assert (status, code) == (403, "AccessDeniedException")
    assert "rolesanywhere:ListTrustAnchors" in message


@pytest.mark.parametrize(
    ("operation", "member", "kind"),
    [
        ("get_trust_anchor", "trustAnchorId", "trust-anchor"),
        ("get_profile", "profileId", "profile"),
        ("get_crl", "crlId", "crl"),
        ("get_subject", "subjectId", "subject"),
    ],
)
def test_a_policy_may_name_one_resource_of_roles_anywhere(
    *,
    emulator: Emulator,
    connect: Connect,
    new_user: Connect,
    refusal: Refused,
    operation: str,
    member: str,
    kind: str,
) -> None:
    own, other = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "12")
    home = f"arn:aws:rolesanywhere:{emulator.region}:{emulator.administrator.account}"
    user = new_user(allow("rolesanywhere:*", on=f"{home}:{kind}/{own}"))
    call = getattr(connect("rolesanywhere", **user), operation)
    assert refusal(call, **{member: own})[1] == "ResourceNotFoundException"
    assert refusal(call, **{member: other})[1] == "AccessDeniedException"


def test_a_profile_takes_only_roles_that_its_maker_may_pass(
    emulator: Emulator, connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    role = f"arn:aws:iam::{emulator.administrator.account}:role/any"
    passing = allow(
        "iam:PassRole",
        on=role,
        Condition={"StringEquals": {"iam:PassedToService": "rolesanywhere.amazonaws.com"}},
    )
    maker = connect("rolesanywhere", **new_user(allow("rolesanywhere:*"), passing))
    assert maker.create_profile(name="mine", roleArns=[role])["profile"]["roleArns"] == [role]
    status, code, message = refusal(maker.create_profile, name="other", roleArns=[role + "2"])
    assert (status, code) == (403, "AccessDeniedException")
    assert f"iam:PassRole on resource: {role}2" in message


def test_a_policy_that_cannot_be_evaluated_stops_the_request(
    connect: Connect, new_user: Connect, refusal: Refused
) -> None:
    odd = allow("*", Condition={"BinaryEquals": {"aws:username": "AAAA"}})
    status, _, message = refusal(connect("iam", **new_user(odd)).list_users)
    assert (status, message) == (500, "condition operator BinaryEquals is not supported")
