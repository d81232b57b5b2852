"""Files that make no identity: each refused with a sentence and a hint, and never quoted."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from sidecar.ca import PrivateKey, certificate_pem, private_key_pem
from sidecar.errors import IdentityError
from sidecar.identity.load import load_identity
from sidecar.identity.places import IdentityPlaces
from tests.identity.hand_made import pem_block

Leaf = tuple[x509.Certificate, PrivateKey]

PLAIN = serialization.NoEncryption()
FORMS = "expected PEM (-----BEGIN …), one certificate in DER, or PKCS#12"
KEY_FORMS = "expected an RSA, EC or ML-DSA key: PKCS#8 (openssl pkcs8 -topk8), PKCS#1 or SEC1"
WHOLE = "write the whole file anew"
CUT_OFF = "is cut off: it has a BEGIN line without its END line, or the reverse"
NO_KEY = "it must hold one, in PEM or PKCS#12"


def _refusal(
    certificate: Path | str, key: Path | str | None, chain: Path | None = None
) -> IdentityError:
    private_key = None if key is None else str(key)
    places = IdentityPlaces(certificate=str(certificate), private_key=private_key, chain=chain)
    with pytest.raises(IdentityError) as caught:
        load_identity(places)
    return caught.value


def test_a_key_of_another_certificate_is_refused(certificate_file: Path, key_file: Path) -> None:
    key_file.write_bytes(private_key_pem(ec.generate_private_key(ec.SECP256R1())))
    error = _refusal(certificate_file, key_file)
    assert (error.message, error.hint) == (
        f"private key {key_file} does not belong to certificate {certificate_file}",
        "give the key that the certificate was requested with, or renew both",
    )


@pytest.mark.parametrize("missing", ["private key", "certificate", "chain"])
def test_missing_files_are_named(
    missing: str, certificate_file: Path, key_file: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    error = _refusal(
        nowhere if missing == "certificate" else certificate_file,
        nowhere if missing == "private key" else key_file,
        nowhere if missing == "chain" else None,
    )
    assert error.message == f"{missing} {nowhere} cannot be read: No such file or directory"
    assert error.hint == f"check the path, and that uid {os.geteuid()} may read it"


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    key, certificate, chain = (tmp_path / name for name in ("key", "certificate", "chain"))
    assert _refusal(certificate, key, chain).message == (
        f"private key {key} cannot be read: No such file or directory; "
        f"certificate {certificate} cannot be read: No such file or directory; "
        f"chain {chain} cannot be read: No such file or directory"
    )


def test_what_is_wrong_with_a_shared_file_is_told_once(tmp_path: Path) -> None:
    both = tmp_path / "both"
    message = f"private key {both} cannot be read: No such file or directory"
    assert _refusal(both, None, both).message == message


def test_a_directory_in_place_of_a_file_is_refused(certificate_file: Path, tmp_path: Path) -> None:
    error = _refusal(certificate_file, tmp_path)
    assert error.message == f"private key {tmp_path} cannot be read: not a regular file"


def test_a_path_that_cannot_be_is_refused(certificate_file: Path) -> None:
    error = _refusal(certificate_file, "a\0b")
    assert error.message == "private key a\0b cannot be read: no path can be like this"


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


def test_a_huge_file_is_refused(certificate_file: Path, key_file: Path) -> None:
    os.truncate(key_file, 1_000_001)
    error = _refusal(certificate_file, key_file)
    assert error.message == f"private key {key_file} is too large"


def test_a_certificate_without_a_key_is_refused(certificate_file: Path) -> None:
    error = _refusal(certificate_file, None)
    assert error.message == (
        f"no private key is given, and certificate {certificate_file} holds none"
    )
    assert error.hint == "give the private key's place too, or a file that holds both"


def test_two_keys_in_one_file_are_refused(certificate_file: Path, key_file: Path) -> None:
    key_file.write_bytes(key_file.read_bytes() * 2)
    error = _refusal(certificate_file, key_file)
    assert error.message == f"private key {key_file} holds 2 private keys"
    assert error.hint == "keep the one that belongs to the certificate"


BAD_CERTIFICATES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "is empty"),
    "text": (lambda _: b"text", "is of an unknown form"),
    "broken DER": (lambda _: b"\x30\x82\x01\x0a", "is of an unknown form"),
    "cut off": (lambda pem: pem[:-20], CUT_OFF),
    "its second half": (lambda pem: pem[len(pem) // 2 :], "is of an unknown form"),
    "two halves": (lambda pem: pem + pem[:200], CUT_OFF),
    "crossed labels": (
        lambda pem: pem.replace(b"END CERTIFICATE", b"END PRIVATE KEY"),
        "is damaged: it has a BEGIN line without the END line of the same label",
    ),
    "no base64": (lambda pem: pem.replace(b"MII", b"???"), "holds a malformed certificate"),
    "no certificate": (lambda _: pem_block("CERTIFICATE", b"x"), "holds a malformed certificate"),
    "a request": (
        lambda pem: pem.replace(b"CERTIFICATE", b"CERTIFICATE REQUEST"),
        "holds no certificate",
    ),
}


@pytest.mark.parametrize("name", BAD_CERTIFICATES)
def test_a_certificate_that_is_none_is_refused(
    name: str, certificate_file: Path, key_file: Path
) -> None:
    broken, problem = BAD_CERTIFICATES[name]
    certificate_file.write_bytes(broken(certificate_file.read_bytes()))
    error = _refusal(certificate_file, key_file)
    assert error.message == f"certificate {certificate_file} {problem}"
    assert error.hint


def _public(key: PrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(Encoding.PEM, form)


BAD_KEYS: dict[str, tuple[Callable[[PrivateKey], bytes], str, str]] = {
    "text": (lambda _: b"text", "is of an unknown form", FORMS),
    "DER": (
        lambda key: key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, PLAIN),
        "is of an unknown form",
        FORMS,
    ),
    "cut off": (lambda key: private_key_pem(key)[:-60], CUT_OFF, WHOLE),
    "a public key": (_public, "holds no private key", NO_KEY),
    "damaged": (
        lambda key: private_key_pem(key).replace(b"MIG", b"MIH"),
        "cannot be read: it is damaged or of an unknown form",
        KEY_FORMS,
    ),
    "of a strange label": (
        lambda key: private_key_pem(key).replace(b"PRIVATE KEY", b"ANY PRIVATE KEY"),
        "is of an unsupported kind",
        KEY_FORMS,
    ),
    "OpenSSH's": (
        lambda key: key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, PLAIN),
        "is in OpenSSH's own form",
        "ssh-keygen -p -m PKCS8 -f FILE rewrites a copy of it",
    ),
    "Ed25519": (
        lambda _: ed25519.Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, PLAIN
        ),
        "is of an unsupported kind: Ed25519",
        "IAM Roles Anywhere signs with RSA, EC or ML-DSA keys",
    ),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_cannot_be_used_is_refused_without_quoting_it(
    name: str, certificate_file: Path, key_file: Path, workload: Leaf
) -> None:
    broken, problem, hint = BAD_KEYS[name]
    key_file.write_bytes(broken(workload[1]))
    error = _refusal(certificate_file, key_file)
    assert (error.message, error.hint) == (f"private key {key_file} {problem}", hint)


@pytest.mark.parametrize("version", [b"\x00", b"\x01", b"\x03"])
def test_a_certificate_of_an_impossible_version_is_refused(
    version: bytes, certificate_file: Path, key_file: Path, workload: Leaf
) -> None:
    third = b"\xa0\x03\x02\x01\x02"
    der = workload[0].public_bytes(Encoding.DER).replace(third, third[:-1] + version, 1)
    certificate_file.write_bytes(certificate_pem(workload[0]) + pem_block("CERTIFICATE", der))
    error = _refusal(certificate_file, key_file)
    assert error.message == f"certificate {certificate_file} holds a malformed certificate"


def test_a_tpm_holds_no_certificate() -> None:
    error = _refusal("tpm:0x81000001", "nowhere")
    assert "certificate tpm:0x81000001 is a TPM's handle" in error.message
