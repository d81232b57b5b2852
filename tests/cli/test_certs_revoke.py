"""`certs revoke` and `certs crl`: openssl refuses whom they name, and nobody else."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from cryptography import x509

from sidecar.cli import main

OpenSsl = Callable[..., CompletedProcess[str]]


@pytest.fixture
def ca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    directory = tmp_path / "ca"
    assert main(["certs", "ca", f"--directory={directory}"]) == 0
    capsys.readouterr()
    return directory


@pytest.fixture
def issue(
    ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[Path, int]]:
    """Give a function that issues a certificate; it returns its file and serial number."""

    def run(name: str) -> tuple[Path, int]:
        words = [f"--ca={ca}", f"--directory={tmp_path}", f"--name={name}", f"--common-name={name}"]
        assert main(["certs", "issue", *words]) == 0
        capsys.readouterr()
        path = tmp_path / f"{name}.pem"
        return path, x509.load_pem_x509_certificates(path.read_bytes())[0].serial_number

    return run


def _revoke(ca: Path, *words: object) -> list[str]:
    return ["certs", "revoke", f"--ca={ca}", *map(str, words)]


def _record(ca: Path) -> dict[str, dict[str, Any]]:
    entries = map(json.loads, (ca / "issued.jsonl").read_text().splitlines())
    return {entry["subject"]: entry for entry in entries}


def test_openssl_refuses_the_revoked_certificate_and_accepts_the_others(
    ca: Path, issue: Callable[[str], tuple[Path, int]], openssl: OpenSsl, tmp_path: Path
) -> None:
    (good, _), (bad, _) = issue("good"), issue("bad")
    assert main(_revoke(ca, "--certificate", bad, "--reason", "keyCompromise")) == 0
    assert main(["certs", "crl", f"--ca={ca}"]) == 0
    crl = ca / "crl.pem"
    checked = openssl("crl", "-in", crl, "-CAfile", ca / "ca.pem", "-verify", "-noout", "-text")
    assert "verify OK" in checked.stderr
    assert "Key Compromise" in checked.stdout
    trust = tmp_path / "trust"
    trust.write_bytes((ca / "ca.pem").read_bytes() + crl.read_bytes())
    judged = [openssl("verify", "-crl_check", "-CAfile", trust, leaf) for leaf in (good, bad)]
    assert judged[0].returncode == 0
    assert "certificate revoked" in judged[1].stderr


def test_a_certificate_is_found_by_its_serial_number_too(
    ca: Path, issue: Callable[[str], tuple[Path, int]]
) -> None:
    numbers = {name: issue(name)[1] for name in ("a", "b", "c", "d")}
    assert main(_revoke(ca, "--serial", numbers["a"])) == 0
    assert main(_revoke(ca, "--serial", f"0x{numbers['b']:x}")) == 0
    pairs = f"{numbers['c']:040X}"
    colons = ":".join(pairs[i : i + 2] for i in range(0, 40, 2))
    assert main(_revoke(ca, "--serial", colons)) == 0
    revoked = {name for name, entry in _record(ca).items() if entry["revoked_at"]}
    assert revoked == {"CN=a", "CN=b", "CN=c"}


def test_the_serial_number_goes_to_stdout_and_the_next_step_to_stderr(
    ca: Path,
    issue: Callable[[str], tuple[Path, int]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, number = issue("bad")
    main(_revoke(ca, "--certificate", path))
    printed = capsys.readouterr()
    assert printed.out == f"revoked\t{number:x}\n"
    assert printed.err == f"CN=bad is revoked\nnext: sidecar certs crl --ca {ca}\n"


def test_revoking_twice_changes_nothing(
    ca: Path,
    issue: Callable[[str], tuple[Path, int]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, _ = issue("bad")
    main(_revoke(ca, "--certificate", path, "--reason=superseded"))
    before = _record(ca)
    capsys.readouterr()
    assert main(_revoke(ca, "--certificate", path, "--reason=keyCompromise")) == 0
    assert _record(ca) == before
    assert before["CN=bad"]["reason"] == "superseded"
    at = before["CN=bad"]["revoked_at"]
    assert f"CN=bad was revoked already, at {at} (superseded)" in capsys.readouterr().err


def test_a_certificate_from_before_there_was_a_record_is_revoked_by_its_file(
    ca: Path, issue: Callable[[str], tuple[Path, int]], refusal: Callable[..., str]
) -> None:
    path, number = issue("old")
    (ca / "issued.jsonl").unlink()
    assert "there is no certificate with serial number" in refusal(*_revoke(ca, "--serial", number))
    assert main(_revoke(ca, "--certificate", path)) == 0
    assert _record(ca)["CN=old"]["reason"] == "unspecified"


def test_an_intermediate_is_revoked_by_its_issuer_alone(
    ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refusal: Callable[..., str]
) -> None:
    middle = tmp_path / "middle"
    main(["certs", "ca", f"--directory={middle}", f"--issuer={ca}", "--common-name=Middle"])
    capsys.readouterr()
    said = refusal(*_revoke(middle, "--certificate", middle / "ca.pem"))
    assert "is the authority itself" in said
    assert main(_revoke(ca, "--certificate", middle / "ca.pem", "--reason=cACompromise")) == 0
    assert _record(ca)["CN=Middle"]["reason"] == "cACompromise"


def test_the_leaf_of_a_chain_never_stands_for_its_intermediate(
    ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refusal: Callable[..., str]
) -> None:
    middle, out = tmp_path / "middle", tmp_path / "out"
    main(["certs", "ca", f"--directory={middle}", f"--issuer={ca}", "--common-name=Middle"])
    main(["certs", "issue", f"--ca={middle}", f"--directory={out}", "--common-name=x"])
    capsys.readouterr()
    said = refusal(*_revoke(ca, "--certificate", out / "workload.pem"))
    assert "was not issued by CN=Credential sidecar CA" in said
    assert "name the directory of CN=Middle by --ca" in said
    assert _record(ca)["CN=Middle"]["revoked_at"] is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--serial=zz"], 1, "'zz' is not a serial number"),
        (["--serial=17"], 1, "there is no certificate with serial number 17"),
        (["--certificate=nowhere.pem"], 1, "certificate nowhere.pem cannot be read"),
        ([], 2, "one of the arguments --certificate --serial is required"),
        (["--serial=1", "--certificate=x"], 2, "not allowed with argument"),
        (["--serial=1", "--reason=certificateHold"], 2, "argument --reason: invalid choice"),
    ],
)
def test_what_cannot_be_revoked_is_refused(
    words: list[str],
    code: int,
    said: str,
    *,
    ca: Path,
    issue: Callable[[str], tuple[Path, int]],
    refusal: Callable[..., str],
) -> None:
    issue("good")
    before = (ca / "issued.jsonl").read_bytes()
    assert said in refusal(*_revoke(ca, *words), code=code)
    assert (ca / "issued.jsonl").read_bytes() == before


def test_a_strangers_certificate_is_refused(
    ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refusal: Callable[..., str]
) -> None:
    stranger = tmp_path / "stranger"
    main(["certs", "ca", f"--directory={stranger}"])
    main(["certs", "issue", f"--ca={stranger}", f"--directory={tmp_path}", "--common-name=x"])
    capsys.readouterr()
    said = refusal(*_revoke(ca, "--certificate", tmp_path / "workload.pem"))
    assert "was not issued by CN=Credential sidecar CA" in said, "a name alone proves nothing"
    assert not (ca / "issued.jsonl").exists()
