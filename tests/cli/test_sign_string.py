"""`sign-string`: the signing helper's text and forms; openssl says whether a signature is good."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa

from sidecar.ca import Subject, certificate_pem, create_root, issue_workload, private_key_pem
from sidecar.cli import main
from sidecar.cli.sign_string import _signature, text_to_sign
from sidecar.errors import OperatorError
from sidecar.identity.signing_key import PublicKey, SoftwareKey

OpenSsl = Callable[..., CompletedProcess[str]]
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

BEGINS = b"AWS Roles Anywhere Credential Helper Signing Test1"


def _write(path: Path, key: Key | mldsa.MLDSA65PrivateKey) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture(params=["rsa", "p256", "p384", "p521"])
def key(request: pytest.FixtureRequest, rsa_key: rsa.RSAPrivateKey) -> Key:
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    if request.param == "rsa":
        return rsa_key
    return ec.generate_private_key(curves[request.param])


def _text(key: Key, openssl: OpenSsl, directory: Path) -> bytes:
    """Make the text by openssl alone: the public key's bytes are cut out of its DER."""
    der = directory / "public.der"
    private = _write(directory / "for-openssl.key", key)
    if isinstance(key, rsa.RSAPrivateKey):
        openssl("rsa", "-in", private, "-RSAPublicKey_out", "-outform", "DER", "-out", der)
        encoded = der.read_bytes()
    else:
        openssl("pkey", "-in", private, "-pubout", "-outform", "DER", "-out", der)
        encoded = der.read_bytes()[-(1 + 2 * ((key.key_size + 7) // 8)) :]
        assert encoded[0] == 4
    return BEGINS + hashlib.sha256(b"IAM RA" + encoded).digest()


@pytest.mark.parametrize("digest", ["SHA256", "SHA384", "SHA512"])
def test_openssl_verifies_the_signature(
    key: Key, digest: str, tmp_path: Path, openssl: OpenSsl
) -> None:
    private, public = _write(tmp_path / "a.key", key), tmp_path / "a.pub"
    signature, text = tmp_path / "signature", tmp_path / "text"
    line = ["sign-string", f"--private-key={private}", f"--digest={digest}", "--format=bin"]
    ended = subprocess.run(
        [sys.executable, "-m", "sidecar", *line], capture_output=True, check=True, timeout=60
    )
    assert ended.stderr == b""
    signature.write_bytes(ended.stdout)
    text.write_bytes(_text(key, openssl, tmp_path))
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    check = ["dgst", f"-{digest.lower()}", "-verify", public, "-signature", signature]
    assert openssl(*check, text).stdout == "Verified OK\n"
    text.write_bytes(text.read_bytes() + b".")
    assert openssl(*check, text).returncode != 0


def test_the_forms_are_those_of_the_signing_helper(
    rsa_key: rsa.RSAPrivateKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private = _write(tmp_path / "a.key", rsa_key)
    expected = SoftwareKey(rsa_key).sign(text_to_sign(rsa_key.public_key())).hex()
    for form, printed in (
        ([], json.dumps(expected)),
        (["--format", "json"], f'"{expected}"'),
        (["--format=text"], expected),
    ):
        assert main(["sign-string", "--private-key", str(private), *form]) == 0
        assert capsys.readouterr() == (printed, "")


def test_an_ml_dsa_key_signs_the_text_without_its_own_digest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = mldsa.MLDSA65PrivateKey.generate()
    private = _write(tmp_path / "a.key", key)
    assert main(["sign-string", f"--private-key={private}", "--format=text"]) == 0
    key.public_key().verify(bytes.fromhex(capsys.readouterr().out), BEGINS)


def test_a_certificate_that_is_named_must_belong_to_the_key(
    rsa_key: rsa.RSAPrivateKey,
    tmp_path: Path,
    refusal: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    now, month = datetime.now(UTC), timedelta(days=30)
    leaf, key = issue_workload(
        create_root(Subject("Test root"), now=now, validity=month),
        Subject("web"),
        now=now,
        validity=month,
    )
    own, foreign = tmp_path / "own.key", _write(tmp_path / "foreign.key", rsa_key)
    own.touch(mode=0o600)
    own.write_bytes(private_key_pem(key))
    certificate = tmp_path / "web.pem"
    line = ["sign-string", f"--certificate={certificate}", "--format=text"]
    assert "No such file" in refusal(*line, f"--private-key={own}")
    certificate.write_bytes(certificate_pem(leaf))
    assert "does not belong to certificate" in refusal(*line, f"--private-key={foreign}")
    assert main([*line, f"--private-key={own}", "--debug"]) == 0
    signature, log = capsys.readouterr()
    assert signature
    assert f"certificate: CN=web, serial {leaf.serial_number:x}" in log


class _Device:
    """A key that only its device can sign with."""

    def __init__(self, public_key: PublicKey) -> None:
        self.public_key = public_key

    def sign(self, message: bytes) -> bytes:
        return b"signed " + message


@pytest.mark.parametrize("digest", ["SHA384", "SHA512"])
def test_a_device_signs_with_sha_256_or_not_at_all(rsa_key: rsa.RSAPrivateKey, digest: str) -> None:
    device = _Device(rsa_key.public_key())
    assert _signature(device, b"text", "SHA256") == b"signed text"
    for key in (device, SoftwareKey(mldsa.MLDSA44PrivateKey.generate())):
        with pytest.raises(OperatorError, match=f"{digest} is for RSA and EC keys in files only"):
            _signature(key, b"text", digest)


@pytest.mark.parametrize("line", ["--format=hex", "--digest=SHA1", "--digest=sha256"])
def test_what_the_signing_helper_does_not_know_is_refused(
    refusal: Callable[..., str], line: str
) -> None:
    assert "invalid choice" in refusal("sign-string", "--private-key=x", line, code=2)
