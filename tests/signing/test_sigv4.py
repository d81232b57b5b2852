"""Verification of signatures: botocore signs, and each single thing that is wrong is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.credentials import Credentials
from sidecar.redaction import Secret
from sidecar.signing.authorization import read_authorization
from sidecar.signing.canonical import Request, Scope, amz_date, payload_hash
from sidecar.signing.not_authentic import NotAuthentic
from sidecar.signing.sigv4 import check_claim, check_signature, signature

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY_ID, SECRET_KEY, TOKEN = "ASIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "the/session+token=="
SESSION = Credentials(
    access_key_id=KEY_ID,
    secret_access_key=Secret(SECRET_KEY),
    session_token=Secret(TOKEN),
    issued_at=NOW - timedelta(hours=1),
    expires_at=NOW + timedelta(hours=1),
    role_arn="arn:aws:iam::123456789012:role/web",
    account_id="123456789012",
)
SERVICES = ("secretsmanager", "ssm")
HEADERS = (
    ("Host", "127.0.0.1:2774"),
    ("Content-Type", "application/x-amz-json-1.1"),
    ("X-Amz-Target", "secretsmanager.GetSecretValue"),
)
BODY = b'{"SecretId": "prod/web"}'
Pairs = tuple[tuple[str, str], ...]


def signed(
    headers: Pairs = HEADERS,
    body: bytes = BODY,
    target: str = "/",
    *,
    at: datetime = NOW,
    service: str = "secretsmanager",
    keys: tuple[str, str, str] = (KEY_ID, SECRET_KEY, TOKEN),
) -> Request:
    """Have botocore sign a request at a moment, and give it as it goes over the wire."""
    signer: Any = SigV4Auth(ReadOnlyCredentials(*keys), service, "eu-west-1")
    request = AWSRequest(method="POST", url=f"http://127.0.0.1:2774{target}", data=body)
    for name, value in headers:
        request.headers.add_header(name, value)
    request.context["timestamp"] = amz_date(at)
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return Request("POST", target, tuple(request.headers.items()), body)


def verify(request: Request, *, now: datetime = NOW, session: Credentials = SESSION) -> None:
    claim = read_authorization(request.headers)
    check_claim(request.headers, claim, session, services=SERVICES, now=now)
    check_signature(request, claim, session)


def refusal(request: Request, *, now: datetime = NOW, session: Credentials = SESSION) -> str:
    with pytest.raises(NotAuthentic) as caught:
        verify(request, now=now, session=session)
    for secret in (SECRET_KEY, TOKEN):
        assert secret not in caught.value.message
    return f"{caught.value.code}: {caught.value.message}"


def with_header(request: Request, name: str, value: str | None) -> Request:
    """Put a header's value in place of the one that was signed; None takes it away."""
    others = tuple(pair for pair in request.headers if pair[0].lower() != name.lower())
    return replace(request, headers=others if value is None else (*others, (name, value)))


def in_authorization(old: str, new: str) -> Callable[[Request], Request]:
    """Change something in the Authorization header."""

    def change(request: Request) -> Request:
        value = dict(request.headers)["Authorization"]
        assert old in value
        return with_header(request, "Authorization", value.replace(old, new))

    return change


def test_a_request_that_botocore_signed_is_authentic() -> None:
    verify(signed())


@pytest.mark.parametrize("service", SERVICES)
def test_both_services_are_served(service: str) -> None:
    verify(signed(service=service))


