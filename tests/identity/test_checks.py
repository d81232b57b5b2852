"""Findings on an identity: each one and its twin that passes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sidecar.identity.checks import Finding, Severity, check_identity, check_key_file
from sidecar.identity.identity import Identity

NOW = datetime.fromisoformat("2026-03-01T12:00:00Z")
DAY = timedelta(days=1)
KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Leaf:
    """What a test's certificate is made of; the defaults pass every check."""

    common_name: str = "billing"
    starts: datetime = NOW - DAY
    ends: datetime = NOW + 30 * DAY
    ca: bool | None = False
    digital_signature: bool | None = True

    def certificate(
        self, signer: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY
    ) -> x509.Certificate:
        name = self.common_name
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(KEY.public_key())
            .serial_number(1)
            .not_valid_before(self.starts)
            .not_valid_after(self.ends)
        )
        if self.ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(self.ca, None), critical=True)
        if self.digital_signature is not None:
            builder = builder.add_extension(_usage(self.digital_signature), critical=True)
        return builder.sign(signer, hashes.SHA256())


def _usage(digital_signature: bool) -> x509.KeyUsage:
    others = dict.fromkeys(
        (
            "content_commitment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(digital_signature=digital_signature, key_encipherment=True, **others)


def _findings(leaf: Leaf, *chain: Leaf) -> list[Finding]:
    issuers = tuple(each.certificate() for each in chain)
    return check_identity(Identity(leaf.certificate(), issuers, KEY), NOW)


def _codes(leaf: Leaf, *chain: Leaf) -> list[str]:
    return [each.code for each in _findings(leaf, *chain)]


@pytest.mark.parametrize(
    ("leaf", "codes"),
    [
        pytest.param(Leaf(), [], id="nothing wrong"),
        pytest.param(Leaf(ends=NOW), ["expires-soon"], id="its last second"),
        pytest.param(Leaf(ends=NOW - timedelta(seconds=1)), ["expired"], id="a second too old"),
        pytest.param(Leaf(starts=NOW), [], id="its first second"),
        pytest.param(Leaf(starts=NOW + timedelta(seconds=1)), ["not-yet-valid"], id="too young"),
        pytest.param(Leaf(ends=NOW + 7 * DAY), [], id="a week left"),
        pytest.param(
            Leaf(starts=NOW - 30 * DAY, ends=NOW + 7 * DAY - timedelta(seconds=1)),
            ["expires-soon"],
            id="less than a week left",
        ),
        pytest.param(
            Leaf(starts=NOW - DAY / 2, ends=NOW + DAY / 2), [], id="half of a short life left"
        ),
        pytest.param(
            Leaf(starts=NOW - DAY * 3 / 4, ends=NOW + DAY / 4),
            ["expires-soon"],
            id="less than a third of a short life left",
        ),
        pytest.param(Leaf(ca=None), [], id="no basic constraints"),
        pytest.param(Leaf(ca=True), ["ca"], id="a CA's own"),
        pytest.param(Leaf(digital_signature=False), ["key-usage"], id="another key usage"),
        pytest.param(Leaf(digital_signature=None), ["key-usage"], id="no key usage"),
        pytest.param(Leaf(common_name=""), ["empty-subject"], id="no subject"),
        pytest.param(
            Leaf(common_name="", ca=True, ends=NOW - DAY / 2),
            ["expired", "ca", "empty-subject"],
            id="everything at once",
        ),
    ],
)
def test_each_fault_of_a_leaf_is_found(leaf: Leaf, codes: list[str]) -> None:
    assert _codes(leaf) == codes


@pytest.mark.parametrize(
    ("chain", "codes"),
    [
        pytest.param([Leaf()] * 5, [], id="five"),
        pytest.param([Leaf()] * 6, ["chain-length"], id="six"),
        pytest.param([Leaf(ends=NOW)], [], id="an intermediate's last second"),
        pytest.param(
            [Leaf(ends=NOW - timedelta(seconds=1))], ["chain-validity"], id="an expired one"
        ),
        pytest.param(
            [Leaf(starts=NOW + timedelta(seconds=1))], ["chain-validity"], id="one too young"
        ),
    ],
)
def test_each_fault_of_a_chain_is_found(chain: list[Leaf], codes: list[str]) -> None:
    assert _codes(Leaf(), *chain) == codes


# The library signs no weak hashes any more: the last byte of the algorithm's name is changed.
SHA256_WITH_RSA, SHA1_WITH_RSA, MD5_WITH_RSA, SHA384_WITH_RSA = (
    bytes.fromhex("2a864886f70d0101") + last for last in (b"\x0b", b"\x05", b"\x04", b"\x0c")
)


@pytest.mark.parametrize(
    ("algorithm", "sentences"),
    [
        (SHA256_WITH_RSA, []),
        (SHA384_WITH_RSA, []),
        (SHA1_WITH_RSA, ["the certificate is signed with sha1"]),
        (MD5_WITH_RSA, ["the certificate is signed with md5"]),
    ],
    ids=["SHA-256", "SHA-384", "SHA-1", "MD5"],
)
def test_weak_hashes_are_found(
    algorithm: bytes, sentences: list[str], rsa_key: rsa.RSAPrivateKey
) -> None:
    der = Leaf().certificate(rsa_key).public_bytes(serialization.Encoding.DER)
    leaf = x509.load_der_x509_certificate(der.replace(SHA256_WITH_RSA, algorithm))
    findings = check_identity(Identity(leaf, (), KEY), NOW)
    assert [each.sentence for each in findings] == sentences


def test_what_ends_a_session_is_an_error_and_what_may_end_one_a_warning() -> None:
    expired, soon = Leaf(ends=NOW - DAY / 2), Leaf(ends=NOW + DAY / 10)
    assert [each.severity for each in _findings(expired)] == [Severity.ERROR]
    assert [each.severity for each in _findings(soon)] == [Severity.WARNING]


def test_every_finding_says_what_is_wrong_and_what_to_do() -> None:
    expired, clock = _findings(Leaf(ends=NOW - DAY / 2)), _findings(Leaf(starts=NOW + DAY))
    assert [(each.sentence, each.hint) for each in expired + clock] == [
        ("the certificate expired at 2026-03-01 00:00:00Z", "renew it"),
        (
            "the certificate is not valid before 2026-03-02 12:00:00Z",
            "wait, or correct this machine's clock (it says 2026-03-01 12:00:00Z)",
        ),
    ]


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_key_file_for_its_owner_only_is_fine(mode: int, tmp_path: Path) -> None:
    assert check_key_file(_file(tmp_path, mode)) == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602])
def test_a_key_file_that_others_may_use_is_warned_of(mode: int, tmp_path: Path) -> None:
    path = _file(tmp_path, mode)
    (finding,) = check_key_file(path)
    assert finding.severity is Severity.WARNING
    assert finding.sentence == f"private key {path} has mode {mode:04o}: other users may use it"
    assert finding.hint == f"chmod 600 {path}"


def _file(directory: Path, mode: int) -> Path:
    path = directory / "workload.key"
    path.touch()
    path.chmod(mode)
    return path
