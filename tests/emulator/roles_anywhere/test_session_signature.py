"""CreateSession's signature, over the wire: one thing wrong is what refuses."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.ca import KeyKind, Subject, issue_workload
from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
DENIED = (403, "AccessDeniedException")
MISMATCH = "The request signature we calculated does not match the signature you provided"


def header_after_signing(name: str, change: Callable[[str], Any]) -> dict[str, Any]:
    def tamper(finished: dict[str, Any]) -> None:
        finished["headers"][name] = change(finished["headers"][name])

    return {"tamper": tamper}


def without_header(name: str) -> dict[str, Any]:
    return {"tamper": lambda finished: finished["headers"].pop(name)}


REFUSED = [
    # 3: the Authorization header, date and scope
    ("unsigned", without_header("Authorization"), DENIED, "Missing Authentication Token"),
    (
        "malformed",
        header_after_signing("Authorization", lambda text: text.replace(", Signature", "")),
        DENIED,
        "Authorization header is malformed",
    ),
    (
        "odd hex",
        header_after_signing("Authorization", lambda text: text + "a"),
        DENIED,
        "Authorization header is malformed",
    ),
    (
        "unknown algorithm",
        {"algorithm": "AWS4-X509-RSA-SHA384"},
        DENIED,
        "Unsupported signing algorithm AWS4-X509-RSA-SHA384",
    ),
    (
        "scope region",
        {"region": "eu-west-1"},
        DENIED,
        "Credential should be scoped to region ap-northeast-2",
    ),
    (
        "scope service",
        {"service": "sts"},
        DENIED,
        "Credential should be scoped to service rolesanywhere",
    ),
    (
        "scope terminator",
        {"terminator": "aws5_request"},
        DENIED,
        "Credential should be scoped with a valid terminator: aws4_request",
    ),
    (
        "scope date",
        {"scope_date": "20200101"},
        DENIED,
        "Date in Credential scope does not match X-Amz-Date",
    ),
    (
        "no date",
        without_header("X-Amz-Date"),
        DENIED,
        "X-Amz-Date must be of the form YYYYMMDDTHHMMSSZ",
    ),
    # 4: the certificate headers, and what the signature covers
    ("no certificate", without_header("X-Amz-X509"), DENIED, "X-Amz-X509 header is missing"),
    (
        "certificate is no base64",
        header_after_signing("X-Amz-X509", lambda text: text[:-1] + "!"),
        DENIED,
        "X-Amz-X509 is not the base64 of one DER certificate",
    ),
    (
        "certificate is no DER",
        {"headers": {"X-Amz-X509": "AAAA"}},
        DENIED,
        "X-Amz-X509 is not the base64 of one DER certificate",
    ),
    (
        "certificate twice",
        header_after_signing("X-Amz-X509", lambda text: [text, text]),
        DENIED,
        "X-Amz-X509 is not the base64 of one DER certificate",
    ),
    (
        "chain is no base64",
        {"headers": {"X-Amz-X509-Chain": "a,b"}},
        DENIED,
        "X-Amz-X509-Chain is not a list of base64 of DER certificates",
    ),
    (
        "chain too long",
        {"headers": {"X-Amz-X509-Chain": "a,b,c,d,e,f"}},
        DENIED,
        "X-Amz-X509-Chain has more than 5 certificates",
    ),
    (
        "another serial",
        {"serial": "4567"},
        DENIED,
        "Credential is not the decimal serial number of the certificate",
    ),
    ("host unsigned", {"unsigned": {"host"}}, DENIED, "Header host must be signed"),
    ("date unsigned", {"unsigned": {"x-amz-date"}}, DENIED, "Header x-amz-date must be signed"),
    (
        "certificate unsigned",
        {"unsigned": {"x-amz-x509"}},
        DENIED,
        "Header x-amz-x509 must be signed",
    ),
    (
        "algorithm of another key",
        {"algorithm": "AWS4-X509-RSA-SHA256"},
        DENIED,
        "Signing algorithm does not match the certificate's key",
    ),
    (
        "algorithm of later keys",
        {"algorithm": "AWS4-X509-MLDSA"},
        DENIED,
        "Signing algorithm does not match the certificate's key",
    ),
    (
        "certificate too large",
        {"headers": {"X-Amz-X509": "A" * 22_000}},
        DENIED,
        "X-Amz-X509 is larger than 16 KB",
    ),
    # 5: the signature itself
    (
        "body changed",
        {"tamper": lambda finished: finished.update(body=finished["body"] + b" ")},
        DENIED,
        MISMATCH,
    ),
    (
        "query added",
        {"tamper": lambda finished: finished.update(target="/sessions?a=b")},
        DENIED,
        MISMATCH,
    ),
    ("host changed", header_after_signing("Host", lambda _: "localhost"), DENIED, MISMATCH),
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


def altered(certificate: x509.Certificate, old: bytes, new: bytes) -> str:
    """Change bytes of a certificate, which its own signature then no longer covers."""
    der = certificate.public_bytes(Encoding.DER)
    assert old in der
    return base64.b64encode(der.replace(old, new)).decode()


# DER of object identifiers: keyUsage and basicConstraints; and those of a key on a curve.
KEY_USAGE, BASIC_CONSTRAINTS = bytes.fromhex("551d0f"), bytes.fromhex("551d13")
EC_KEY, UNKNOWN_KEY = bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0203")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            KEY_USAGE,
            BASIC_CONSTRAINTS,
            "X-Amz-X509 is not the base64 of one DER certificate",
        ),
        (
            EC_KEY,
            UNKNOWN_KEY,
            "The certificate's key is neither RSA nor elliptic curve nor ML-DSA",
        ),
    ],
    ids=["an extension twice", "a key of an unknown kind"],
)
def test_a_certificate_that_makes_no_sense_is_refused(
    shared_site: Any, draft_for: Submit, message: Submit, old: bytes, new: bytes, text: str
) -> None:
    draft = draft_for(shared_site)
    draft.headers["X-Amz-X509"] = altered(draft.leaf, old, new)
    assert message(draft) == (*DENIED, text)


ACCEPTED = [
    (
        "content type of the Python library",
        {"headers": {"Content-Type": "application/x-amz-json-1.0"}},
    ),
    ("other headers signed", {"headers": {"Amz-Sdk-Request": "attempt=1; max=3"}}),
    ("other headers unsigned", {"headers": {"X-Extra": "a"}, "unsigned": {"x-extra"}}),
    ("another host name", {"host": "rolesanywhere.ap-northeast-2.amazonaws.com"}),
    ("spaces in a signed header", {"headers": {"X-Spaced": "a b"}}),
]


@pytest.mark.parametrize("changes", [pytest.param(case[1], id=case[0]) for case in ACCEPTED])
def test_what_is_allowed_is_accepted(
    shared_site: Any, draft_for: Submit, submit: Submit, changes: dict[str, Any]
) -> None:
    assert submit(draft_for(shared_site, **changes)).status == 201


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        (lambda right: right, 201),
        (lambda right: right.upper(), 403),
        (lambda _: "0" * 64, 403),
        (lambda _: "UNSIGNED-PAYLOAD", 403),
        (lambda _: "", 403),
    ],
    ids=["the body's", "in capitals", "another body's", "left out", "empty"],
)
@pytest.mark.parametrize("unsigned", [set(), {"x-amz-content-sha256"}], ids=["signed", "unsigned"])
def test_a_hash_that_is_stated_must_be_that_of_the_body(
    *,
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    stated: Callable[[str], str],
    status: int,
    unsigned: set[str],
) -> None:
    draft = draft_for(shared_site, unsigned=unsigned)
    right = hashlib.sha256(json.dumps(draft.members).encode()).hexdigest()
    draft.headers["X-Amz-Content-Sha256"] = stated(right)
    reply = submit(draft)
    assert reply.status == status
    assert status == 201 or reply.json()["message"].startswith("X-Amz-Content-Sha256 ")


def ago(**distance: float) -> datetime:
    return datetime.now(UTC) - timedelta(**distance)


@pytest.mark.parametrize("minutes", [4, -4])
def test_a_date_within_five_minutes_is_accepted(
    shared_site: Any, draft_for: Submit, submit: Submit, minutes: int
) -> None:
    assert submit(draft_for(shared_site, moment=ago(minutes=minutes))).status == 201


@pytest.mark.parametrize(
    ("minutes", "text"), [(6, "Signature expired: "), (-6, "Signature not yet current: ")]
)
def test_a_date_further_off_is_refused(
    shared_site: Any, draft_for: Submit, message: Submit, minutes: int, text: str
) -> None:
    status, code, found = message(draft_for(shared_site, moment=ago(minutes=minutes)))
    assert (status, code) == DENIED
    assert found.startswith(text)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_makes_sessions(
    shared_site: Any, draft_for: Submit, message: Submit, method: str
) -> None:
    draft = draft_for(shared_site, method=method)
    assert message(draft)[:2] == (405, "MethodNotAllowedException")


@pytest.mark.parametrize(
    "kind",
    [KeyKind.EC_P256, KeyKind.EC_P384, KeyKind.EC_P521, KeyKind.RSA_2048],
    ids=lambda kind: kind.value,
)
def test_every_kind_of_key_signs(
    shared_site: Any, draft_for: Submit, submit: Submit, trusted_root: Any, today: Any, kind: Any
) -> None:
    leaf, key = issue_workload(
        trusted_root, Subject("any"), now=today, validity=timedelta(days=1), kind=kind
    )
    assert submit(draft_for(shared_site, leaf=leaf, key=key)).status == 201
    _, other = issue_workload(
        trusted_root, Subject("any"), now=today, validity=timedelta(days=1), kind=kind
    )
    assert submit(draft_for(shared_site, leaf=leaf, key=other)).status == 403


NOTED = [
    ({"unsigned": {"host", "x-amz-date"}}, {"unsignedHeaders": ["host", "x-amz-date"]}),
    (
        {"algorithm": "AWS4-X509-RSA-SHA256"},
        {"algorithmOfAnotherKey": ["AWS4-X509-RSA-SHA256"]},
    ),
    ({}, {}),
]


@pytest.mark.parametrize(("changes", "notes"), NOTED)
def test_a_lenient_emulator_lets_pass_and_notes_what_aws_only_notes(
    *,
    emulator: Emulator,
    shared_site: Any,
    draft_for: Submit,
    submit: Submit,
    changes: dict[str, Any],
    notes: dict[str, Any],
) -> None:
    emulator.change_settings(strict=False)
    assert submit(draft_for(shared_site, **changes)).status == 201
    assert emulator.session_events()[-1]["additionalEventData"] == notes


def test_a_lenient_emulator_is_lenient_about_nothing_else(
    emulator: Emulator, shared_site: Any, draft_for: Submit, message: Submit
) -> None:
    emulator.change_settings(strict=False)
    assert message(draft_for(shared_site, serial="1"))[:2] == DENIED
