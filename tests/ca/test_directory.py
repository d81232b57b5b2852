"""An authority's directory: what is read back, and that no process's entry is lost."""

import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from sidecar.ca import (
    Authority,
    KeyKind,
    Subject,
    certificate_pem,
    create_intermediate,
    create_root,
    directory,
    issue_workload,
    private_key_pem,
)
from sidecar.ca.authority import certificate_builder
from sidecar.ca.crl import create_crl
from sidecar.ca.directory import (
    CERTIFICATE,
    CRL,
    PRIVATE_KEY,
    RECORD,
    add_to_record,
    load_authority,
    locked,
    read_crl,
    read_record,
    write_crl,
)
from sidecar.ca.issued import Issued, Reason, Revocation
from sidecar.errors import IdentityError, OperatorError

DAY = timedelta(days=1)


def _store(directory: Path, authority: Authority, *more: Authority) -> Path:
    others = (each.certificate for each in more)
    pem = certificate_pem(*others, authority.certificate)
    (directory / CERTIFICATE).write_bytes(pem)
    (directory / PRIVATE_KEY).write_bytes(private_key_pem(authority.key))
    return directory


@pytest.mark.parametrize("kind", [KeyKind.RSA_2048, KeyKind.EC_P384, KeyKind.ML_DSA_65])
def test_an_authority_is_read_back_as_it_was(kind: KeyKind, tmp_path: Path, now: datetime) -> None:
    authority = create_root(Subject("CA"), now=now, validity=DAY, kind=kind)
    read = load_authority(_store(tmp_path, authority))
    assert read.certificate == authority.certificate
    assert private_key_pem(read.key) == private_key_pem(authority.key)
    assert read.chain == ()


def test_intermediates_are_put_in_order_and_the_root_is_left_out(
    root: Authority, tmp_path: Path, now: datetime
) -> None:
    upper = create_intermediate(root, Subject("Upper"), now=now, validity=DAY, path_length=1)
    lower = create_intermediate(upper, Subject("Lower"), now=now, validity=DAY)
    stranger = create_root(Subject("Stranger"), now=now, validity=DAY)
    read = load_authority(_store(tmp_path, lower, stranger, root, upper))
    assert read.intermediates == (lower.certificate, upper.certificate)


def test_of_two_certificates_of_one_issuer_the_longest_valid_is_sent(
    root: Authority, tmp_path: Path, now: datetime
) -> None:
    upper = create_intermediate(root, Subject("Upper"), now=now, validity=DAY, path_length=1)
    lower = create_intermediate(upper, Subject("Lower"), now=now, validity=DAY)
    renewed = (
        certificate_builder(
            upper.certificate.subject,
            root.certificate.subject,
            upper.key.public_key(),
            now=now,
            validity=9 * DAY,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .sign(root.key, hashes.SHA256())
    )
    read = load_authority(_store(tmp_path, lower, upper, Authority(renewed, upper.key)))
    assert read.chain == (renewed,)


@pytest.mark.parametrize("missing", [CERTIFICATE, PRIVATE_KEY])
def test_a_missing_file_is_named_with_the_way_to_an_authority(
    missing: str, root: Authority, tmp_path: Path
) -> None:
    (_store(tmp_path, root) / missing).unlink()
    with pytest.raises(IdentityError, match=f"{missing} is missing") as caught:
        load_authority(tmp_path)
    assert caught.value.hint == f"make one: sidecar certs ca --directory {tmp_path}"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (CERTIFICATE, b"", "is malformed (ValueError)"),
        (CERTIFICATE, b"x" * 1_000_001, "cannot be read: File too large"),
        (PRIVATE_KEY, b"", "cannot be read (ValueError)"),
        (PRIVATE_KEY, b"x" * 1_000_001, "cannot be read: File too large"),
    ],
    ids=["empty certificate", "huge certificate", "empty key", "huge key"],
)
def test_a_file_of_another_kind_is_named(
    name: str, content: bytes, said: str, *, root: Authority, tmp_path: Path
) -> None:
    (_store(tmp_path, root) / name).write_bytes(content)
    with pytest.raises(IdentityError) as caught:
        load_authority(tmp_path)
    assert str(caught.value).endswith(f"{tmp_path / name} {said}")


def test_an_encrypted_key_is_refused_in_words(root: Authority, tmp_path: Path) -> None:
    encrypted = root.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"a password"),
    )
    (_store(tmp_path, root) / PRIVATE_KEY).write_bytes(encrypted)
    with pytest.raises(IdentityError) as caught:
        load_authority(tmp_path)
    assert caught.value.hint == "expected PEM with PKCS#8, PKCS#1 or SEC1, without a password"


def test_a_key_of_a_kind_that_aws_does_not_trust_is_refused(
    root: Authority, tmp_path: Path
) -> None:
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (_store(tmp_path, root) / PRIVATE_KEY).write_bytes(pem)
    with pytest.raises(IdentityError, match="is of an unsupported kind: Ed25519PrivateKey"):
        load_authority(tmp_path)


