"""`certs crl`: where the list goes, what is printed, and what is refused."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from sidecar.ca import directory
from sidecar.ca.crl import number_of
from sidecar.cli import certs_crl, main

DAY = timedelta(days=1)


@pytest.fixture
def ca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    directory = tmp_path / "ca"
    assert main(["certs", "ca", f"--directory={directory}"]) == 0
    capsys.readouterr()
    return directory


def _crl(ca: Path) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((ca / "crl.pem").read_bytes())


def test_an_empty_list_is_a_list(ca: Path) -> None:
    assert main(["certs", "crl", f"--ca={ca}"]) == 0
    assert len(_crl(ca)) == 0
    assert stat.S_IMODE((ca / "crl.pem").stat().st_mode) == 0o644


def test_the_path_goes_to_stdout_and_the_way_to_aws_to_stderr(
    ca: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["certs", "crl", f"--ca={ca}"])
    printed = capsys.readouterr()
    assert printed.out == f"crl\t{ca}/crl.pem\n"
    assert printed.err.startswith(f"0 revoked, number {number_of(_crl(ca))}, next list due ")
    data = f"--crl-data fileb://{ca}/crl.pem"
    importing = "import-crl --name NAME --enabled --trust-anchor-arn ARN"
    assert f"next: aws rolesanywhere {importing} {data}\n" in printed.err
    assert f"aws rolesanywhere update-crl --crl-id ID {data}\n" in printed.err


@pytest.mark.parametrize(("option", "days"), [([], 30), (["--days=7"], 7)])
def test_the_next_list_is_due_when_it_was_said(option: list[str], days: int, ca: Path) -> None:
    main(["certs", "crl", f"--ca={ca}", *option])
    due = _crl(ca).next_update_utc
    assert due is not None
    assert abs(due - datetime.now(UTC) - days * DAY) < timedelta(minutes=10)


def test_each_list_has_a_higher_number_than_the_one_before(ca: Path) -> None:
    numbers = []
    for _ in range(3):
        main(["certs", "crl", f"--ca={ca}"])
        numbers.append(number_of(_crl(ca)))
    assert numbers[0] < numbers[1] < numbers[2]


def test_a_list_too_large_for_aws_is_told_of(
    ca: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certs_crl, "MAX_CRL_BYTES", 100)
    assert main(["certs", "crl", f"--ca={ca}"]) == 0
    assert "bytes, and AWS imports 100 at the most" in capsys.readouterr().err


def test_the_list_of_another_authority_is_never_overwritten(
    ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refusal: Callable[..., str]
) -> None:
    other = tmp_path / "other"
    main(["certs", "ca", f"--directory={other}"])
    main(["certs", "crl", f"--ca={other}"])
    theirs = (other / "crl.pem").read_bytes()
    (ca / "crl.pem").write_bytes(theirs)
    capsys.readouterr()
    assert "was not signed by CN=Credential sidecar CA" in refusal("certs", "crl", f"--ca={ca}")
    assert (ca / "crl.pem").read_bytes() == theirs


def test_a_lost_record_un_revokes_nobody_and_is_told_of(
    ca: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["certs", "issue", f"--ca={ca}", f"--directory={tmp_path}", "--common-name=x"])
    main(["certs", "revoke", f"--ca={ca}", f"--certificate={tmp_path}/workload.pem"])
    assert main(["certs", "crl", f"--ca={ca}"]) == 0
    assert "warning" not in capsys.readouterr().err
    (ca / "issued.jsonl").unlink()
    assert main(["certs", "crl", f"--ca={ca}"]) == 0
    assert len(_crl(ca)) == 1
    said = f"warning: {ca}/issued.jsonl does not know 1 of the revoked certificates"
    assert said in capsys.readouterr().err


def test_a_list_is_never_written_that_could_not_be_read_back(
    ca: Path, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_MAX_LIST_BYTES", 100)
    assert "bytes, and 100 are read back" in refusal("certs", "crl", f"--ca={ca}")
    assert not (ca / "crl.pem").exists()


def test_a_damaged_record_never_becomes_a_shorter_list(
    ca: Path, refusal: Callable[..., str]
) -> None:
    (ca / "issued.jsonl").write_text("{}\n")
    assert "line 1 is not an entry" in refusal("certs", "crl", f"--ca={ca}")
    assert not (ca / "crl.pem").exists()
