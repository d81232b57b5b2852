"""`certs show`: what it says of certificates and keys, and how it ends."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from sidecar.ca import (
    Authority,
    KeyKind,
    PrivateKey,
    Subject,
    Workload,
    certificate_pem,
    certify_workload,
    create_intermediate,
    create_root,
    generate_key,
    issue_workload,
    private_key_pem,
)
from sidecar.ca.subject import alternative_names
from sidecar.cli import main
from sidecar.cli.certificate_facts import session_name, source_identity
from sidecar.clock import iso_seconds

DAY = timedelta(days=1)
TODAY = datetime.now(UTC)


@pytest.fixture
def chain() -> tuple[Authority, Authority]:
    root = create_root(Subject("Root"), now=TODAY, validity=100 * DAY)
    return root, create_intermediate(root, Subject("Middle"), now=TODAY, validity=90 * DAY)


@pytest.fixture
def leaf(chain: tuple[Authority, Authority]) -> tuple[x509.Certificate, PrivateKey]:
    key = generate_key(KeyKind.EC_P256)
    names = alternative_names(["a.example.com"], ["spiffe://example.com/a"])
    workload = Workload(Subject("billing", "Example").name(), key.public_key(), names)
    return certify_workload(chain[1], workload, now=TODAY, validity=30 * DAY), key


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes certificates, keys and bytes into one file."""

    def run(name: str, *parts: x509.Certificate | PrivateKey | bytes, mode: int = 0o600) -> Path:
        path = tmp_path / name
        path.write_bytes(b"".join(map(_pem, parts)))
        path.chmod(mode)
        return path

    return run


