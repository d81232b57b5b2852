"""Reading Authorization headers: the one form that is accepted, and each way of not being it."""

import pytest

from sidecar.signing.authorization import Authorization, read_authorization
from sidecar.signing.canonical import Scope
from sidecar.signing.not_authentic import Code, NotAuthentic

CREDENTIAL = "Credential=ASIAEXAMPLE/20260301/eu-west-1/ssm/aws4_request"
HEADERS = "SignedHeaders=host;x-amz-date"
SIGNATURE = f"Signature={'0a' * 32}"
GOOD = f"AWS4-HMAC-SHA256 {CREDENTIAL}, {HEADERS}, {SIGNATURE}"
READ = Authorization(
    "ASIAEXAMPLE", Scope("20260301", "eu-west-1", "ssm"), ("host", "x-amz-date"), "0a" * 32
)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(GOOD, id="as SDKs write it"),
        pytest.param(GOOD.replace(", ", ","), id="no blanks"),
        pytest.param(GOOD.replace(", ", "  ,   "), id="many blanks"),
        pytest.param(
            f"AWS4-HMAC-SHA256 {SIGNATURE}, {HEADERS}, {CREDENTIAL}", id="in another order"
        ),
    ],
)
@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_the_parts_are_read(name: str, value: str) -> None:
    assert read_authorization((("Host", "h"), (name, value))) == READ


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        ("", Code.INCOMPLETE, "Unsupported AWS 'algorithm'"),
        ("Bearer abc", Code.INCOMPLETE, "Unsupported AWS 'algorithm'"),
        (GOOD.replace("AWS4", "AWS5"), Code.INCOMPLETE, "Unsupported AWS 'algorithm'"),
        (GOOD.replace("HMAC", "ECDSA-P256"), Code.INCOMPLETE, "Unsupported AWS 'algorithm'"),
        (GOOD.lower(), Code.INCOMPLETE, "Unsupported AWS 'algorithm'"),
        ("AWS4-HMAC-SHA256", Code.INCOMPLETE, "missing equal-sign"),
        ("AWS4-HMAC-SHA256 Credential", Code.INCOMPLETE, "missing equal-sign"),
        (f"{GOOD},", Code.INCOMPLETE, "missing equal-sign"),
        (f"{GOOD}, Extra=1", Code.INCOMPLETE, "unknown or repeated"),
        (f"{GOOD}, {SIGNATURE}", Code.INCOMPLETE, "unknown or repeated"),
        (GOOD.replace("Credential", "credential"), Code.INCOMPLETE, "unknown or repeated"),
        (GOOD.replace(f", {SIGNATURE}", ""), Code.INCOMPLETE, "requires 'Signature' parameter"),
        (
            f"AWS4-HMAC-SHA256 {SIGNATURE}",
            Code.INCOMPLETE,
            "requires 'Credential' parameter. Authorization header requires 'SignedHeaders'",
        ),
        (GOOD.replace(HEADERS, "SignedHeaders="), Code.INCOMPLETE, "requires 'SignedHeaders'"),
        (GOOD.replace("0a", "0A"), Code.INCOMPLETE, "64 lower-case hexadecimal digits"),
        (GOOD + "0", Code.INCOMPLETE, "64 lower-case hexadecimal digits"),
        (GOOD.replace("ASIAEXAMPLE", ""), Code.INCOMPLETE, "5 slash-delimited"),
        (GOOD.replace("ASIAEXAMPLE", "A" * 129), Code.INCOMPLETE, "5 slash-delimited"),
        (GOOD.replace("/ssm", ""), Code.INCOMPLETE, "5 slash-delimited"),
        (GOOD.replace("/ssm", "/ssm/x"), Code.INCOMPLETE, "5 slash-delimited"),
        (GOOD.replace("aws4_request", "aws5_request"), Code.INVALID, "'aws4_request'"),
        (GOOD.replace("20260301", "2026-3-1"), Code.INVALID, "YYYYMMDD"),
        (GOOD.replace("eu-west-1", "EU"), Code.INVALID, "valid region"),
        (GOOD.replace("eu-west-1", "e.evil.example"), Code.INVALID, "valid region"),
        (GOOD.replace("eu-west-1", ""), Code.INVALID, "valid region"),
        (GOOD.replace("eu-west-1", "a" * 64), Code.INVALID, "valid region"),
        (GOOD.replace("host;", "Host;"), Code.INCOMPLETE, "lower-case header names"),
        (GOOD.replace("host;", "host;;"), Code.INCOMPLETE, "lower-case header names"),
        (GOOD.replace("host;x-amz-date", "x-amz-date;host"), Code.INCOMPLETE, "sorted"),
        (GOOD.replace("host;", "host;host;"), Code.INCOMPLETE, "sorted, each name once"),
    ],
)
def test_what_is_not_exactly_so_is_refused(value: str, code: Code, words: str) -> None:
    with pytest.raises(NotAuthentic) as caught:
        read_authorization((("Authorization", value),))
    assert caught.value.code == code
    assert words in caught.value.message


def test_no_header_is_no_token() -> None:
    with pytest.raises(NotAuthentic, match=r"^Missing Authentication Token$") as caught:
        read_authorization((("Host", "h"),))
    assert caught.value.code == Code.MISSING


def test_two_headers_are_refused_even_if_they_are_the_same() -> None:
    with pytest.raises(NotAuthentic, match="More than one Authorization header") as caught:
        read_authorization((("Authorization", GOOD), ("authorization", GOOD)))
    assert caught.value.code == Code.INCOMPLETE


@pytest.mark.parametrize("value", [f"{GOOD}0", f"Bearer {'s3cret' * 3}", f"{GOOD}, s3cret=1"])
def test_a_refusal_quotes_nothing_of_the_header(value: str) -> None:
    with pytest.raises(NotAuthentic) as caught:
        read_authorization((("Authorization", value),))
    assert "s3cret" not in caught.value.message
    assert "0a0a" not in caught.value.message
