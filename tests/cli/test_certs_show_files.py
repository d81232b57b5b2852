"""`certs show`: the forms of files that it reads, and what it does about those that are locked."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from sidecar.ca import Subject, certificate_pem, create_root, issue_workload, private_key_pem
from sidecar.cli import main

TODAY = datetime.now(UTC)
LOCK = BestAvailableEncryption(b"hunter2")
TSS2 = b"-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n"


@pytest.fixture(scope="module")
def leaf() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    root = create_root(Subject("Root"), now=TODAY, validity=timedelta(days=100))
    certificate, key = issue_workload(
        root, Subject("billing"), now=TODAY, validity=timedelta(days=30)
    )
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return certificate, key


@pytest.fixture
def certificate_file(
    leaf: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], tmp_path: Path
) -> Path:
    path = tmp_path / "workload.pem"
    path.write_bytes(certificate_pem(leaf[0]))
    return path


@pytest.fixture
def locked_key(leaf: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]) -> bytes:
    return leaf[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, LOCK)


@pytest.fixture
def bundle(
    leaf: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
) -> Callable[[KeySerializationEncryption], bytes]:
    """Give a function that makes a PKCS#12 file of the pair."""
    return lambda lock: pkcs12.serialize_key_and_certificates(None, leaf[1], leaf[0], None, lock)


@pytest.fixture
def password(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text("hunter2\n")
    return f"--password-file={path}"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Give a function that writes the file in question, for its owner only."""

    def run(content: bytes) -> Path:
        path = tmp_path / "file"
        path.touch(0o600)
        path.write_bytes(content)
        return path

    return run


@pytest.fixture
def document(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Give a function that runs a command which finds nothing wrong, and what it found."""

    def run(*words: object) -> Any:
        assert main(["certs", "show", "--json", *map(str, words)]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_a_certificate_in_der_is_the_same_as_in_pem(
    leaf: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    certificate_file: Path,
    write: Callable[[bytes], Path],
    document: Callable[..., Any],
) -> None:
    path = write(leaf[0].public_bytes(Encoding.DER))
    (told,) = document(path)["certificates"]
    (in_pem,) = document(certificate_file)["certificates"]
    assert told == in_pem | {"file": str(path)}


@pytest.mark.parametrize("lock", [NoEncryption(), LOCK], ids=["open", "locked"])
def test_a_pkcs12_file_shows_its_pair(
    lock: KeySerializationEncryption,
    *,
    bundle: Callable[[KeySerializationEncryption], bytes],
    password: str,
    write: Callable[[bytes], Path],
    document: Callable[..., Any],
) -> None:
    path = write(bundle(lock))
    told = document(path, password)
    (certificate,) = told["certificates"]
    assert (certificate["subject"], certificate["private_key"]) == ("CN=billing", str(path))
    assert told["private_keys"] == [
        {"file": str(path), "key": "EC P-256", "certificate": certificate["sha256"]}
    ]


def test_an_encrypted_key_is_matched_with_its_password_only(
    locked_key: bytes,
    certificate_file: Path,
    password: str,
    write: Callable[[bytes], Path],
    document: Callable[..., Any],
) -> None:
    files = (certificate_file, write(locked_key))
    (told,) = document(*files)["private_keys"]
    assert (told["key"], told["certificate"]) == ("encrypted", None)
    (told,) = document(*files, password)["private_keys"]
    assert (told["key"], told["certificate"] is None) == ("EC P-256", False)


@pytest.mark.parametrize(
    ("key", "name", "advice"),
    [
        ("locked", "encrypted", "give --password-file to have it opened"),
        ("tss2", "in a TPM (TSS2)", "its TPM is not asked; sidecar sign-string --private-key FILE"),
    ],
)
def test_people_are_told_that_a_key_was_not_matched_and_what_would_match_it(
    key: str,
    name: str,
    advice: str,
    *,
    locked_key: bytes,
    certificate_file: Path,
    write: Callable[[bytes], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write(locked_key if key == "locked" else TSS2)
    assert main(["certs", "show", str(certificate_file), str(path)]) == 0
    title, kind, owner = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert title == f"{path}: private key"
    assert kind.split(maxsplit=1) == ["key", name]
    assert owner.split(maxsplit=1)[1].startswith(f"not matched: {advice}")


def test_a_locked_pkcs12_file_without_a_password_is_refused(
    bundle: Callable[[KeySerializationEncryption], bytes],
    write: Callable[[bytes], Path],
    refusal: Callable[..., str],
) -> None:
    path = write(bundle(LOCK))
    error = refusal("certs", "show", path)
    assert f"file {path} needs a password" in error
    assert error.endswith("hint: give --password-file\n")


def test_a_wrong_password_is_told_and_not_printed(
    locked_key: bytes, write: Callable[[bytes], Path], tmp_path: Path, refusal: Callable[..., str]
) -> None:
    (tmp_path / "wrong").write_text("swordfish")
    path = write(locked_key)
    error = refusal("certs", "show", path, f"--password-file={tmp_path / 'wrong'}")
    assert f"the password of file {path} is wrong" in error
    assert "swordfish" not in error


def test_every_key_of_a_file_is_found(
    leaf: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    write: Callable[[bytes], Path],
    document: Callable[..., Any],
) -> None:
    other = private_key_pem(ec.generate_private_key(ec.SECP384R1()))
    told = document(write(private_key_pem(leaf[1]) + other))
    assert [each["key"] for each in told["private_keys"]] == ["EC P-256", "EC P-384"]


def _block(label: str) -> bytes:
    return f"-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n".encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"text", "is of an unknown form"),
        (_block("CERTIFICATE REQUEST"), "holds neither a certificate nor a private key"),
        (_block("CERTIFICATE"), "holds a malformed certificate"),
        (_block("PRIVATE KEY"), "cannot be read: it is damaged or of an unknown form"),
        (_block("PRIVATE KEY")[:40], "is cut off"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    content: bytes, said: str, write: Callable[[bytes], Path], refusal: Callable[..., str]
) -> None:
    path = write(content)
    error = refusal("certs", "show", path)
    assert f"file {path} " in error
    assert said in error


def test_a_missing_file_is_named(tmp_path: Path, refusal: Callable[..., str]) -> None:
    said = refusal("certs", "show", tmp_path / "none.pem")
    assert f"file {tmp_path / 'none.pem'} cannot be read: No such file" in said
