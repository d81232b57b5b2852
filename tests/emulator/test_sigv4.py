"""Signature Version 4, verified: botocore's signatures are true, anything changed is not."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from sidecar.emulator.refusals import NotLetIn, Refusal
from sidecar.emulator.request import Request
from sidecar.emulator.sigv4 import claim_of, verify_signature
from sidecar.redaction import Secret

SECRET = "not-a-real-secret"
KEY = Credentials("AKIDEXAMPLE", SECRET)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


def signed(
    url: str = "https://example.com/",
    *,
    method: str = "POST",
    body: bytes = b"body",
    service: str = "secretsmanager",
    headers: dict[str, str] | None = None,
) -> Request:
    """Let botocore sign a request, and receive it."""
    prepared = AWSRequest(method, url, headers or {}, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(KEY, service, "eu-west-1").add_auth(prepared)
    return received(prepared)


def received(prepared: Any) -> Request:
    rest: str = prepared.url.split("://", 1)[1]
    host, slash, target = rest.partition("/")
    path, _, query = f"{slash}{target}".partition("?")
    headers = (("Host", host), *((name, str(value)) for name, value in prepared.headers.items()))
    return Request(prepared.method, path or "/", query, headers, prepared.body or b"")


def verdict(request: Request, *, now: datetime | None = None, secret: str = SECRET) -> str:
    """Say which refusal a request meets; empty when its signature is true."""
    try:
        verify_signature(request, claim_of(request), Secret(secret), now or datetime.now(UTC))
    except NotLetIn as refused:
        return refused.refusal.name
    return ""


def changed(request: Request, **changes: object) -> Request:
    values = {name: getattr(request, name) for name in ("method", "raw_path", "raw_query")}
    values |= {"headers": request.headers, "body": request.body, **changes}
    return Request(**values)


def with_header(request: Request, name: str, value: str) -> Request:
    kept = [pair for pair in request.headers if pair[0].lower() != name.lower()]
    return changed(request, headers=(*kept, (name, value)))


@given(segments=st.lists(TEXT, max_size=4), names=st.lists(st.tuples(TEXT, TEXT), max_size=4))
def test_what_botocore_signs_is_true(segments: list[str], names: list[tuple[str, str]]) -> None:
    path = "/".join(quote(segment, safe="~") for segment in segments)
    query = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in names if k)
    assert verdict(signed(f"https://example.com/{path}?{query}")) == ""


# A slash inside a key is never sent encoded by S3's clients, so none is generated here.
KEY_PART = TEXT.filter(lambda text: bool(text) and "/" not in text)


@given(segments=st.lists(KEY_PART, max_size=4), body=st.binary(max_size=64))
def test_what_botocore_signs_for_s3_is_true(segments: list[str], body: bytes) -> None:
    path = "/".join(quote(segment, safe="~") for segment in segments)
    request = signed(f"https://example.com/bucket/{path}", method="PUT", body=body, service="s3")
    assert verdict(request) == ""


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"method": "PUT"}, id="method"),
        pytest.param({"raw_path": "/other"}, id="path"),
        pytest.param({"raw_query": "a=1"}, id="query"),
        pytest.param({"body": b"bodY"}, id="body"),
    ],
)
def test_a_changed_request_has_a_wrong_signature(change: dict[str, object]) -> None:
    request = signed()
    assert verdict(request) == ""
    assert verdict(changed(request, **change)) == "WRONG_SIGNATURE"


def test_a_changed_header_has_a_wrong_signature() -> None:
    request = signed(headers={"X-Amz-Target": "secretsmanager.GetSecretValue"})
    assert verdict(request) == ""
    assert verdict(with_header(request, "X-Amz-Target", "other")) == "WRONG_SIGNATURE"


def test_another_secret_has_a_wrong_signature() -> None:
    assert verdict(signed(), secret="another") == "WRONG_SIGNATURE"


def test_a_body_that_is_not_the_hashed_one_is_refused_by_s3() -> None:
    request = signed("https://example.com/b/k", method="PUT", service="s3")
    assert verdict(changed(request, body=b"other")) == "WRONG_PAYLOAD"


def test_an_unhashed_body_is_let_in_by_s3_alone() -> None:
    checked = {"Content-MD5": "any", "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    prepared = AWSRequest("PUT", "https://example.com/b/k", checked, b"body")
    prepared.context["payload_signing_enabled"] = False
    S3SigV4Auth(KEY, "s3", "eu-west-1").add_auth(prepared)
    request = received(prepared)
    assert request.header("X-Amz-Content-SHA256") == "UNSIGNED-PAYLOAD"
    assert verdict(changed(request, body=b"other")) == ""
    other = AWSRequest("PUT", "https://example.com/b/k", checked, b"body")
    other.context["payload_signing_enabled"] = False
    SigV4Auth(KEY, "secretsmanager", "eu-west-1").add_auth(other)
    assert verdict(received(other)) == "WRONG_PAYLOAD"


@pytest.mark.parametrize(
    ("service", "seconds", "expected"),
    [
        pytest.param("secretsmanager", 299, "", id="old, within five minutes"),
        pytest.param("secretsmanager", 302, "SKEWED", id="too old"),
        pytest.param("secretsmanager", -298, "", id="ahead, within five minutes"),
        pytest.param("secretsmanager", -302, "SKEWED", id="too far ahead"),
        pytest.param("s3", 898, "", id="s3, within fifteen minutes"),
        pytest.param("s3", 902, "SKEWED", id="s3, too old"),
        pytest.param("s3", -902, "SKEWED", id="s3, too far ahead"),
    ],
)
def test_dates_outside_the_window_are_refused(service: str, seconds: int, expected: str) -> None:
    request = signed(service=service)
    now = datetime.strptime(claim_of(request).amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert verdict(request, now=now + timedelta(seconds=seconds)) == expected


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        pytest.param(
            "Bearer token", "Authorization must start with 'AWS4-HMAC-SHA256'.", id="kind"
        ),
        pytest.param(
            "AWS4-HMAC-SHA256 Credential=a/20260301/eu-west-1/s3/aws4_request, SignedHeaders=host",
            "Authorization header requires 'Signature' parameter.",
            id="no signature",
        ),
        pytest.param(
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=f",
            "Credential must have exactly 5 slash-delimited elements, "
            "e.g. keyid/date/region/service/term, got 'a/b'",
            id="short scope",
        ),
        pytest.param(
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/other, SignedHeaders=host, Signature=f",
            "Credential must have exactly 5 slash-delimited elements, "
            "e.g. keyid/date/region/service/term, got 'a/b/c/d/other'",
            id="wrong terminator",
        ),
    ],
)
def test_an_incomplete_authorization_says_what_it_lacks(authorization: str, expected: str) -> None:
    request = with_header(signed(), "Authorization", authorization)
    with pytest.raises(NotLetIn) as caught:
        claim_of(request)
    assert (caught.value.refusal, caught.value.detail) == (Refusal.INCOMPLETE, expected)


def test_a_request_without_any_signature_is_unsigned() -> None:
    with pytest.raises(NotLetIn) as caught:
        claim_of(Request("GET", "/", "", (("Host", "example.com"),), b""))
    assert caught.value.refusal is Refusal.UNSIGNED


def test_a_request_without_a_date_is_incomplete() -> None:
    request = signed()
    kept = tuple(pair for pair in request.headers if pair[0] != "X-Amz-Date")
    assert verdict_of_claim(changed(request, headers=kept)) == "INCOMPLETE"


def verdict_of_claim(request: Request) -> str:
    with pytest.raises(NotLetIn) as caught:
        claim_of(request)
    return caught.value.refusal.name


@pytest.mark.parametrize("name", ["host", "x-amz-date"])
def test_host_and_date_must_be_signed(name: str) -> None:
    request = signed()
    uncovered = request.header("Authorization").replace(f"{name};", "").replace(f";{name}", "")
    assert verdict(with_header(request, "Authorization", uncovered)) == "WRONG_SIGNATURE"


def test_a_session_token_must_be_signed() -> None:
    request = with_header(signed(), "X-Amz-Security-Token", "added later")
    assert verdict(request) == "WRONG_SIGNATURE"


def test_the_scope_must_name_the_day_of_the_date() -> None:
    request = signed()
    scope_date = claim_of(request).date
    moved = request.header("Authorization").replace(f"/{scope_date}/", "/20200101/")
    assert verdict(with_header(request, "Authorization", moved)) == "WRONG_SIGNATURE"


def presigned(seconds: int = 60) -> Request:
    request = AWSRequest("GET", "https://example.com/?Action=GetCallerIdentity")
    SigV4QueryAuth(KEY, "sts", "eu-west-1", expires=seconds).add_auth(request)
    return received(request)


def test_a_presigned_url_is_true_until_it_expires() -> None:
    request = presigned()
    signed_at = datetime.strptime(claim_of(request).amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert verdict(request, now=signed_at + timedelta(seconds=60)) == ""
    assert verdict(request, now=signed_at + timedelta(seconds=61)) == "PRESIGNED_EXPIRED"


def test_a_presigned_url_of_the_future_is_not_true_yet() -> None:
    request = presigned()
    signed_at = datetime.strptime(claim_of(request).amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert verdict(request, now=signed_at - timedelta(minutes=16)) == "SKEWED"


def test_a_presigned_url_needs_all_its_parameters() -> None:
    request = presigned()
    query = request.raw_query.replace("X-Amz-Expires=60", "X-Amz-Expires=soon")
    assert verdict_of_claim(changed(request, raw_query=query)) == "INCOMPLETE"


def test_a_date_must_have_the_basic_form() -> None:
    request = with_header(signed(), "X-Amz-Date", "2026-03-01T12:00:00Z")
    assert verdict(request) == "INCOMPLETE"


def test_a_presigned_url_with_anything_added_is_wrong() -> None:
    request = presigned()
    assert verdict(changed(request, raw_query=request.raw_query + "&a=1")) == "WRONG_SIGNATURE"


def test_a_presigned_url_may_not_live_longer_than_a_week() -> None:
    assert verdict_of_claim(presigned(7 * 24 * 3600 + 1)) == "INCOMPLETE"


@pytest.mark.parametrize(
    ("stated", "refusal"),
    [
        (hashlib.sha256(b"body").hexdigest(), ""),
        (hashlib.sha256(b"other").hexdigest(), "WRONG_PAYLOAD"),
        ("UNSIGNED-PAYLOAD", "WRONG_PAYLOAD"),
    ],
)
def test_a_hash_that_is_stated_is_the_bodys(stated: str, refusal: str) -> None:
    request = signed()
    headers = (*request.headers, ("X-Amz-Content-Sha256", stated))
    assert verdict(changed(request, headers=headers)) == refusal