def test_a_stated_hash_of_the_body_is_accepted_if_it_is_the_bodys() -> None:
    verify(signed((*HEADERS, ("X-Amz-Content-Sha256", payload_hash(BODY)))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            lambda it: replace(it, body=it.body + b" "), "does not match the signature", id="body"
        ),
        pytest.param(
            lambda it: replace(it, method="GET"), "does not match the signature", id="method"
        ),
        pytest.param(
            lambda it: replace(it, target="/x"), "does not match the signature", id="path"
        ),
        pytest.param(
            lambda it: replace(it, target="/?a=b"), "does not match the signature", id="query"
        ),
        pytest.param(
            lambda it: with_header(it, "Host", "127.0.0.1:2775"),
            "does not match the signature",
            id="host",
        ),
        pytest.param(
            lambda it: with_header(it, "X-Amz-Target", "secretsmanager.DeleteSecret"),
            "does not match the signature",
            id="target",
        ),
        pytest.param(
            lambda it: replace(it, headers=(*it.headers, ("Content-Type", "text/plain"))),
            "does not match the signature",
            id="repeated header",
        ),
        pytest.param(
            lambda it: with_header(it, "X-Amz-Date", amz_date(NOW + timedelta(seconds=1))),
            "does not match the signature",
            id="another date in time",
        ),
        pytest.param(
            in_authorization("eu-west-1", "eu-west-2"), "does not match the signature", id="region"
        ),
        pytest.param(
            in_authorization("/secretsmanager/", "/ssm/"),
            "does not match the signature",
            id="the other service",
        ),
        pytest.param(
            in_authorization("/secretsmanager/", "/s3/"),
            "scoped to correct service: 'secretsmanager' or 'ssm'",
            id="a service that is not served",
        ),
        pytest.param(
            in_authorization("20260301/", "20260302/"),
            "'20260302' != '20260301', from '20260301T120000Z'",
            id="scope of another day",
        ),
        pytest.param(
            in_authorization("host;", ""), "'host' must be a 'SignedHeader'", id="host not covered"
        ),
        pytest.param(
            in_authorization("x-amz-date;", ""), "'x-amz-date' must be", id="date not covered"
        ),
        pytest.param(
            in_authorization("x-amz-security-token;", ""),
            "'x-amz-security-token' must be",
            id="token not covered",
        ),
        pytest.param(
            in_authorization(";x-amz-target", ""), "'x-amz-target' must be", id="target not covered"
        ),
        pytest.param(
            lambda it: with_header(it, "X-Amz-Meta", "1"), "'x-amz-meta' must be", id="added header"
        ),
        pytest.param(
            lambda it: with_header(it, "Content-Type", None),
            "'content-type' is not in the request",
            id="signed header gone",
        ),
    ],
)
def test_what_was_changed_after_signing_is_refused(
    change: Callable[[Request], Request], words: str
) -> None:
    told = refusal(change(signed()))
    assert told.startswith("InvalidSignatureException: ")
    assert words in told


def test_another_signature_of_the_same_form_is_refused() -> None:
    request = signed()
    head, _, _ = dict(request.headers)["Authorization"].partition("Signature=")
    forged = with_header(request, "Authorization", f"{head}Signature={'0' * 64}")
    assert "does not match the signature" in refusal(forged)


def test_another_secret_key_is_refused() -> None:
    told = refusal(signed(keys=(KEY_ID, f"{SECRET_KEY}x", TOKEN)))
    assert told.startswith("InvalidSignatureException: The request signature we calculated")


@pytest.mark.parametrize("token", [f"{TOKEN}x", TOKEN[:-1], "é", "\ud800"])
def test_another_token_is_unrecognized_however_well_it_is_signed(token: str) -> None:
    request = with_header(signed(), "X-Amz-Security-Token", token)
    assert refusal(request) == (
        "UnrecognizedClientException: The security token included in the request is invalid."
    )


def test_no_token_is_unrecognized() -> None:
    told = refusal(with_header(signed(), "X-Amz-Security-Token", None))
    assert told.startswith("UnrecognizedClientException: ")


@pytest.mark.parametrize("name", ["X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"])
def test_what_decides_may_stand_there_only_once(name: str) -> None:
    request = signed((*HEADERS, ("X-Amz-Content-Sha256", payload_hash(BODY))))
    repeated = (*request.headers, (name.lower(), dict(request.headers).get(name, "")))
    told = refusal(replace(request, headers=repeated))
    assert told == f"IncompleteSignatureException: More than one '{name.lower()}' header."


