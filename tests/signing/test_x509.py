"""AWS4-X509 signatures: judged by openssl, for every kind of key."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sidecar.ca import Authority, PrivateKey
from sidecar.identity.identity import Identity
from sidecar.identity.signing_key import SoftwareKey
from sidecar.signing.canonical import Request
from sidecar.signing.x509 import CertifiedKey, sign_request

UNSIGNED = Request("POST", "/sessions", (("Host", "h"), ("Content-Type", "a/b")), b"{}")

KEYS: dict[str, Callable[[], PrivateKey]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
}


@pytest.fixture(params=["RSA-2048", *KEYS])
def key(request: pytest.FixtureRequest, rsa_key: rsa.RSAPrivateKey) -> PrivateKey:
    return rsa_key if request.param == "RSA-2048" else KEYS[request.param]()


@pytest.fixture
def certified(key: PrivateKey, workload: tuple[x509.Certificate, PrivateKey]) -> CertifiedKey:
    """Pair each kind of key with a certificate; the signer does not look at whose it is."""
    return Identity(workload[0], (), SoftwareKey(key)).certified_key()


@pytest.fixture
def deterministic(
    rsa_key: rsa.RSAPrivateKey, workload: tuple[x509.Certificate, PrivateKey]
) -> CertifiedKey:
    """Give a key whose signatures of the same bytes are the same."""
    return Identity(workload[0], (), SoftwareKey(rsa_key)).certified_key()


def _signed(key: CertifiedKey, now: datetime) -> dict[str, str]:
    request = sign_request(UNSIGNED, key, region="eu-west-1", service="rolesanywhere", now=now)
    return dict(request.headers)


def _signature(headers: dict[str, str]) -> bytes:
    return bytes.fromhex(headers["Authorization"].rpartition("Signature=")[2])


@pytest.fixture
def verify(
    key: PrivateKey, tmp_path: Path, openssl: Callable[..., CompletedProcess[str]]
) -> Callable[[bytes, bytes], bool]:
    """Give openssl's word on whether a signature over a message is the key's."""
    public, message, signature = (
        tmp_path / name for name in ("public.pem", "message", "signature")
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )

    def judge(signed: bytes, by: bytes) -> bool:
        message.write_bytes(signed)
        signature.write_bytes(by)
        arguments = ("dgst", "-sha256", "-verify", public, "-signature", signature, message)
        return openssl(*arguments).returncode == 0

    return judge


def test_openssl_verifies_every_signature(
    certified: CertifiedKey, verify: Callable[[bytes, bytes], bool], now: datetime
) -> None:
    messages: list[bytes] = []

    def spied(message: bytes) -> bytes:
        messages.append(message)
        return certified.sign(message)

    signature = _signature(_signed(replace(certified, sign=spied), now))

    assert messages[0].startswith(f"{certified.algorithm}\n20260301T120000Z\n20260301/".encode())
    assert verify(messages[0], signature)
    assert not verify(messages[0] + b" ", signature)


def test_the_algorithm_names_the_key_and_always_sha_256(
    key: PrivateKey, certified: CertifiedKey
) -> None:
    kind = "RSA" if isinstance(key, rsa.RSAPrivateKey) else "ECDSA"
    assert certified.algorithm == f"AWS4-X509-{kind}-SHA256"


def test_the_serial_number_goes_in_as_a_decimal(deterministic: CertifiedKey, now: datetime) -> None:
    authorization = _signed(replace(deterministic, serial_number=0xABCDEF), now)["Authorization"]
    assert "Credential=11259375/20260301/eu-west-1/rolesanywhere/aws4_request, " in authorization


def test_the_certificate_goes_in_as_base64_of_its_der(
    deterministic: CertifiedKey, workload: tuple[x509.Certificate, PrivateKey], now: datetime
) -> None:
    der = base64.b64decode(_signed(deterministic, now)["X-Amz-X509"], validate=True)
    assert x509.load_der_x509_certificate(der) == workload[0]


def test_intermediates_go_into_the_chain_header_with_commas(
    deterministic: CertifiedKey, intermediate: Authority, root: Authority, now: datetime
) -> None:
    chain = (intermediate.certificate, root.certificate)
    encoded = tuple(
        base64.b64encode(each.public_bytes(serialization.Encoding.DER)).decode() for each in chain
    )
    assert _signed(replace(deterministic, chain=encoded), now)["X-Amz-X509-Chain"] == ",".join(
        encoded
    )


def test_without_intermediates_there_is_no_chain_header(
    deterministic: CertifiedKey, now: datetime
) -> None:
    assert "X-Amz-X509-Chain" not in _signed(deterministic, now)


@pytest.mark.parametrize("chain", [(), ("AAAA",)], ids=["no chain", "chain"])
def test_every_header_is_signed(
    deterministic: CertifiedKey, chain: tuple[str, ...], now: datetime
) -> None:
    headers = _signed(replace(deterministic, chain=chain), now)
    listed = re.search(r"SignedHeaders=([^,]+),", headers.pop("Authorization"))
    assert listed is not None
    assert listed[1].split(";") == sorted(name.lower() for name in headers)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(UNSIGNED, target="/session"), id="path"),
        pytest.param(replace(UNSIGNED, body=b"{ }"), id="body"),
        pytest.param(replace(UNSIGNED, method="PUT"), id="method"),
        pytest.param(replace(UNSIGNED, headers=(("Host", "i"),)), id="headers"),
    ],
)
def test_whatever_is_sent_changes_the_signature(
    changed: Request, deterministic: CertifiedKey, now: datetime
) -> None:
    def signature(request: Request, at: datetime = now) -> bytes:
        signed = sign_request(request, deterministic, region="r", service="s", now=at)
        return _signature(dict(signed.headers))

    assert signature(UNSIGNED) == signature(UNSIGNED)
    assert signature(changed) != signature(UNSIGNED)
    assert signature(UNSIGNED, now + timedelta(seconds=1)) != signature(UNSIGNED)


def test_the_key_function_never_shows_in_a_repr(deterministic: CertifiedKey) -> None:
    assert "sign" not in repr(deterministic)
