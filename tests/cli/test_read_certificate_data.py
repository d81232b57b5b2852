"""`read-certificate-data`: the signing helper's JSON for files, its list for tokens."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, rsa
from cryptography.x509.oid import NameOID

from sidecar.ca import Authority, PrivateKey, certificate_pem
from sidecar.cli import main

Captured = pytest.CaptureFixture[str]


def _self_signed(key: Any, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x\ny")])
    algorithm = hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 0xABCDE, now, now + timedelta(days=1))
        .sign(key, algorithm)
    )  # fmt: skip


def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _write(path: Path, *certificates: x509.Certificate) -> str:
    path.write_bytes(certificate_pem(*certificates))
    return str(path)


def test_a_file_s_first_certificate_is_told_in_one_line(
    workload: tuple[x509.Certificate, PrivateKey],
    root: Authority,
    tmp_path: Path,
    capsys: Captured,
) -> None:
    leaf = workload[0]
    file = _write(tmp_path / "a.pem", leaf, root.certificate)
    assert main(["read-certificate-data", "--certificate", file]) == 0
    out, err = capsys.readouterr()
    der = leaf.public_bytes(serialization.Encoding.DER)
    told = {
        "keyType": "EC",
        "certificateData": base64.b64encode(der).decode(),
        "serialNumber": str(leaf.serial_number),
        "supportedAlgorithms": ["ECSHA256", "ECSHA384", "ECSHA512"],
    }
    assert (out, err) == (json.dumps(told, separators=(",", ":")), "")


@pytest.mark.parametrize(
    ("make", "kind", "algorithms"),
    [
        (_rsa_key, "RSA", ["RSASHA256", "RSASHA384", "RSASHA512"]),
        (mldsa.MLDSA44PrivateKey.generate, "ML-DSA-44", ["ML-DSA-44"]),
        (mldsa.MLDSA65PrivateKey.generate, "ML-DSA-65", ["ML-DSA-65"]),
        (mldsa.MLDSA87PrivateKey.generate, "ML-DSA-87", ["ML-DSA-87"]),
    ],
    ids=["RSA", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"],
)
def test_the_kind_of_key_is_told(
    make: Callable[[], object],
    kind: str,
    algorithms: Sequence[str],
    now: datetime,
    tmp_path: Path,
    capsys: Captured,
) -> None:
    file = _write(tmp_path / "a.pem", _self_signed(make(), now))
    assert main(["read-certificate-data", f"--certificate={file}"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["keyType"], told["supportedAlgorithms"]) == (kind, algorithms)
    assert told["serialNumber"] == str(0xABCDE)


def test_a_key_that_roles_anywhere_does_not_take_is_refused(
    refusal: Callable[..., str], now: datetime, tmp_path: Path
) -> None:
    file = _write(tmp_path / "a.pem", _self_signed(ed25519.Ed25519PrivateKey.generate(), now))
    assert "does not take: Ed25519" in refusal("read-certificate-data", f"--certificate={file}")


@pytest.mark.parametrize("words", [[], ["--certificate="]])
def test_without_a_certificate_there_is_a_complaint(
    refusal: Callable[..., str], words: list[str]
) -> None:
    assert refusal("read-certificate-data", *words) == (
        "sidecar: --certificate is not given\nhint: give a file or a pkcs11: URI\n"
    )


def test_a_file_without_a_certificate_is_refused(
    refusal: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "a.pem").write_bytes(b"nothing")
    refusal("read-certificate-data", "--certificate", tmp_path / "a.pem")


@pytest.fixture
def on_a_token(monkeypatch: pytest.MonkeyPatch) -> list[x509.Certificate]:
    """Give the certificates of a token that is played; the real one is in tests/identity."""
    found: list[x509.Certificate] = []
    asked: list[tuple[str, object]] = []

    def read(uri: str, *, module: Path | None, pin: object) -> list[x509.Certificate]:
        asked.append((uri, module))
        return found

    monkeypatch.setattr("sidecar.identity.pkcs11.read_certificates", read)
    return found


def test_a_token_s_certificates_are_listed(
    on_a_token: list[x509.Certificate],
    workload: tuple[x509.Certificate, PrivateKey],
    rsa_key: rsa.RSAPrivateKey,
    now: datetime,
    capsys: Captured,
) -> None:
    leaf, odd = workload[0], _self_signed(rsa_key, now)
    on_a_token += [leaf, odd]
    assert main(["read-certificate-data", "--certificate=pkcs11:token=t"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Matching identities",
        f"1) Hex Fingerprint: {leaf.fingerprint(hashes.SHA1()).hex()}",
        f"\tSubject: {leaf.subject.rfc4514_string()}",
        "\tIssuer: CN=Test intermediate",
        f"\tSerial Number: {leaf.serial_number:X}",
        f"2) Hex Fingerprint: {odd.fingerprint(hashes.SHA1()).hex()}",
        "\tSubject: CN=x\\ny",
        "\tIssuer: CN=x\\ny",
        "\tSerial Number: ABCDE",
    ]
