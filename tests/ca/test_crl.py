"""Revocation lists: openssl verifies them, and refuses whom they name and nobody else."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from sidecar.ca import Authority, KeyKind, Subject, certificate_pem, create_root, issue_workload
from sidecar.ca.crl import create_crl, number_of
from sidecar.ca.issued import Reason, Record, Revocation, with_certificate, with_revocation
from sidecar.errors import IdentityError

OpenSsl = Callable[..., CompletedProcess[str]]
DAY = timedelta(days=1)


def _pem(crl: x509.CertificateRevocationList) -> bytes:
    return crl.public_bytes(serialization.Encoding.PEM)


def _serials(crl: x509.CertificateRevocationList) -> list[int]:
    return [each.serial_number for each in crl]


@pytest.fixture
def issued(root: Authority, now: datetime) -> Callable[..., tuple[x509.Certificate, Record]]:
    """Give a function that issues a certificate, and revokes it for a reason."""

    def issue(
        reason: Reason | None, record: Record = (), *, validity: timedelta = 30 * DAY
    ) -> tuple[x509.Certificate, Record]:
        certificate, _ = issue_workload(root, Subject("billing"), now=now, validity=validity)
        entered = with_certificate(record, certificate)
        if reason is None:
            return certificate, entered
        revocation = Revocation(now, reason)
        return certificate, with_revocation(entered, certificate.serial_number, revocation)

    return issue


@pytest.mark.parametrize("kind", [KeyKind.RSA_2048, KeyKind.EC_P256, KeyKind.EC_P521])
def test_openssl_verifies_the_list(
    kind: KeyKind, openssl: OpenSsl, now: datetime, tmp_path: Path
) -> None:
    authority = create_root(Subject("CA"), now=now, validity=9 * DAY, kind=kind)
    crl = create_crl(authority, (), previous=None, now=now, validity=DAY)
    (tmp_path / "ca").write_bytes(certificate_pem(authority.certificate))
    (tmp_path / "crl").write_bytes(_pem(crl))
    ended = openssl(
        "crl", "-in", tmp_path / "crl", "-CAfile", tmp_path / "ca", "-verify", "-noout", "-text"
    )
    assert "verify OK" in ended.stderr
    assert "Last Update: Mar  1 12:00:00 2026 GMT" in ended.stdout
    assert "Next Update: Mar  2 12:00:00 2026 GMT" in ended.stdout
    assert "X509v3 Authority Key Identifier" in ended.stdout


def test_openssl_does_not_verify_the_list_of_another_authority(
    root: Authority, openssl: OpenSsl, now: datetime, tmp_path: Path
) -> None:
    stranger = create_root(Subject("Test root"), now=now, validity=9 * DAY)
    crl = create_crl(root, (), previous=None, now=now, validity=DAY)
    (tmp_path / "ca").write_bytes(certificate_pem(stranger.certificate))
    (tmp_path / "crl").write_bytes(_pem(crl))
    ended = openssl("crl", "-in", tmp_path / "crl", "-CAfile", tmp_path / "ca", "-noout", "-verify")
    assert "verify OK" not in ended.stderr


def test_an_ml_dsa_authority_signs_lists_too(now: datetime) -> None:
    authority = create_root(Subject("CA"), now=now, validity=DAY, kind=KeyKind.ML_DSA_44)
    crl = create_crl(authority, (), previous=None, now=now, validity=DAY)
    assert crl.is_signature_valid(authority.certificate.public_key())  # type: ignore[arg-type]


def test_openssl_refuses_whom_the_list_names_and_nobody_else(
    issued: Callable[..., tuple[x509.Certificate, Record]],
    root: Authority,
    openssl: OpenSsl,
    now: datetime,
    tmp_path: Path,
) -> None:
    good, record = issued(None)
    bad, record = issued(Reason.KEY_COMPROMISE, record)
    crl = create_crl(root, record, previous=None, now=now, validity=DAY)
    (tmp_path / "trust").write_bytes(certificate_pem(root.certificate) + _pem(crl))
    said = []
    for certificate in (good, bad):
        (tmp_path / "leaf").write_bytes(certificate_pem(certificate))
        at = ("-attime", int(now.timestamp()))
        said.append(
            openssl("verify", "-crl_check", "-CAfile", tmp_path / "trust", *at, tmp_path / "leaf")
        )
    assert said[0].returncode == 0
    assert "certificate revoked" in said[1].stderr


@pytest.mark.parametrize(
    ("reason", "seen"),
    [
        (Reason.UNSPECIFIED, None),
        (Reason.KEY_COMPROMISE, "Key Compromise"),
        (Reason.CA_COMPROMISE, "CA Compromise"),
        (Reason.AFFILIATION_CHANGED, "Affiliation Changed"),
        (Reason.SUPERSEDED, "Superseded"),
        (Reason.CESSATION_OF_OPERATION, "Cessation Of Operation"),
        (Reason.PRIVILEGE_WITHDRAWN, "Privilege Withdrawn"),
    ],
)
def test_openssl_reads_the_reason(
    reason: Reason,
    seen: str | None,
    *,
    issued: Callable[..., tuple[x509.Certificate, Record]],
    root: Authority,
    openssl: OpenSsl,
    now: datetime,
    tmp_path: Path,
) -> None:
    _, record = issued(reason)
    crl = create_crl(root, record, previous=None, now=now, validity=DAY)
    (tmp_path / "crl").write_bytes(_pem(crl))
    text = openssl("crl", "-in", tmp_path / "crl", "-noout", "-text").stdout
    assert "Revocation Date: Mar  1 12:00:00 2026 GMT" in text
    assert ("CRL Reason Code" in text) is (seen is not None)
    assert (seen or "") in text


def test_each_list_has_a_higher_number_whatever_the_clock_says(
    root: Authority, now: datetime
) -> None:
    def after(previous: x509.CertificateRevocationList | None, at: datetime) -> int:
        crl = create_crl(root, (), previous=previous, now=at, validity=DAY)
        made.append(crl)
        return number_of(crl)

    made: list[x509.CertificateRevocationList] = []
    first = after(None, now)
    assert after(made[-1], now) == first + 1
    assert after(made[-1], now - DAY) == first + 2
    assert after(None, now + DAY) == first + 86400, "even when the last list was lost"


def test_a_list_without_a_number_counts_as_none(root: Authority, now: datetime) -> None:
    builder = x509.CertificateRevocationListBuilder().issuer_name(root.certificate.subject)
    bare = builder.last_update(now).next_update(now + DAY).sign(root.key, hashes.SHA256())
    assert number_of(bare) == 0


def test_an_expired_certificate_is_listed_once_more_and_then_no_longer(
    issued: Callable[..., tuple[x509.Certificate, Record]], root: Authority, now: datetime
) -> None:
    bad, record = issued(Reason.SUPERSEDED, validity=DAY)
    previous, seen = None, []
    for day in (0, 2, 3, 4):
        previous = create_crl(root, record, previous=previous, now=now + day * DAY, validity=DAY)
        seen.append(_serials(previous) == [bad.serial_number])
    assert seen == [True, True, False, False]


def test_what_is_revoked_after_it_expired_is_listed_all_the_same(
    issued: Callable[..., tuple[x509.Certificate, Record]], root: Authority, now: datetime
) -> None:
    late, record = issued(None, validity=DAY)
    previous = create_crl(root, record, previous=None, now=now + 2 * DAY, validity=DAY)
    revocation = Revocation(now + 3 * DAY, Reason.KEY_COMPROMISE)
    record = with_revocation(record, late.serial_number, revocation)
    crl = create_crl(root, record, previous=previous, now=now + 4 * DAY, validity=DAY)
    assert _serials(crl) == [late.serial_number]


@pytest.mark.parametrize("left", [0, 1], ids=["no record", "a record from before"])
def test_what_was_listed_stays_listed_whatever_the_record_has_lost(
    left: int,
    *,
    issued: Callable[..., tuple[x509.Certificate, Record]],
    root: Authority,
    now: datetime,
) -> None:
    bad, record = issued(None)
    revocation = Revocation(now, Reason.KEY_COMPROMISE)
    revoked = with_revocation(record, bad.serial_number, revocation)
    first = create_crl(root, revoked, previous=None, now=now, validity=DAY)
    second = create_crl(root, record[:left], previous=first, now=now + DAY, validity=DAY)
    third = create_crl(root, revoked, previous=second, now=now + DAY, validity=DAY)
    for crl in (first, second, third):
        (entry,) = crl
        assert (entry.serial_number, entry.revocation_date_utc) == (bad.serial_number, now)
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value
        assert reason.reason is x509.ReasonFlags.key_compromise


def test_an_authority_without_crl_sign_is_refused(root: Authority, now: datetime) -> None:
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(Subject("Old").name())
        .issuer_name(Subject("Old").name())
        .public_key(root.key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + DAY)
        .add_extension(usage, critical=True)
        .sign(root.key, hashes.SHA256())
    )
    with pytest.raises(IdentityError, match="CN=Old may not sign revocation lists"):
        create_crl(Authority(certificate, root.key), (), previous=None, now=now, validity=DAY)
