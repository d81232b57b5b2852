"""`certs ca`: what it writes, what it prints where, and what it refuses."""

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509

from sidecar.ca import Authority, create_root, directory
from sidecar.ca.directory import load_authority
from sidecar.cli import certs_ca, main

DAY = timedelta(days=1)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def _loaded(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the directory of a root."""
    directory = tmp_path / "root"
    assert main(["certs", "ca", f"--directory={directory}", "--common-name=Root"]) == 0
    return directory


def _intermediate(root: Path, out: Path, *more: str) -> list[str]:
    return ["certs", "ca", f"--directory={out}", f"--issuer={root}", *more]


@pytest.mark.parametrize("key_type", ["p256", "p384", "p521", "rsa2048"])
def test_openssl_accepts_the_authority_and_its_key(
    key_type: str, out: Path, openssl: Callable[..., CompletedProcess[str]]
) -> None:
    assert main(["certs", "ca", f"--directory={out}", f"--key-type={key_type}"]) == 0
    judged = openssl("verify", "-CAfile", out / "ca.pem", "-x509_strict", out / "ca.pem")
    assert judged.stdout == f"{out / 'ca.pem'}: OK\n"
    held = openssl("x509", "-in", out / "ca.pem", "-noout", "-pubkey").stdout
    assert held == openssl("pkey", "-in", out / "ca.key", "-pubout").stdout


def test_the_key_is_for_its_owner_only_and_the_certificate_for_everyone(out: Path) -> None:
    main(["certs", "ca", f"--directory={out}"])
    assert [_mode(path) for path in (out, out / "ca.key", out / "ca.pem")] == [0o700, 0o600, 0o644]


@pytest.mark.skipif(shutil.which("git") is None, reason="asks git what it sees")
@pytest.mark.parametrize("made_before", [False, True])
def test_git_does_not_see_the_authority_s_key(made_before: bool, out: Path) -> None:
    if made_before:
        out.mkdir()
    assert main(["certs", "ca", f"--directory={out}"]) == 0
    subprocess.run(["git", "init", "--quiet", out], check=True)
    seen = subprocess.run(
        ["git", "-C", out, "status", "--porcelain", "--untracked-files=all"],
        capture_output=True,
        check=True,
    )
    assert seen.stdout == b""


def test_what_else_is_in_the_directory_is_not_hidden_from_git(out: Path) -> None:
    out.mkdir()
    (out / "main.py").touch()
    assert main(["certs", "ca", f"--directory={out}"]) == 0
    assert sorted(path.name for path in out.iterdir()) == [".lock", "ca.key", "ca.pem", "main.py"]


def test_the_result_of_ca_goes_to_stdout_and_the_next_step_to_stderr(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["certs", "ca", f"--directory={out}"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"certificate\t{out}/ca.pem\nprivate-key\t{out}/ca.key\n"
    assert printed.err.startswith(f"next: register {out}/ca.pem as a trust anchor")


def test_the_authority_gets_its_name_and_validity(out: Path) -> None:
    main(["certs", "ca", f"--directory={out}", "--common-name=Workshop", "--days=7"])
    (root,) = _loaded(out / "ca.pem")
    assert root.subject.rfc4514_string() == "CN=Workshop"
    assert abs(root.not_valid_after_utc - datetime.now(UTC) - 7 * DAY) < timedelta(minutes=10)


def test_it_works_as_a_process_of_its_own(out: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sidecar", "certs", "ca", f"--directory={out}"],
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


@pytest.mark.parametrize("present", ["ca.pem", "ca.key", "issued.jsonl", "crl.pem"])
def test_an_existing_authority_is_never_overwritten(
    present: str, out: Path, refusal: Callable[..., str]
) -> None:
    out.mkdir()
    (out / present).symlink_to("nowhere")
    assert f"{out / present} exists already" in refusal("certs", "ca", f"--directory={out}")
    assert [path.name for path in out.iterdir()] == [present]


@pytest.mark.parametrize(
    ("option", "code", "said"),
    [
        ("--days=0", 2, "argument --days: must be 1 to 36500 (got '0')"),
        ("--path-length=5", 2, "argument --path-length: invalid choice: 5"),
        ("--path-length=-1", 2, "argument --path-length: invalid choice: -1"),
        ("--key-type=ed25519", 2, "argument --key-type: invalid choice: 'ed25519'"),
        ("--common-name=", 1, "common name must have 1 to 64 bytes (got 0)"),
        ("--common-name=" + "x" * 65, 1, "common name must have 1 to 64 bytes (got 65)"),
    ],
)
def test_a_bad_option_is_named_and_nothing_is_written(
    option: str, code: int, said: str, out: Path, refusal: Callable[..., str]
) -> None:
    assert said in refusal("certs", "ca", f"--directory={out}", option, code=code)
    assert not out.exists()


def test_openssl_accepts_what_an_intermediate_issues(
    root: Path, out: Path, tmp_path: Path, openssl: Callable[..., CompletedProcess[str]]
) -> None:
    upper = tmp_path / "upper"
    assert main(_intermediate(root, upper, "--common-name=Upper", "--path-length=1")) == 0
    assert main(_intermediate(upper, out, "--common-name=Lower", "--days=9")) == 0
    issued = ["certs", "issue", f"--ca={out}", f"--directory={tmp_path}", "--days=8"]
    assert main([*issued, "--common-name=billing"]) == 0
    leaf = tmp_path / "workload.pem"
    assert [each.subject.rfc4514_string() for each in _loaded(leaf)] == [
        "CN=billing",
        "CN=Lower",
        "CN=Upper",
    ]
    trust = ("-CAfile", root / "ca.pem", "-x509_strict")
    assert openssl("verify", *trust, "-untrusted", leaf, leaf).stdout == f"{leaf}: OK\n"
    assert openssl("verify", *trust, leaf).returncode != 0


def test_an_intermediate_gets_its_own_name_path_length_and_validity(root: Path, out: Path) -> None:
    assert main(_intermediate(root, out)) == 0
    (certificate,) = _loaded(out / "ca.pem")
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert certificate.subject.rfc4514_string() == "CN=Credential sidecar intermediate CA"
    assert (basic.ca, basic.path_length) == (True, 0)
    left = certificate.not_valid_after_utc - datetime.now(UTC) - 1825 * DAY
    assert abs(left) < timedelta(minutes=10)


def test_an_intermediate_is_in_the_record_of_its_issuer(root: Path, out: Path) -> None:
    main(_intermediate(root, out))
    (entry,) = (root / "issued.jsonl").read_text().splitlines()
    (certificate,) = _loaded(out / "ca.pem")
    assert json.loads(entry)["serial"] == f"{certificate.serial_number:x}"


def test_the_next_step_after_an_intermediate_is_to_issue_from_it(
    root: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    main(_intermediate(root, out))
    printed = capsys.readouterr()
    assert printed.out == f"certificate\t{out}/ca.pem\nprivate-key\t{out}/ca.key\n"
    assert printed.err.startswith(f"next: sidecar certs issue --ca {out}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--common-name=Root"], "CN=Root is the authority's own name"),
        (["--days=3651"], "the certificate authority CN=Root expires at "),
        (["--common-name="], "common name must have 1 to 64 bytes (got 0)"),
    ],
)
def test_an_intermediate_that_could_not_work_is_refused_and_nothing_is_written(
    options: list[str],
    said: str,
    *,
    root: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    refusal: Callable[..., str],
) -> None:
    capsys.readouterr()
    assert said in refusal(*_intermediate(root, out, *options))
    assert not out.exists()
    assert not (root / "issued.jsonl").exists()


def test_no_authority_stands_under_one_that_allows_none(
    root: Path,
    out: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refusal: Callable[..., str],
) -> None:
    main(_intermediate(root, out, "--common-name=Middle"))
    capsys.readouterr()
    said = refusal(*_intermediate(out, tmp_path / "below", "--days=9"))
    assert "CN=Middle has path length 0: no authority of path length 0 can stand" in said
    assert not (tmp_path / "below").exists()


def test_of_two_that_are_made_at_once_one_is_whole_and_the_other_refused(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["certs", "ca", f"--directory={out}"]

    def overtaken(*given: object, **named: object) -> Authority:
        monkeypatch.setattr(certs_ca, "create_root", create_root)
        assert main(words) == 0
        return create_root(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(certs_ca, "create_root", overtaken)
    assert main(words) == 1
    assert f"{out / 'ca.pem'} exists already" in capsys.readouterr().err
    load_authority(out)


def test_an_authority_is_written_only_under_the_lock(
    out: Path, monkeypatch: pytest.MonkeyPatch, refusal: Callable[..., str]
) -> None:
    out.mkdir()
    monkeypatch.setattr(directory, "_PATIENCE_SECONDS", 0.0)
    with directory.locked(out):
        said = refusal("certs", "ca", f"--directory={out}")
    assert f"another process has been changing {out}" in said
    assert [path.name for path in out.iterdir()] == [".lock"]


def test_a_missing_issuer_is_named(out: Path, tmp_path: Path, refusal: Callable[..., str]) -> None:
    said = refusal(*_intermediate(tmp_path / "none", out))
    assert f"there is no certificate authority in {tmp_path / 'none'}: " in said
