"""`certs renew`: the same workload with new dates, never a pair that does not match for good."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sidecar.ca import certificate_pem, certify_workload
from sidecar.ca.directory import load_authority
from sidecar.ca.leaf import Workload
from sidecar.cli import main

DAY = timedelta(days=1)


@pytest.fixture
def ca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    directory = tmp_path / "ca"
    assert main(["certs", "ca", f"--directory={directory}"]) == 0
    capsys.readouterr()
    return directory


@pytest.fixture
def out(ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Give a directory with a workload's pair, as `certs issue` writes it."""
    directory = tmp_path / "out"
    subject = ["--common-name=billing", "--organization=Example", "--dns=billing.example.com"]
    assert main(["certs", "issue", f"--ca={ca}", f"--directory={directory}", *subject]) == 0
    capsys.readouterr()
    return directory


def _words(ca: Path, out: Path, *more: str) -> list[str]:
    return ["certs", "renew", f"--ca={ca}", f"--certificate={out / 'workload.pem'}", *more]


def _leaf(out: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates((out / "workload.pem").read_bytes())[0]


def _belong_together(out: Path) -> bool:
    key = serialization.load_pem_private_key((out / "workload.key").read_bytes(), None)
    return bool(key.public_key() == _leaf(out).public_key())


def _extensions(certificate: x509.Certificate) -> list[x509.ExtensionType]:
    ours = (x509.SubjectKeyIdentifier,)
    return [each.value for each in certificate.extensions if not isinstance(each.value, ours)]


def _age(ca: Path, out: Path, *, left: timedelta) -> None:
    """Put in the place of the certificate one for the same key that ends soon."""
    old = _leaf(out)
    aged = certify_workload(
        load_authority(ca),
        Workload.of(old),
        now=datetime.now(UTC) - 9 * DAY,
        validity=9 * DAY + left,
    )
    (out / "workload.pem").write_bytes(certificate_pem(aged))


def test_the_renewed_certificate_says_the_same_with_new_dates_and_a_fresh_key(
    ca: Path, out: Path, openssl: Callable[..., CompletedProcess[str]]
) -> None:
    _age(ca, out, left=DAY)
    old = _leaf(out)
    assert main(_words(ca, out)) == 0
    new = _leaf(out)
    assert new.subject == old.subject
    assert _extensions(new) == _extensions(old)
    assert new.public_key() != old.public_key()
    assert new.serial_number != old.serial_number
    lifetimes = [each.not_valid_after_utc - each.not_valid_before_utc for each in (old, new)]
    assert lifetimes[0] == lifetimes[1]
    assert abs(new.not_valid_after_utc - datetime.now(UTC) - 10 * DAY) < timedelta(minutes=10)
    assert _belong_together(out)
    judged = openssl("verify", "-CAfile", ca / "ca.pem", "-x509_strict", out / "workload.pem")
    assert judged.returncode == 0


def test_paths_go_to_stdout_and_the_old_serial_number_to_stderr(
    ca: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _leaf(out)
    assert main(_words(ca, out)) == 0
    printed = capsys.readouterr()
    assert printed.out == f"certificate\t{out}/workload.pem\nprivate-key\t{out}/workload.key\n"
    assert f"serial number {old.serial_number:x}, stays good until" in printed.err


def test_what_is_renewed_stands_in_the_record(ca: Path, out: Path) -> None:
    main(_words(ca, out))
    entries = [json.loads(line) for line in (ca / "issued.jsonl").read_text().splitlines()]
    assert len(entries) == 2
    assert entries[1]["serial"] == f"{_leaf(out).serial_number:x}"


def test_modes_stay_as_they_were(ca: Path, out: Path) -> None:
    (out / "workload.key").chmod(0o640)
    (out / "workload.pem").chmod(0o600)
    assert main(_words(ca, out)) == 0
    files = (out / "workload.key", out / "workload.pem")
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o640, 0o600]


@pytest.mark.parametrize(("mode", "told"), [(0o644, True), (0o600, False)])
def test_a_fresh_key_that_others_can_read_is_told_of(
    mode: int, told: bool, *, ca: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "workload.key").chmod(mode)
    assert main(_words(ca, out)) == 0
    assert (f"sidecar: warning: private key {out}/workload.key" in capsys.readouterr().err) is told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_files_still_belong_to_the_user_of_the_sidecar(ca: Path, out: Path) -> None:
    for name in ("workload.key", "workload.pem"):
        os.chown(out / name, 65532, 65532)
    assert main(_words(ca, out)) == 0
    assert {(path.stat().st_uid, path.stat().st_gid) for path in out.iterdir()} == {(65532, 65532)}


@pytest.mark.parametrize(
    ("option", "kind"),
    [("--key-type=p384", ec.EllipticCurvePublicKey), ("--key-type=rsa2048", rsa.RSAPublicKey)],
)
def test_the_key_may_be_of_another_kind(option: str, kind: type, ca: Path, out: Path) -> None:
    assert main(_words(ca, out, option, "--days=7")) == 0
    assert isinstance(_leaf(out).public_key(), kind)
    assert abs(_leaf(out).not_valid_after_utc - datetime.now(UTC) - 7 * DAY) < timedelta(minutes=10)
    assert _belong_together(out)


def test_a_kept_key_is_certified_again_and_not_written(
    ca: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, key = _leaf(out), (out / "workload.key").read_bytes()
    assert main(_words(ca, out, "--keep-key")) == 0
    assert _leaf(out).public_key() == old.public_key()
    assert _leaf(out).serial_number != old.serial_number
    assert (out / "workload.key").read_bytes() == key
    assert capsys.readouterr().out == f"certificate\t{out}/workload.pem\n"


def test_a_key_that_is_elsewhere_can_only_be_kept(
    ca: Path, out: Path, refusal: Callable[..., str]
) -> None:
    (out / "workload.key").unlink()
    said = refusal(*_words(ca, out))
    assert "there is no private key" in said
    assert "hint: --keep-key renews the certificate alone" in said
    assert main(_words(ca, out, "--keep-key")) == 0
    assert not (out / "workload.key").exists()


@pytest.mark.parametrize(
    ("left", "within", "renewed"),
    [(11 * DAY, 10, False), (9 * DAY, 10, True), (-DAY, 10, True)],
    ids=["not yet", "due", "expired"],
)
def test_it_renews_only_when_it_is_time(
    left: timedelta,
    within: int,
    renewed: bool,
    *,
    ca: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _age(ca, out, left=left)
    before = _leaf(out)
    assert main(_words(ca, out, f"--if-expires-within={within}")) == 0
    printed = capsys.readouterr()
    assert (_leaf(out) != before) is renewed
    assert ("nothing to do: the certificate is valid until" in printed.err) is not renewed
    assert bool(printed.out) is renewed


def test_a_pair_that_was_torn_by_a_crash_is_mended_by_the_next_run_which_says_so(
    ca: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = (out / "workload.pem").read_bytes()
    main(_words(ca, out))
    (out / "workload.pem").write_bytes(pem)
    assert not _belong_together(out)
    torn = f"private key {out}/workload.key did not belong to certificate {out}/workload.pem: both"
    assert torn not in capsys.readouterr().err
    assert main(_words(ca, out, "--if-expires-within=1")) == 0
    assert torn in capsys.readouterr().err
    assert _belong_together(out)


def test_the_old_key_is_put_back_when_the_certificate_cannot_be_replaced(
    ca: Path, out: Path, tmp_path: Path, refusal: Callable[..., str]
) -> None:
    linked = tmp_path / "linked.pem"
    linked.symlink_to(out / "workload.pem")
    key = (out / "workload.key").read_bytes()
    said = refusal(
        "certs",
        "renew",
        f"--ca={ca}",
        f"--certificate={linked}",
        f"--private-key={out / 'workload.key'}",
    )
    assert f"{linked} is not a regular file" in said
    assert (out / "workload.key").read_bytes() == key
    assert _belong_together(out)


def test_of_two_that_renew_at_once_a_whole_pair_remains(ca: Path, out: Path) -> None:
    command = [sys.executable, "-m", "sidecar", *_words(ca, out)]
    running = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [process.wait(60) for process in running] == [0] * 4
    assert _belong_together(out)
    assert len((ca / "issued.jsonl").read_text().splitlines()) == 5


def test_a_chain_is_written_along(ca: Path, tmp_path: Path) -> None:
    middle, out = tmp_path / "middle", tmp_path / "out"
    main(["certs", "ca", f"--directory={middle}", f"--issuer={ca}"])
    main(["certs", "issue", f"--ca={middle}", f"--directory={out}", "--common-name=x"])
    assert main(_words(middle, out)) == 0
    leaf, issuer = x509.load_pem_x509_certificates((out / "workload.pem").read_bytes())
    leaf.verify_directly_issued_by(issuer)


def _nothing(ca: Path, out: Path) -> None:
    pass


def _another_authority(ca: Path, out: Path) -> None:
    for name in ("ca.pem", "ca.key"):
        (ca / name).unlink()
    (ca / "issued.jsonl").unlink()
    main(["certs", "ca", f"--directory={ca}"])


def _revoked(ca: Path, out: Path) -> None:
    main(["certs", "revoke", f"--ca={ca}", f"--certificate={out / 'workload.pem'}"])


def _key_of_another(ca: Path, out: Path) -> None:
    pem = (out / "workload.pem").read_bytes()
    main(_words(ca, out))
    (out / "workload.pem").write_bytes(pem)


def _encrypted_key(ca: Path, out: Path) -> None:
    key = serialization.load_pem_private_key((out / "workload.key").read_bytes(), None)
    form = serialization.BestAvailableEncryption(b"password")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form)
    (out / "workload.key").write_bytes(pem)


def _one_file(ca: Path, out: Path) -> None:
    with (out / "workload.pem").open("ab") as file:
        file.write((out / "workload.key").read_bytes())


def _authority_itself(ca: Path, out: Path) -> None:
    (out / "workload.pem").write_bytes((ca / "ca.pem").read_bytes())


def _no_certificate(ca: Path, out: Path) -> None:
    (out / "workload.pem").write_text("text")


def _missing(ca: Path, out: Path) -> None:
    (out / "workload.pem").unlink()


def _unusual_key(ca: Path, out: Path) -> None:
    issuer, old = load_authority(ca), _leaf(out)
    key = rsa.generate_private_key(65537, 3072)
    workload = Workload(old.subject, key.public_key())
    made = certify_workload(issuer, workload, now=datetime.now(UTC), validity=DAY)
    (out / "workload.pem").write_bytes(certificate_pem(made))


def _empty_subject(ca: Path, out: Path) -> None:
    issuer = load_authority(ca)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.certificate.subject)
        .public_key(_leaf(out).public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC))
        .not_valid_after(datetime.now(UTC) + DAY)
        .sign(issuer.key, hashes.SHA256())
    )
    (out / "workload.pem").write_bytes(certificate_pem(made))


