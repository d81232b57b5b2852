"""Requests by tpm2-openssl 1.1, whose ECDSA has a NULL for parameters, which RFC 5758 forbids."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidecar.ca.request import read_request
from sidecar.ca.tpm2_request import without_parameters
from tests.identity.swtpm import Eventually, SwTpm, sw_tpm

MakeCsr = Callable[..., bytes]

# ecdsa-with-SHA256, and the same with a NULL.
BARE = bytes.fromhex("300a06082a8648ce3d040302")
WITH_NULL = bytes.fromhex("300c06082a8648ce3d0403020500")


def _pem(der: bytes) -> bytes:
    """Write a request as PEM that cryptography might not parse; openssl wraps it likewise."""
    return ssl.DER_cert_to_PEM_cert(der).replace("CERTIFICATE", "CERTIFICATE REQUEST").encode()


def _with_null(pem: bytes) -> bytes:
    """Put the NULL in and make the outer length, of one byte beside its own, two longer."""
    der = x509.load_pem_x509_csr(pem).public_bytes(Encoding.DER)
    assert (der[:2], der.count(BARE)) == (b"\x30\x81", 1)
    return _pem(der[:2] + bytes([der[2] + 2]) + der[3:].replace(BARE, WITH_NULL))


def test_a_request_with_the_null_is_read_as_the_one_without(make_csr: MakeCsr) -> None:
    plain = make_csr()
    assert _with_null(plain) != plain
    assert read_request(_with_null(plain)) == read_request(plain)


def test_its_signature_is_checked_all_the_same(make_csr: MakeCsr) -> None:
    pem = _with_null(make_csr("/CN=one"))
    der = x509.load_der_x509_csr(without_parameters(pem) or b"").public_bytes(Encoding.DER)
    forged = _with_null(_pem(der.replace(b"one", b"two")))
    with pytest.raises(ValueError, match="its signature was not made by its own key"):
        read_request(forged)


@pytest.mark.parametrize(
    "change",
    [
        lambda pem: pem,
        lambda _: b"",
        lambda pem: pem.replace(b"-----END", b"-----"),
        lambda pem: pem.replace(b"-----\n", b"-----\n*", 1),
        lambda pem: pem.replace(b"-----\nMI", b"-----\nMA", 1),
    ],
    ids=["no NULL", "nothing", "cut off", "no base64", "no DER"],
)
def test_nothing_else_is_changed(change: Callable[[bytes], bytes], make_csr: MakeCsr) -> None:
    assert without_parameters(change(make_csr())) is None


@pytest.fixture
def tpm(tmp_path: Path, eventually: Eventually) -> Iterator[SwTpm]:
    with sw_tpm(tmp_path, eventually) as tpm:
        yield tpm


@pytest.mark.parametrize("key", ["group:P-256", "group:P-384", "bits:2048"])
def test_a_real_request_of_a_tpm_s_key_is_granted(
    key: str, tpm: SwTpm, openssl: Callable[..., CompletedProcess[str]]
) -> None:
    tpm.openssl_key(key)
    providers = ("-provider", "tpm2", "-provider", "default")
    made = ("-key", "key.pem", "-subj", "/CN=billing", "-out", "key.csr")
    tpm.run("openssl", "req", "-new", *providers, *made)
    file = tpm.directory / "key.csr"
    request = read_request(file.read_bytes())
    told = openssl("req", "-in", file, "-noout", "-pubkey").stdout
    assert (
        request.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        == told
    )