@pytest.mark.parametrize(
    "stated", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", payload_hash(b"")]
)
def test_a_stated_hash_that_is_not_the_bodys_is_refused_although_it_is_signed(stated: str) -> None:
    told = refusal(signed((*HEADERS, ("X-Amz-Content-Sha256", stated))))
    assert told.startswith("InvalidSignatureException: The 'x-amz-content-sha256' header")


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_a_date_within_five_minutes_is_accepted(seconds: int) -> None:
    verify(signed(at=NOW + timedelta(seconds=seconds)))


@pytest.mark.parametrize(
    ("seconds", "beginning", "bound"),
    [
        (-301, "Signature expired: 20260301T115459Z is now earlier than 20260301T115500Z", "-"),
        (
            301,
            "Signature not yet current: 20260301T120501Z is still later than 20260301T120500Z",
            "+",
        ),
    ],
)
def test_any_other_date_is_refused_in_the_words_that_sdks_look_for(
    seconds: int, beginning: str, bound: str
) -> None:
    told = refusal(signed(at=NOW + timedelta(seconds=seconds)))
    assert told == f"InvalidSignatureException: {beginning} (20260301T120000Z {bound} 5 min.)"


def test_five_minutes_around_midnight_are_two_days() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    verify(signed(at=midnight - timedelta(minutes=2)), now=midnight + timedelta(minutes=2))


@pytest.mark.parametrize(
    "date", ["", "2026-03-01T12:00:00Z", "20260301T120000", "20261301T120000Z", "20260301T126000Z"]
)
def test_a_date_in_another_form_is_incomplete(date: str) -> None:
    told = refusal(with_header(signed(), "X-Amz-Date", date))
    assert told.startswith("IncompleteSignatureException: Date must be in ISO-8601 'basic format'")


def test_no_date_is_incomplete() -> None:
    told = refusal(with_header(signed(), "X-Amz-Date", None))
    assert told.startswith("IncompleteSignatureException: ")
    assert "'X-Amz-Date'" in told


def test_an_expired_session_is_told_as_such_to_its_holder_only() -> None:
    expired = replace(SESSION, expires_at=NOW)
    assert refusal(signed(), session=expired) == (
        "ExpiredTokenException: The security token included in the request is expired"
    )
    wrong = signed(keys=(KEY_ID, SECRET_KEY, "wrong"))
    assert refusal(wrong, session=expired).startswith("UnrecognizedClientException")


def test_the_key_derivation_is_the_documented_one() -> None:
    # The example of AWS's general reference, "Deriving a signing key" (20150830, us-east-1, iam).
    scope = Scope("20150830", "us-east-1", "iam")
    text = (
        "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    )
    secret = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    assert signature(secret, scope, text.encode()) == (
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


# Header values as clients write them, runs of blanks and text outside ASCII included; names that
# repeat; queries in one strict encoding, which is what botocore expects on the wire.
values = st.text(st.sampled_from("ab,;= \té가"), max_size=12)
extra = st.lists(
    st.tuples(st.sampled_from(["X-Amz-Meta", "x-one", "X-TWO", "Accept", "User-Agent"]), values),
    max_size=6,
)
words = st.text(st.characters(codec="utf-8"), max_size=4)
queries = st.lists(st.tuples(words.filter(bool), words), max_size=4).map(
    lambda pairs: "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in pairs)
)
paths = st.lists(st.sampled_from(["a", "%20", "..", ".", "", "~", "a:b"]), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


@settings(max_examples=100)
@given(extra=extra, query=queries, path=paths, body=st.binary(max_size=60))
@example(extra=[("x-one", " a   b "), ("x-one", "")], query="b=1&a=2&a=1", path="/", body=b"")
def test_whatever_botocore_signs_is_authentic_and_one_byte_less_is_not(
    extra: list[tuple[str, str]], query: str, path: str, body: bytes
) -> None:
    target = f"{path}?{query}" if query else path
    request = signed((*HEADERS, *extra), body, target)
    verify(request)
    refusal(replace(request, body=body[:-1] if body else b"0"))
