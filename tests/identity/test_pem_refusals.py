"""PEM files that make no identity: each refused with a sentence and a hint."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sidecar.ca import PrivateKey, private_key_pem
from sidecar.errors import IdentityError
from sidecar.identity.pem import load_identity
from sidecar.redaction import Secret

Leaf = tuple[x509.Certificate, PrivateKey]


def _refusal(certificate: Path, key: Path, password: str | None = None) -> IdentityError:
    secret = None if password is None else Secret(password)
    with pytest.raises(IdentityError) as caught:
        load_identity(certificate, key, password=secret)
    return caught.value


def test_a_key_of_another_certificate_is_refused(certificate_file: Path, key_file: Path) -> None:
    key_file.write_bytes(private_key_pem(ec.generate_private_key(ec.SECP256R1())))
    error = _refusal(certificate_file, key_file)
    assert (error.message, error.hint) == (
        f"private key {key_file} does not belong to certificate {certificate_file}",
        "give the key that the certificate was requested with, or renew both",
    )


def test_missing_files_are_named(certificate_file: Path, key_file: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for error, what in (
        (_refusal(missing, key_file), "certificate"),
        (_refusal(certificate_file, missing), "private key"),
    ):
        assert error.message == f"{what} {missing} cannot be read: No such file or directory"
        assert error.hint == f"check the path, and that uid {os.geteuid()} may read it"


def test_a_directory_in_place_of_a_file_is_refused(certificate_file: Path, tmp_path: Path) -> None:
    error = _refusal(certificate_file, tmp_path)
    assert error.message == f"private key {tmp_path} cannot be read: not a regular file"


def test_an_unreadable_file_is_refused(
    certificate_file: Path,
    key_file: Path,
    ordinary_user: Callable[[], AbstractContextManager[None]],
) -> None:
    key_file.chmod(0)
    with ordinary_user():
        error = _refusal(certificate_file, key_file)
        hint = f"check the path, and that uid {os.geteuid()} may read it"
    assert error.message.startswith(f"private key {key_file} cannot be read: Permission denied")
    assert error.hint == hint


def test_when_both_files_are_wrong_both_are_told(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    assert _refusal(certificate, key).message == (
        f"private key {key} cannot be read: No such file or directory; "
        f"certificate {certificate} cannot be read: No such file or directory"
    )


def test_a_huge_file_is_refused(certificate_file: Path, key_file: Path) -> None:
    os.truncate(key_file, 1_000_001)
    error = _refusal(certificate_file, key_file)
    assert error.message == f"private key {key_file} is too large"


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x30\x82\x01\x0a"], ids=["empty", "text", "DER"]
)
def test_a_certificate_that_is_not_pem_is_refused(
    content: bytes, certificate_file: Path, key_file: Path
) -> None:
    certificate_file.write_bytes(content)
    error = _refusal(certificate_file, key_file)
    assert error.message.startswith(f"certificate {certificate_file} is not PEM: ")
    assert error.hint == "the file must hold -----BEGIN CERTIFICATE----- blocks"


BAD_KEYS: dict[str, Callable[[PrivateKey], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"text",
    "DER": lambda key: key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ),
    "cut short": lambda key: private_key_pem(key)[:-60],
    "a public key": lambda key: key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ),
}


@pytest.mark.parametrize("broken", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_is_no_key_is_refused_without_quoting_it(
    broken: Callable[[PrivateKey], bytes], certificate_file: Path, key_file: Path, workload: Leaf
) -> None:
    key_file.write_bytes(broken(workload[1]))
    error = _refusal(certificate_file, key_file)
    assert error.message == f"private key {key_file} cannot be read (ValueError)"
    assert error.hint == "expected PEM with PKCS#8, PKCS#1 or SEC1, or the password is wrong"


@pytest.mark.parametrize(
    ("locked", "password", "reason"),
    [
        (True, None, ": password was not given but private key is encrypted"),
        (True, "wrong", " cannot be read (ValueError)"),
        (False, "useless", ": password was given but private key is not encrypted"),
    ],
    ids=["none given", "a wrong one", "one too many"],
)
def test_a_password_must_fit_the_key(
    locked: bool,
    password: str | None,
    reason: str,
    certificate_file: Path,
    key_file: Path,
    workload: Leaf,
) -> None:
    locking = serialization.BestAvailableEncryption(b"open sesame")
    encryption = locking if locked else serialization.NoEncryption()
    key_file.write_bytes(
        workload[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
    )
    error = _refusal(certificate_file, key_file, password)
    assert error.message == f"private key {key_file}{reason}"
    assert "password" in error.hint


def test_a_key_that_aws_cannot_verify_is_refused(certificate_file: Path, key_file: Path) -> None:
    key_file.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    error = _refusal(certificate_file, key_file)
    assert error.message == f"private key {key_file} is of an unsupported kind: Ed25519PrivateKey"
    assert error.hint == "IAM Roles Anywhere signs with RSA or EC keys"
