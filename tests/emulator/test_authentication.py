"""Authentication over the wire: every protocol refuses in its own words, as AWS does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
Refused = Callable[..., tuple[int, str, str]]

# One harmless call for each family of protocols.
PROBES = {
    "secretsmanager": "list_secrets",  # JSON 1.1
    "sqs": "list_queues",  # JSON 1.0
    "sts": "get_caller_identity",  # query
    "ec2": "describe_instances",  # EC2's query
    "s3": "list_buckets",  # REST XML
    "rolesanywhere": "list_profiles",  # REST JSON
}
# moto needs seconds to load its EC2, so that one is only ever refused here.
LET_IN = [service for service in PROBES if service != "ec2"]
INVALID = "The security token included in the request is invalid."


@pytest.fixture
def probe(connect: Connect, refusal: Refused) -> Callable[..., tuple[int, str, str]]:
    """Give a function that makes a service's probing call with some credentials."""

    def call(service: str, **credentials: str) -> tuple[int, str, str]:
        return refusal(getattr(connect(service, **credentials), PROBES[service]))

    return call


@pytest.mark.parametrize("service", LET_IN)
def test_the_administrator_is_let_in(connect: Connect, service: str) -> None:
    answer = getattr(connect(service), PROBES[service])()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("secretsmanager", 400, "InvalidSignatureException"),
        ("sqs", 400, "InvalidSignatureException"),
        ("sts", 403, "SignatureDoesNotMatch"),
        ("ec2", 401, "AuthFailure"),
        ("s3", 403, "SignatureDoesNotMatch"),
        ("rolesanywhere", 403, "InvalidSignatureException"),
    ],
)
def test_a_wrong_secret_is_refused(probe: Refused, service: str, status: int, code: str) -> None:
    assert probe(service, aws_secret_access_key="wrong")[:2] == (status, code)


UNKNOWN_KEY = [
    ("secretsmanager", 400, "UnrecognizedClientException"),
    ("sqs", 400, "UnrecognizedClientException"),
    ("sts", 403, "InvalidClientTokenId"),
    ("ec2", 401, "AuthFailure"),
    ("s3", 403, "InvalidAccessKeyId"),
    ("rolesanywhere", 403, "UnrecognizedClientException"),
]


@pytest.mark.parametrize(("service", "status", "code"), UNKNOWN_KEY)
def test_an_unknown_key_is_refused(probe: Refused, service: str, status: int, code: str) -> None:
    assert probe(service, aws_access_key_id="AKIAIOSFODNN7EXAMPLE")[:2] == (status, code)


@pytest.mark.parametrize(("service", "status", "code"), UNKNOWN_KEY)
def test_an_inactive_key_is_refused_like_an_unknown_one(
    connect: Connect, new_user: Connect, probe: Refused, service: str, status: int, code: str
) -> None:
    key = new_user()
    identity = connect("sts", **key).get_caller_identity()
    name = identity["Arn"].rsplit("/", 1)[-1]
    connect("iam").update_access_key(
        UserName=name, AccessKeyId=key["aws_access_key_id"], Status="Inactive"
    )
    assert probe(service, **key)[:2] == (status, code)


def test_a_deleted_key_is_refused(connect: Connect, new_user: Connect, probe: Refused) -> None:
    key = new_user()
    name = connect("sts", **key).get_caller_identity()["Arn"].rsplit("/", 1)[-1]
    connect("iam").delete_access_key(UserName=name, AccessKeyId=key["aws_access_key_id"])
    assert probe("sts", **key) == (403, "InvalidClientTokenId", INVALID)


@pytest.fixture
def session_keys(
    connect: Connect, fresh_name: Callable[[str], str], emulator: Emulator
) -> dict[str, str]:
    """Give the credentials of a role's session that may do anything."""
    account = emulator.administrator.account
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    name = fresh_name("role")
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    arn = connect("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"][
        "Arn"
    ]
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    connect("iam").attach_role_policy(RoleName=name, PolicyArn=policy)
    made = connect("sts").assume_role(RoleArn=arn, RoleSessionName="here", DurationSeconds=900)
    return {
        "aws_access_key_id": made["Credentials"]["AccessKeyId"],
        "aws_secret_access_key": made["Credentials"]["SecretAccessKey"],
        "aws_session_token": made["Credentials"]["SessionToken"],
    }


