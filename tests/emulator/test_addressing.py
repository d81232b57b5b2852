"""Which service and operation a request is for, in every protocol."""

import pytest
from werkzeug.test import EnvironBuilder

from sidecar.emulator.addressing import address_of, is_create_session
from sidecar.emulator.error_shapes import Protocol
from sidecar.emulator.request import Request

FORM = "application/x-www-form-urlencoded"


def request(
    target: str,
    *,
    method: str = "GET",
    signed_for: str = "",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Request:
    """Receive a request that is signed for a service, or unsigned."""
    lines = dict(headers or {})
    if signed_for:
        credential = f"Credential=AKID/20260301/eu-west-1/{signed_for}/aws4_request"
        lines["Authorization"] = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=f"
    path, _, query = target.partition("?")
    listed = tuple(lines.items())
    builder = EnvironBuilder(path, query_string=query, method=method, headers=listed)
    environ = {**builder.get_environ(), "RAW_URI": target}
    return Request(method, path, query, listed, body, environ)


def target_header(target: str) -> dict[str, str]:
    return {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}


TABLE = [
    pytest.param(
        request(
            "/",
            method="POST",
            signed_for="secretsmanager",
            headers=target_header("secretsmanager.GetSecretValue"),
        ),
        ("secretsmanager", "GetSecretValue", Protocol.JSON),
        id="json",
    ),
    pytest.param(
        request(
            "/",
            method="POST",
            signed_for="sts",
            body=b"Action=GetCallerIdentity&Version=2011-06-15",
            headers={"Content-Type": FORM},
        ),
        ("sts", "GetCallerIdentity", Protocol.QUERY),
        id="query in the body",
    ),
    pytest.param(
        request("/?Action=GetCallerIdentity&Version=2011-06-15", signed_for="sts"),
        ("sts", "GetCallerIdentity", Protocol.QUERY),
        id="query in the URL",
    ),
    pytest.param(
        request("/", signed_for="s3"), ("s3", "ListBuckets", Protocol.S3), id="s3 service"
    ),
    pytest.param(
        request("/b?list-type=2", signed_for="s3"),
        ("s3", "ListObjectsV2", Protocol.S3),
        id="s3 bucket, by its query",
    ),
    pytest.param(
        request("/b/k/l", signed_for="s3"), ("s3", "GetObject", Protocol.S3), id="s3 object"
    ),
    pytest.param(
        request("/sessions", signed_for="s3"), ("s3", "ListObjects", Protocol.S3), id="s3 sessions"
    ),
    pytest.param(
        request("/trustanchors", method="POST", signed_for="rolesanywhere"),
        ("rolesanywhere", "CreateTrustAnchor", Protocol.REST_JSON),
        id="rest-json",
    ),
    pytest.param(
        request("/profile/x/disable", method="POST", signed_for="rolesanywhere"),
        ("rolesanywhere", "DisableProfile", Protocol.REST_JSON),
        id="rest-json with a parameter",
    ),
    pytest.param(
        request("/2013-04-01/hostedzone", signed_for="route53"),
        ("route53", "ListHostedZones", Protocol.REST_XML),
        id="rest-xml",
    ),
    pytest.param(
        request(
            "/",
            method="POST",
            signed_for="ec2",
            body=b"Action=DescribeInstances",
            headers={"Content-Type": FORM},
        ),
        ("ec2", "DescribeInstances", Protocol.EC2),
        id="ec2",
    ),
    pytest.param(
        request("/nothing/here", signed_for="rolesanywhere"),
        ("rolesanywhere", "Unknown", Protocol.REST_JSON),
        id="no such operation",
    ),
    pytest.param(
        request("/", signed_for="nosuchservice"),
        ("nosuchservice", "Unknown", Protocol.REST_JSON),
        id="no such service",
    ),
    pytest.param(
        request("/sessions", method="POST"),
        ("rolesanywhere", "CreateSession", Protocol.REST_JSON),
        id="CreateSession",
    ),
    pytest.param(
        request("/?X-Amz-Credential=AKID/20260301/eu-west-1/s3/aws4_request"),
        ("s3", "ListBuckets", Protocol.S3),
        id="presigned",
    ),
    pytest.param(
        request("/", method="POST", headers=target_header("AmazonSSM.GetParameter")),
        ("ssm", "GetParameter", Protocol.JSON),
        id="unsigned json",
    ),
    pytest.param(
        request(
            "/",
            method="POST",
            body=b"Action=ListUsers&Version=2010-05-08",
            headers={"Content-Type": FORM},
        ),
        ("iam", "ListUsers", Protocol.QUERY),
        id="unsigned query",
    ),
    pytest.param(
        request("/profiles"),
        ("rolesanywhere", "ListProfiles", Protocol.REST_JSON),
        id="unsigned rest-json",
    ),
    pytest.param(request("/b"), ("s3", "ListObjects", Protocol.S3), id="unsigned s3"),
]


@pytest.mark.parametrize(("received", "expected"), TABLE)
def test_requests_are_addressed(received: Request, expected: tuple[str, str, Protocol]) -> None:
    address = address_of(received, default_region="us-east-1")
    assert (address.service, address.operation, address.protocol) == expected


def test_the_region_is_the_scopes_or_the_default() -> None:
    assert address_of(request("/", signed_for="s3"), default_region="x").region == "eu-west-1"
    assert address_of(request("/"), default_region="us-east-1").region == "us-east-1"


def test_parameters_of_the_path_are_kept() -> None:
    address = address_of(
        request("/profile/x/disable", method="POST", signed_for="rolesanywhere"),
        default_region="us-east-1",
    )
    assert dict(address.uri_parameters) == {"profileId": "x"}


def test_a_bucket_named_sessions_is_still_a_bucket() -> None:
    assert not is_create_session(request("/sessions", method="POST", signed_for="s3"))
    assert is_create_session(request("/sessions", method="POST"))
