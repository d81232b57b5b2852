"""`certs issue`: what it writes, what it prints where, and what it refuses."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa

from sidecar.ca import (
    Authority,
    PrivateKey,
    Subject,
    certificate_pem,
    create_intermediate,
    create_root,
    issue_workload,
    private_key_pem,
)
from sidecar.cli import main

DAY = timedelta(days=1)
TODAY = datetime.now(UTC)


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    """Give a directory with a certificate authority in it."""
    authority = create_root(Subject("Test CA"), now=TODAY, validity=100 * DAY)
    return _store(tmp_path / "ca", authority.certificate, authority.key)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def _store(directory: Path, certificate: x509.Certificate, key: PrivateKey) -> Path:
    directory.mkdir()
    (directory / "ca.pem").write_bytes(certificate_pem(certificate))
    (directory / "ca.key").write_bytes(private_key_pem(key))
    (directory / "ca.key").chmod(0o600)
    return directory


def _words(ca: Path, out: Path, *more: str) -> list[str]:
    return ["certs", "issue", f"--ca={ca}", f"--directory={out}", "--common-name=billing", *more]


def _issue(ca: Path, out: Path, *more: str) -> int:
    return main(_words(ca, out, *more))


def _loaded(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("key_type", ["p256", "p384", "p521", "rsa2048"])
def test_openssl_accepts_the_certificate_and_its_key(
    key_type: str, ca: Path, out: Path, openssl: Callable[..., CompletedProcess[str]]
) -> None:
    assert _issue(ca, out, f"--key-type={key_type}") == 0
    judged = openssl("verify", "-CAfile", ca / "ca.pem", "-x509_strict", out / "workload.pem")
    assert judged.stdout == f"{out / 'workload.pem'}: OK\n"
    public = ("-noout", "-pubkey")
    held = openssl("x509", "-in", out / "workload.pem", *public).stdout
    assert held == openssl("pkey", "-in", out / "workload.key", "-pubout").stdout


def test_an_ml_dsa_key_is_issued_to(ca: Path, out: Path) -> None:
    assert _issue(ca, out, "--key-type=mldsa65") == 0
    (leaf,) = _loaded(out / "workload.pem")
    key = serialization.load_pem_private_key((out / "workload.key").read_bytes(), None)
    assert isinstance(key, mldsa.MLDSA65PrivateKey)
    assert leaf.public_key() == key.public_key()
    leaf.verify_directly_issued_by(_loaded(ca / "ca.pem")[0])


def test_the_key_is_for_its_owner_only_and_the_certificate_for_everyone(
    ca: Path, out: Path
) -> None:
    _issue(ca, out)
    modes = {path.name: _mode(path) for path in (out, *out.iterdir())}
    assert modes == {"out": 0o700, "workload.key": 0o600, "workload.pem": 0o644}


def test_an_existing_directory_keeps_its_mode(ca: Path, out: Path) -> None:
    out.mkdir(mode=0o755)
    assert _issue(ca, out) == 0
    assert _mode(out) == 0o755


def test_the_result_of_issue_goes_to_stdout_and_the_next_step_to_stderr(
    ca: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _issue(ca, out, "--name=billing") == 0
    printed = capsys.readouterr()
    assert printed.out == f"certificate\t{out}/billing.pem\nprivate-key\t{out}/billing.key\n"
    assert f"SIDECAR_CERTIFICATE={out}/billing.pem SIDECAR_PRIVATE_KEY={out}/billing.key" in (
        printed.err
    )


def test_subject_and_validity_are_what_was_asked_for(ca: Path, out: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)  # what a certificate tells in whole seconds
    _issue(ca, out, "--organization=Example", "--organizational-unit=Payments", "--days=10")
    after = datetime.now(UTC)
    (leaf,) = _loaded(out / "workload.pem")
    assert leaf.subject.rfc4514_string() == "CN=billing,OU=Payments,O=Example"
    assert before <= leaf.not_valid_after_utc - 10 * DAY <= after


def test_dns_names_and_uris_stand_in_the_certificate(
    ca: Path, out: Path, openssl: Callable[..., CompletedProcess[str]]
) -> None:
    assert _issue(ca, out, "--dns=a.example.com", "--dns=b", "--uri=spiffe://example.com/x") == 0
    text = openssl("x509", "-in", out / "workload.pem", "-noout", "-text").stdout
    assert "DNS:a.example.com, DNS:b, URI:spiffe://example.com/x" in text


def test_what_is_issued_stands_in_the_record(ca: Path, out: Path) -> None:
    _issue(ca, out)
    _issue(ca, out, "--name=second")
    entries = map(json.loads, (ca / "issued.jsonl").read_text().splitlines())
    leaves = [_loaded(out / name)[0] for name in ("workload.pem", "second.pem")]
    assert [entry["serial"] for entry in entries] == [f"{each.serial_number:x}" for each in leaves]


def test_nothing_is_issued_that_cannot_be_recorded(
    ca: Path, out: Path, refusal: Callable[..., str]
) -> None:
    (ca / "issued.jsonl").write_text("not a record\n")
    assert f"record {ca / 'issued.jsonl'} cannot be read" in refusal(*_words(ca, out))
    assert not out.exists()


def test_a_common_name_is_needed(ca: Path, out: Path, refusal: Callable[..., str]) -> None:
    words = ["certs", "issue", f"--ca={ca}", f"--directory={out}"]
    assert "the certificate needs a common name" in refusal(*words)
    assert "need --common-name" in refusal(*words, "--organization=Example")


def test_an_authority_whose_key_others_can_read_is_told_of(
    ca: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ca / "ca.key").chmod(0o644)
    assert _issue(ca, out) == 0
    assert f"sidecar: warning: private key {ca / 'ca.key'} has mode 0644" in capsys.readouterr().err


def test_of_pairs_that_are_issued_at_once_one_is_whole(ca: Path, out: Path) -> None:
    command = [sys.executable, "-m", "sidecar", *_words(ca, out, "--force")]
    running = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [process.wait(60) for process in running] == [0] * 4
    key = serialization.load_pem_private_key((out / "workload.key").read_bytes(), None)
    assert _loaded(out / "workload.pem")[0].public_key() == key.public_key()
    assert len((ca / "issued.jsonl").read_text().splitlines()) == 4


def test_an_intermediate_authority_is_sent_along(tmp_path: Path, out: Path) -> None:
    root = create_root(Subject("Root"), now=TODAY, validity=100 * DAY)
    middle = create_intermediate(root, Subject("Middle"), now=TODAY, validity=100 * DAY)
    ca = _store(tmp_path / "middle", middle.certificate, middle.key)
    assert _issue(ca, out) == 0
    leaf, issuer = _loaded(out / "workload.pem")
    assert issuer == middle.certificate
    leaf.verify_directly_issued_by(issuer)


def test_force_replaces_a_pair(ca: Path, out: Path) -> None:
    _issue(ca, out)
    before = _loaded(out / "workload.pem")
    assert _issue(ca, out, "--force") == 0
    assert _loaded(out / "workload.pem") != before


def test_it_works_as_a_process_of_its_own(ca: Path, out: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sidecar", "certs", "issue", *_words(ca, out)[2:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr.count("next: ")) == (0, 1)
    assert [line.split("\t")[0] for line in ended.stdout.splitlines()] == [
        "certificate",
        "private-key",
    ]
    assert all(Path(line.split("\t")[1]).is_file() for line in ended.stdout.splitlines())


def test_an_existing_pair_is_not_overwritten_unasked(
    ca: Path, out: Path, refusal: Callable[..., str]
) -> None:
    out.mkdir()
    (out / "workload.key").write_text("precious")
    assert "give --force to replace it" in refusal(*_words(ca, out))
    assert (out / "workload.key").read_text() == "precious"


@pytest.mark.parametrize("name", ["ca", "crl"])
def test_not_even_force_overwrites_the_authority(
    name: str, ca: Path, refusal: Callable[..., str]
) -> None:
    before = {path: path.read_bytes() for path in (ca / "ca.key", ca / "ca.pem")}
    said = refusal(*_words(ca, ca / ".." / ca.name, f"--name={name}", "--force"))
    assert "is a file of the certificate authority itself" in said
    assert {path: path.read_bytes() for path in before} == before
    assert not (ca / "crl.pem").exists()


@pytest.mark.parametrize(
    ("option", "code", "said"),
    [
        ("--days=0", 2, "argument --days: must be 1 to 36500 (got '0')"),
        ("--days=-1", 2, "argument --days: must be 1 to 36500 (got '-1')"),
        ("--days=36501", 2, "argument --days: must be 1 to 36500 (got '36501')"),
        ("--days=1.5", 2, "argument --days: must be 1 to 36500 (got '1.5')"),
        ("--days=٣", 2, "argument --days: must be 1 to 36500 (got '٣')"),
        ("--name=../up", 2, "argument --name: must be a file name without a path (got '../up')"),
        ("--name=..", 2, "argument --name: must be a file name without a path (got '..')"),
        ("--name=", 2, "argument --name: must be a file name without a path (got '')"),
        ("--key-type=ed25519", 2, "argument --key-type: invalid choice: 'ed25519'"),
        ("--common-name=", 1, "common name must have 1 to 64 bytes (got 0)"),
        ("--common-name=" + "x" * 65, 1, "common name must have 1 to 64 bytes (got 65)"),
        ("--common-name=a\nb", 1, "common name must be printable (got 'a\\nb')"),
        ("--common-name=\udcff", 1, "surrogates not allowed"),
        ("--organization=", 1, "organization must have 1 to 64 bytes (got 0)"),
        ("--days=101", 1, "ask for --days "),
        ("--common-name=Test CA", 1, "CN=Test CA is the authority's own name"),
        ("--dns=*.example.com", 1, "a DNS name must have letters, digits, dots and hyphens"),
        ("--uri=no-scheme", 1, "a URI must have a scheme"),
    ],
)
def test_a_bad_option_is_named_and_nothing_is_written(
    option: str, code: int, said: str, *, ca: Path, out: Path, refusal: Callable[..., str]
) -> None:
    assert said in refusal(*_words(ca, out, option), code=code)
    assert not out.exists()


def _expired() -> Authority:
    return create_root(Subject("Old"), now=TODAY - 9 * DAY, validity=8 * DAY)


def _of_the_future() -> Authority:
    return create_root(Subject("Young"), now=TODAY + DAY, validity=90 * DAY)


def _mismatched() -> Authority:
    return Authority(_expired().certificate, ec.generate_private_key(ec.SECP256R1()))


def _no_authority() -> Authority:
    return Authority(*issue_workload(_expired(), Subject("leaf"), now=TODAY, validity=90 * DAY))


def _last_hours() -> Authority:
    return create_root(Subject("Nearly"), now=TODAY, validity=DAY / 2)


def _without_extensions() -> Authority:
    old = _expired()
    return Authority(_bare(old).sign(old.key, hashes.SHA256()), old.key)


def _without_the_right_to_sign() -> Authority:
    old = _expired()
    workload, _ = issue_workload(old, Subject("x"), now=TODAY, validity=DAY)
    usage = workload.extensions.get_extension_for_class(x509.KeyUsage).value
    certificate = (
        _bare(old)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(old.key, hashes.SHA256())
    )
    return Authority(certificate, old.key)


def _bare(old: Authority) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(old.certificate.subject)
        .issuer_name(old.certificate.subject)
        .public_key(old.key.public_key())
        .serial_number(1)
        .not_valid_before(TODAY)
        .not_valid_after(TODAY + 90 * DAY)
    )


@pytest.mark.parametrize(
    ("authority", "said", "hint"),
    [
        (_expired, "the certificate authority CN=Old expired at ", "make a new authority"),
        (_of_the_future, "the certificate authority CN=Young is not valid before ", "clock"),
        (_last_hours, "the certificate authority CN=Nearly expires at ", "make a new authority"),
        (_mismatched, "does not belong to certificate", "give the key that"),
        (_no_authority, "CN=leaf is not a certificate authority's", "it needs CA:true"),
        (_without_the_right_to_sign, "CN=Old is not a certificate authority's", "keyCertSign"),
        (_without_extensions, "CN=Old is not a certificate authority's", "it needs CA:true"),
    ],
)
def test_an_authority_that_cannot_issue_is_refused(
    authority: Callable[[], Authority],
    said: str,
    hint: str,
    *,
    tmp_path: Path,
    out: Path,
    refusal: Callable[..., str],
) -> None:
    made = authority()
    ca = _store(tmp_path / "ca", made.certificate, made.key)
    error, _, advice = refusal(*_words(ca, out)).partition("\n")
    assert said in error
    assert hint in advice
    assert not out.exists()


@pytest.mark.parametrize("missing", ["ca.pem", "ca.key"])
def test_a_missing_authority_is_named_with_the_way_to_one(
    missing: str, ca: Path, out: Path, refusal: Callable[..., str]
) -> None:
    (ca / missing).unlink()
    said = refusal(*_words(ca, out))
    assert f"there is no certificate authority in {ca}: " in said
    assert f"{ca / missing} is missing" in said
    assert f"hint: make one: sidecar certs ca --directory {ca}\n" in said


def test_a_directory_that_cannot_be_written_to_is_named(
    ca: Path, out: Path, refusal: Callable[..., str]
) -> None:
    out.write_text("a file")
    assert f"cannot write to {out}: File exists" in refusal(*_words(ca, out))
    assert out.read_text() == "a file"