@pytest.mark.parametrize(
    ("prepare", "options", "said"),
    [
        (_another_authority, [], "was not issued by CN=Credential sidecar CA"),
        (_revoked, [], "the certificate was revoked at "),
        (_key_of_another, ["--keep-key"], "does not belong to certificate"),
        (_encrypted_key, [], "cannot be replaced by one like it (TypeError)"),
        (_one_file, [], "holds a private key beside the certificate"),
        (_authority_itself, [], "is an authority's"),
        (_no_certificate, [], "is malformed (ValueError)"),
        (_missing, [], "cannot be read: No such file or directory"),
        (_unusual_key, [], "the old key is of a kind that is not made here"),
        (_empty_subject, [], "the subject must not be empty"),
        (_nothing, ["--days=4000"], "ask for --days "),
        (_nothing, ["--keep-key", "--key-type=p256"], "--key-type does not go with"),
    ],
)
def test_what_cannot_be_renewed_is_refused_and_left_as_it_is(
    prepare: Callable[[Path, Path], None],
    options: list[str],
    said: str,
    *,
    ca: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    refusal: Callable[..., str],
) -> None:
    prepare(ca, out)
    capsys.readouterr()
    before = {path: path.read_bytes() for path in _all_files(ca, out)}
    assert said in refusal(*_words(ca, out, *options))
    assert {path: path.read_bytes() for path in _all_files(ca, out)} == before


def _all_files(*directories: Path) -> Iterator[Path]:
    return (path for each in directories for path in each.iterdir() if path.name != ".lock")