def _pem(part: x509.Certificate | PrivateKey | bytes) -> bytes:
    if isinstance(part, bytes):
        return part
    return certificate_pem(part) if isinstance(part, x509.Certificate) else private_key_pem(part)


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Give a function that runs the command, and returns how it ended and what it printed."""

    def run(*words: object) -> tuple[int, str]:
        code = main(["certs", "show", *map(str, words)])
        printed = capsys.readouterr()
        assert printed.err == ""
        return code, printed.out

    return run


@pytest.fixture
def document(show: Callable[..., tuple[int, str]]) -> Callable[..., tuple[int, Any]]:
    def run(*paths: Path) -> tuple[int, Any]:
        code, printed = show("--json", *paths)
        return code, json.loads(printed)

    return run


def test_everything_about_a_workload_is_told(
    chain: tuple[Authority, Authority],
    leaf: tuple[x509.Certificate, PrivateKey],
    write: Callable[..., Path],
    show: Callable[..., tuple[int, str]],
) -> None:
    pem = write("workload.pem", leaf[0], chain[1].certificate, chain[0].certificate)
    key = write("workload.key", leaf[1])
    number = leaf[0].serial_number
    starts, ends = leaf[0].not_valid_before_utc, leaf[0].not_valid_after_utc
    code, printed = show(pem, key)
    assert code == 0
    title, *rows = printed.split("\n\n")[0].splitlines()
    assert title == f"{pem}: certificate 1"
    assert [row.split("  ")[-1].strip() for row in rows] == [
        "CN=billing,O=Example",
        "CN=Middle",
        str(number),
        f"{number:x}",
        f"{number:x}",
        "CN=billing",
        "a.example.com",
        "spiffe://example.com/a",
        f"{iso_seconds(starts)} to {iso_seconds(ends)} (29 days left)",
        "EC P-256",
        "ecdsa-with-SHA256",
        "no",
        leaf[0].fingerprint(hashes.SHA256()).hex(),
        str(key),
        "CN=Middle",
        "CN=Root (self-signed: not sent)",
    ]
    assert f"{key}: private key" in printed


def test_openssl_and_this_command_agree(
    leaf: tuple[x509.Certificate, PrivateKey],
    write: Callable[..., Path],
    document: Callable[..., tuple[int, Any]],
    openssl: Callable[..., CompletedProcess[str]],
) -> None:
    pem = write("workload.pem", leaf[0])
    (told,) = document(pem)[1]["certificates"]
    text = openssl(
        "x509", "-in", pem, "-noout", "-serial", "-fingerprint", "-sha256", "-dates",
        "-dateopt", "iso_8601",
    ).stdout  # fmt: skip
    facts = dict(line.split("=", 1) for line in text.splitlines())
    assert int(facts["serial"], 16) == int(told["serial_number_hex"], 16)
    assert int(facts["serial"], 16) == int(told["serial_number"])
    assert facts["sha256 Fingerprint"].replace(":", "").lower() == told["sha256"]
    assert facts["notAfter"].replace(" ", "T") == told["not_after"]


def test_the_document_holds_what_belongs_together(
    chain: tuple[Authority, Authority],
    leaf: tuple[x509.Certificate, PrivateKey],
    write: Callable[..., Path],
    document: Callable[..., tuple[int, Any]],
) -> None:
    above = write("above.pem", chain[0].certificate, chain[1].certificate)
    pem, key = write("workload.pem", leaf[0]), write("workload.key", leaf[1])
    code, told = document(above, key, pem)
    assert code == 0
    by_subject = {each["subject"]: each for each in told["certificates"]}
    workload = by_subject["CN=billing,O=Example"]
    issuers = [by_subject[name]["sha256"] for name in ("CN=Middle", "CN=Root")]
    assert workload["chain"] == issuers
    assert workload["private_key"] == str(key)
    assert told["private_keys"] == [
        {"file": str(key), "key": "EC P-256", "certificate": workload["sha256"]}
    ]
    assert told["findings"] == []
    assert [by_subject["CN=Root"][name] for name in ("file", "position")] == [str(above), 1]


def test_key_and_certificate_may_be_one_file(
    leaf: tuple[x509.Certificate, PrivateKey],
    write: Callable[..., Path],
    document: Callable[..., tuple[int, Any]],
) -> None:
    both = write("both.pem", leaf[1], leaf[0])
    code, told = document(both)
    assert code == 0
    assert told["certificates"][0]["private_key"] == str(both)


def test_findings_are_told_although_no_private_key_is_at_hand(
    chain: tuple[Authority, Authority],
    write: Callable[..., Path],
    show: Callable[..., tuple[int, str]],
) -> None:
    old, _ = issue_workload(chain[0], Subject("old"), now=TODAY - 9 * DAY, validity=DAY)
    pem = write("old.pem", old)
    code, printed = show(pem)
    assert code == 1
    assert f"error: {pem}: the certificate expired at " in printed
    assert "[expired]\n  hint: " in printed
    assert "(expired 8 days ago)" in printed


def test_a_warning_alone_is_no_failure(
    leaf: tuple[x509.Certificate, PrivateKey],
    write: Callable[..., Path],
    document: Callable[..., tuple[int, Any]],
) -> None:
    key = write("workload.key", leaf[1], mode=0o644)
    code, told = document(write("workload.pem", leaf[0]), key)
    (finding,) = told["findings"]
    assert code == 0
    assert {name: finding[name] for name in ("file", "code", "severity")} == {
        "file": str(key),
        "code": "key-file-mode",
        "severity": "warning",
    }


def _codes(told: Any) -> list[str]:
    return [each["code"] for each in told["findings"]]


def test_a_key_of_another_certificate_is_an_error(
    leaf: tuple[x509.Certificate, PrivateKey],
    write: Callable[..., Path],
    document: Callable[..., tuple[int, Any]],
) -> None:
    stray = write("stray.key", generate_key(KeyKind.EC_P256))
    assert document(stray)[0] == 0, "alone there is nothing that it could belong to"
    code, told = document(write("workload.pem", leaf[0]), stray)
    assert (code, _codes(told)) == (1, ["key-mismatch"])


def test_an_authority_is_judged_as_an_identity_only_with_its_key(
    chain: tuple[Authority, Authority],
    write: Callable[..., Path],
    document: Callable[..., tuple[int, Any]],
) -> None:
    pem = write("ca.pem", chain[0].certificate)
    assert document(pem)[0] == 0
    code, told = document(pem, write("ca.key", chain[0].key))
    assert code == 1
    assert "ca" in _codes(told)


@pytest.mark.parametrize("start", [-9, 1], ids=["expired", "of the future"])
def test_an_authority_that_is_not_valid_now_is_an_error(
    start: int, write: Callable[..., Path], document: Callable[..., tuple[int, Any]]
) -> None:
    old = create_root(Subject("Root"), now=TODAY + start * DAY, validity=DAY)
    code, told = document(write("ca.pem", old.certificate))
    assert (code, _codes(told)) == (1, ["authority-validity"])


def test_an_expired_intermediate_is_an_error_of_the_leaf_too(
    chain: tuple[Authority, Authority],
    write: Callable[..., Path],
    document: Callable[..., tuple[int, Any]],
) -> None:
    old = create_intermediate(chain[0], Subject("Old"), now=TODAY - 9 * DAY, validity=DAY)
    leaf, _ = issue_workload(old, Subject("x"), now=TODAY, validity=30 * DAY)
    code, told = document(write("workload.pem", leaf, old.certificate))
    assert code == 1
    assert "chain-validity" in _codes(told)


def test_no_byte_of_a_private_key_is_printed(
    leaf: tuple[x509.Certificate, PrivateKey],
    write: Callable[..., Path],
    show: Callable[..., tuple[int, str]],
) -> None:
    files = (write("workload.pem", leaf[0]), write("workload.key", leaf[1]))
    assert isinstance(leaf[1], ec.EllipticCurvePrivateKey)
    secret = leaf[1].private_numbers().private_value
    lines = private_key_pem(leaf[1]).decode().splitlines()[1:-1]
    for _, printed in (show(*files), show("--json", *files)):
        assert [line for line in (*lines, str(secret), f"{secret:x}") if line in printed] == []


def test_a_name_cannot_move_the_cursor(
    chain: tuple[Authority, Authority],
    write: Callable[..., Path],
    show: Callable[..., tuple[int, str]],
) -> None:
    key = chain[1].key
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a\x1b[2Jb")])
    workload = Workload(name, key.public_key())
    bad = certify_workload(chain[0], workload, now=TODAY, validity=30 * DAY)
    _, printed = show(write("bad.pem", bad))
    assert "\x1b" not in printed
    assert r"CN=a\x1b[2Jb" in printed


@pytest.mark.parametrize(
    ("name", "serial_number", "identity"),
    [
        ("billing", 0x291, "CN=billing"),
        ("x" * 61, 0x291, "CN=" + "x" * 61),
        ("x" * 62, 0x291, "x" * 62),
        ("x" * 64, 0x291, "x" * 64),
        (None, 291, "ID=0123"),
        (None, 17767, "ID=4567"),
        (None, 0x61D5692C, "ID=61d5692c"),
    ],
)
def test_aws_makes_the_source_identity_of_the_name_or_the_serial_number(
    name: str | None, serial_number: int, identity: str
) -> None:
    attribute = (x509.NameOID.ORGANIZATION_NAME, "Example")
    if name is not None:
        attribute = (x509.NameOID.COMMON_NAME, name)
    subject = x509.Name([x509.NameAttribute(*attribute)])
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial_number)
        .not_valid_before(TODAY)
        .not_valid_after(TODAY + DAY)
        .sign(key, hashes.SHA256())
    )
    assert source_identity(certificate) == identity
    assert session_name(certificate) == f"{serial_number:x}"