@pytest.mark.parametrize("service", LET_IN)
def test_a_session_is_let_in(connect: Connect, session_keys: dict[str, str], service: str) -> None:
    answer = getattr(connect(service, **session_keys), PROBES[service])()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(("service", "status", "code"), UNKNOWN_KEY)
def test_a_session_without_its_token_is_refused(
    probe: Refused, session_keys: dict[str, str], service: str, status: int, code: str
) -> None:
    del session_keys["aws_session_token"]
    assert probe(service, **session_keys)[:2] == (status, code)


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("secretsmanager", 400, "UnrecognizedClientException"),
        ("sqs", 400, "UnrecognizedClientException"),
        ("sts", 403, "InvalidClientTokenId"),
        ("ec2", 401, "AuthFailure"),
        ("s3", 400, "InvalidToken"),
        ("rolesanywhere", 403, "UnrecognizedClientException"),
    ],
)
def test_a_wrong_token_is_refused(
    probe: Refused, session_keys: dict[str, str], service: str, status: int, code: str
) -> None:
    wrong = {**session_keys, "aws_session_token": "wrong"}
    assert probe(service, **wrong)[:2] == (status, code)


def test_a_token_beside_a_users_key_is_refused(probe: Refused) -> None:
    assert probe("sts", aws_session_token="any")[:2] == (403, "InvalidClientTokenId")


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("secretsmanager", 400, "ExpiredTokenException"),
        ("sqs", 400, "ExpiredTokenException"),
        ("sts", 403, "ExpiredToken"),
        ("ec2", 403, "ExpiredToken"),
        ("s3", 400, "ExpiredToken"),
        ("rolesanywhere", 403, "ExpiredTokenException"),
    ],
)
def test_expired_session_tokens_are_refused(
    emulator: Emulator,
    probe: Refused,
    session_keys: dict[str, str],
    service: str,
    status: int,
    code: str,
) -> None:
    emulator.move_clock(901)
    assert probe(service, **session_keys)[:2] == (status, code)


UNSIGNED = [
    pytest.param(
        "POST",
        "/",
        [("X-Amz-Target", "secretsmanager.ListSecrets")],
        b"{}",
        (400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        id="json",
    ),
    pytest.param(
        "POST",
        "/",
        [("Content-Type", "application/x-www-form-urlencoded")],
        b"Action=GetCallerIdentity&Version=2011-06-15",
        (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        id="query",
    ),
    pytest.param("GET", "/", [], b"", (403, "AccessDenied", "Access Denied"), id="s3"),
    pytest.param(
        "GET",
        "/profiles",
        [],
        b"",
        (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        id="rest-json",
    ),
]


@pytest.mark.parametrize(("method", "target", "headers", "body", "expected"), UNSIGNED)
def test_unsigned_requests_are_refused_in_the_services_own_shape(
    *,
    emulator: Emulator,
    send_raw: Any,
    method: str,
    target: str,
    headers: list[tuple[str, str]],
    body: bytes,
    expected: tuple[int, str, str],
) -> None:
    reply = send_raw(emulator.url, method, target, [("Host", "localhost"), *headers], body)
    status, code, message = expected
    assert reply.status == status
    assert code.encode() in reply.body or reply.headers["x-amzn-errortype"] == code
    assert message.encode() in reply.body


def test_json_errors_name_their_type_in_the_body_and_in_a_header(
    emulator: Emulator, send_raw: Any
) -> None:
    headers = [("Host", "localhost"), ("X-Amz-Target", "secretsmanager.ListSecrets")]
    reply = send_raw(emulator.url, "POST", "/", headers, b"{}")
    assert reply.json()["__type"] == "MissingAuthenticationTokenException"
    assert reply.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_moving_service_time_does_not_make_clients_look_skewed(
    emulator: Emulator, connect: Connect
) -> None:
    emulator.move_clock(10 * 24 * 3600)
    assert connect("sts").get_caller_identity()["Arn"].endswith("user/administrator")