def test_a_key_of_another_certificate_is_refused(
    root: Authority, intermediate: Authority, tmp_path: Path
) -> None:
    mixed = Authority(root.certificate, intermediate.key)
    with pytest.raises(IdentityError, match="does not belong to certificate"):
        load_authority(_store(tmp_path, mixed))


def test_an_absent_record_is_an_empty_one(tmp_path: Path) -> None:
    assert read_record(tmp_path) == ()


def test_the_record_is_for_its_owner_only(root: Authority, tmp_path: Path) -> None:
    with locked(tmp_path):
        add_to_record(tmp_path, root.certificate)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {RECORD: 0o600, ".lock": 0o600}


def test_a_damaged_record_is_refused_and_left_as_it_is(root: Authority, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_bytes(b'{"serial": ')
    with pytest.raises(OperatorError) as caught:
        add_to_record(tmp_path, root.certificate)
    assert str(caught.value) == (
        f"record {tmp_path / RECORD} cannot be read: line 1 is not an entry (JSONDecodeError)"
    )
    assert (tmp_path / RECORD).read_bytes() == b'{"serial": '


ENTERING = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sidecar.ca import Subject, issue_workload
from sidecar.ca.directory import add_to_record, load_authority, locked

directory = Path(sys.argv[1])
authority = load_authority(directory)
for _ in range(25):
    now = datetime(2026, 3, 1, tzinfo=UTC)
    made, _ = issue_workload(authority, Subject("x"), now=now, validity=timedelta(days=1))
    with locked(directory):
        add_to_record(directory, made)
    print(made.serial_number)
"""


def test_processes_that_issue_at_once_lose_no_entry(root: Authority, tmp_path: Path) -> None:
    _store(tmp_path, root)
    command = [sys.executable, "-c", ENTERING, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = [process.communicate(timeout=60)[0].split() for process in running]
    assert [process.returncode for process in running] == [0] * 4
    made = {int(number) for numbers in printed for number in numbers}
    assert len(made) == 100
    assert {entry.serial_number for entry in read_record(tmp_path)} == made


def test_a_directory_that_cannot_be_written_to_is_named(
    tmp_path: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    readonly = tmp_path / "ca"
    readonly.mkdir(mode=0o500)
    with (
        ordinary_user(),
        pytest.raises(OperatorError, match=f"cannot write to {readonly}"),
        locked(readonly),
    ):
        pass


def test_whoever_holds_the_lock_for_ever_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_PATIENCE_SECONDS", 0.0)
    with locked(tmp_path), pytest.raises(OperatorError) as caught, locked(tmp_path):
        pass
    assert str(caught.value) == f"another process has been changing {tmp_path} for 0 s"
    with locked(tmp_path):
        pass


def test_a_file_error_under_the_lock_is_not_taken_for_the_locks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path):
        (tmp_path / "none").read_bytes()


def test_a_lock_is_never_taken_through_a_link(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to("elsewhere")
    with pytest.raises(OperatorError, match="cannot write to"), locked(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_the_last_list_is_read_back(root: Authority, tmp_path: Path, now: datetime) -> None:
    assert read_crl(tmp_path, root) is None
    crl = create_crl(root, (), previous=None, now=now, validity=DAY)
    (tmp_path / CRL).write_bytes(crl.public_bytes(serialization.Encoding.PEM))
    assert read_crl(tmp_path, root) == crl


def test_a_list_of_another_authority_is_refused(
    root: Authority, intermediate: Authority, tmp_path: Path, now: datetime
) -> None:
    crl = create_crl(intermediate, (), previous=None, now=now, validity=DAY)
    (tmp_path / CRL).write_bytes(crl.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(OperatorError, match="was not signed by CN=Test root"):
        read_crl(tmp_path, root)


def test_a_list_larger_than_a_certificate_may_be_is_read_back(
    root: Authority, tmp_path: Path, now: datetime
) -> None:
    record = tuple(
        Issued(number, "x", now, now + DAY, "", Revocation(now, Reason.KEY_COMPROMISE))
        for number in range(1, 25_001)
    )
    crl = create_crl(root, record, previous=None, now=now, validity=DAY)
    assert write_crl(tmp_path, crl) > 1_000_000
    assert read_crl(tmp_path, root) == crl


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 1_000_001], ids=["empty", "text", "huge"])
def test_a_list_that_cannot_be_read_is_refused(
    content: bytes, root: Authority, tmp_path: Path
) -> None:
    (tmp_path / CRL).write_bytes(content)
    with pytest.raises(OperatorError, match=r"crl\.pem cannot be read"):
        read_crl(tmp_path, root)


def test_a_certificate_is_entered_for_every_issue(
    root: Authority, tmp_path: Path, now: datetime
) -> None:
    made = [issue_workload(root, Subject(n), now=now, validity=DAY)[0] for n in ("a", "b")]
    for each in made:
        add_to_record(tmp_path, each)
    assert [entry.subject for entry in read_record(tmp_path)] == ["CN=a", "CN=b"]
