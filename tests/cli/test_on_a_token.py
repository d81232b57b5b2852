"""The commands with a real SoftHSM2 token that holds key and certificate, as separate processes."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.identity.softhsm import PIN, TOKEN, SoftHsm, soft_hsm

Start = Callable[..., "subprocess.Popen[str]"]
Words = Callable[..., list[str]]


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        yield hsm


@pytest.fixture
def certificate(hsm: SoftHsm, at_emulator: dict[str, str]) -> x509.Certificate:
    """Put the emulator's workload on the token, and give its certificate."""
    found = x509.load_pem_x509_certificate(Path(at_emulator["--certificate"]).read_bytes())
    key = serialization.load_pem_private_key(
        Path(at_emulator["--private-key"]).read_bytes(), password=None
    )
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    hsm.write("privkey", "01", "workload", der)
    hsm.write("cert", "01", "workload", found.public_bytes(serialization.Encoding.DER))
    return found


def test_a_session_needs_only_the_token_s_uri_and_a_pin(
    words: Words, certificate: x509.Certificate, hsm: SoftHsm, start: Start
) -> None:
    line = words(
        "credential-process", f"--pkcs11-lib={hsm.module}", "--password-env=TOKEN_PIN",
        certificate="", private_key=f"{TOKEN};object=workload",
    )  # fmt: skip
    process = start(line, TOKEN_PIN=PIN)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["Version"] == 1
    refused = start(line, TOKEN_PIN="0000")
    assert refused.wait(60) == 1


def test_sign_string_signs_on_the_token(
    at_emulator: dict[str, str], certificate: x509.Certificate, hsm: SoftHsm, start: Start
) -> None:
    line = ["sign-string", f"--pkcs11-lib={hsm.module}", "--format=text"]
    process = start([*line, f"--private-key={TOKEN};object=workload?pin-value={PIN}"])
    signature, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    # The same length as the other one's, by the same key.
    in_file = start(["sign-string", "--private-key", at_emulator["--private-key"]])
    assert abs(len(signature) + 2 - len(in_file.communicate(timeout=60)[0])) <= 8
    sha512 = start([*line, f"--private-key={TOKEN}?pin-value={PIN}", "--digest=SHA512"])
    assert "SHA512 is for RSA and EC keys in files only" in sha512.communicate(timeout=60)[1]


def test_read_certificate_data_lists_the_token_s_certificates_without_a_pin(
    certificate: x509.Certificate, hsm: SoftHsm, start: Start
) -> None:
    line = ["read-certificate-data", f"--certificate={TOKEN}", f"--pkcs11-lib={hsm.module}"]
    process = start(line)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines() == [
        "Matching identities",
        f"1) Hex Fingerprint: {certificate.fingerprint(hashes.SHA1()).hex()}",
        f"\tSubject: {certificate.subject.rfc4514_string()}",
        f"\tIssuer: {certificate.issuer.rfc4514_string()}",
        f"\tSerial Number: {certificate.serial_number:X}",
    ]
