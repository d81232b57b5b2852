"""AWS4-X509 signatures: the hand-made vector, and what strictness means."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519

from sidecar.emulator.request import Request
from sidecar.emulator.roles_anywhere.signature import BadSignature, Signer, verify_request

VECTOR = Path(__file__).parents[2] / "vectors/create_session_rsa"
BODY = b'{"durationSeconds":3600,"roleSessionName":"vector"}'


def vector(body: bytes = BODY) -> Request:
    """Receive the request that was signed with openssl."""
    text = (VECTOR / "canonical_request.txt").read_text()
    method, path, query, *lines, _, _, _ = text.split("\n")
    headers = [(name, value) for name, _, value in (line.partition(":") for line in lines)]
    headers.append(("Authorization", (VECTOR / "authorization.txt").read_text()))
    return Request(method, path, query, tuple(headers), body)


def verified(request: Request, *, strict: bool = True, now: datetime | None = None) -> Signer:
    moment = now or datetime(2027, 3, 1, 12, tzinfo=UTC)
    return verify_request(request, region="ap-northeast-2", now=moment, strict=strict)


def test_the_hand_made_vector_is_true() -> None:
    signer = verified(vector())
    assert signer.leaf.serial_number == 0x7B32699B6E814E766B55FD949FCAAFFB5A586F33
    assert len(signer.chain) == 1


def test_the_vector_with_another_body_is_not() -> None:
    with pytest.raises(BadSignature, match="does not match the signature you provided"):
        verified(vector(BODY + b" "))


@pytest.fixture
def received(shared_site: Any, draft_for: Callable[..., Any]) -> Callable[..., Request]:
    """Give a function that signs a changed draft and receives it."""

    def make(**changes: Any) -> Request:
        parts = draft_for(shared_site, **changes).finished()
        path, _, query = parts["target"].partition("?")
        headers = tuple(parts["headers"].items())
        return Request(parts["method"], path, query, headers, parts["body"])

    return make


TOLERATED = [
    ({"unsigned": {"host"}}, "Header host must be signed"),
    ({"unsigned": {"x-amz-date"}}, "Header x-amz-date must be signed"),
    ({"unsigned": {"x-amz-x509"}}, "Header x-amz-x509 must be signed"),
    (
        {"algorithm": "AWS4-X509-RSA-SHA256"},
        "Signing algorithm does not match the certificate's key",
    ),
]


@pytest.mark.parametrize(("changes", "text"), TOLERATED)
def test_what_aws_only_flags_is_refused_unless_lenient(
    received: Callable[..., Request], changes: dict[str, Any], text: str
) -> None:
    request = received(**changes)
    now = datetime.now(UTC)
    assert verified(request, strict=False, now=now).chain == ()
    with pytest.raises(BadSignature, match=text):
        verified(request, now=now)


def test_an_unsigned_chain_is_refused_unless_lenient(
    received: Callable[..., Request], trusted_intermediate: Any
) -> None:
    chain = [trusted_intermediate.certificate]
    request = received(chain=chain, unsigned={"x-amz-x509-chain"})
    now = datetime.now(UTC)
    assert len(verified(request, strict=False, now=now).chain) == 1
    with pytest.raises(BadSignature, match="Header x-amz-x509-chain must be signed"):
        verified(request, now=now)
    assert len(verified(received(chain=chain), now=now).chain) == 1


def test_a_key_that_cannot_be_verified_is_refused_even_when_lenient(
    received: Callable[..., Request], workload_identity: Any
) -> None:
    leaf, key = workload_identity
    other = (
        x509.CertificateBuilder()
        .subject_name(leaf.subject)
        .issuer_name(leaf.subject)
        .public_key(ed25519.Ed25519PrivateKey.generate().public_key())
        .serial_number(1)
        .not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(leaf.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    request = received(leaf=other)
    with pytest.raises(BadSignature, match="neither RSA nor elliptic curve nor ML-DSA"):
        verified(request, strict=False, now=datetime.now(UTC))


@pytest.mark.parametrize("strict", [True, False])
def test_leniency_never_covers_a_wrong_signature(
    received: Callable[..., Request], *, strict: bool
) -> None:
    request = received(tamper=lambda parts: parts.update(body=b"{}"))
    with pytest.raises(BadSignature, match="does not match the signature you provided"):
        verified(request, strict=strict, now=datetime.now(UTC))
