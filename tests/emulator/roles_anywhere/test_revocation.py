"""Revocation as pure values: which lists count for which certificate of a path."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sidecar.emulator.roles_anywhere.certificate_path import Pool, Untrusted, find_path
from sidecar.emulator.roles_anywhere.revocation import Revocation, read_lists

Certified = tuple[x509.Certificate, Any]
SIGN = {"key_cert_sign", "crl_sign"}
REVOKED = "Untrusted certificate. Certificate has been revoked"
OUTDATED = "Untrusted certificate. Revocation list is out of date"
NOT_SIGNED = "Untrusted certificate. Revocation list is not signed by the issuer"
MAY_NOT = "Untrusted certificate. Issuer may not sign revocation lists"


@pytest.fixture
def root(certify: Any) -> Certified:
    made: Certified = certify(name="root", ca=True, usage=SIGN)
    return made


@pytest.fixture
def middle(certify: Any, root: Certified) -> Certified:
    made: Certified = certify(root, name="middle", ca=True, usage=SIGN)
    return made


@pytest.fixture
def leaf(certify: Any, middle: Certified) -> Certified:
    made: Certified = certify(middle)
    return made


@pytest.fixture
def verdict(
    leaf: Certified, middle: Certified, root: Certified, today: datetime
) -> Callable[..., str]:
    """Give a function that says why the leaf is not trusted with these lists; empty when it is."""

    def ask(*pems: bytes, lenient: bool = False, now: datetime | None = None) -> str:
        lists = read_lists((f"list {number}", pem) for number, pem in enumerate(pems))
        revocation = Revocation(lists, accept_outdated=lenient)
        pool = Pool([middle[0]], [root[0]], revocation)
        try:
            path = find_path(leaf[0], pool, now or today)
        except Untrusted as error:
            return error.reason
        assert path == (leaf[0], middle[0], root[0])
        return ""

    return ask


def test_without_lists_nothing_is_revoked(verdict: Any) -> None:
    assert verdict() == ""


def test_a_leaf_is_revoked_by_its_issuers_list(
    verdict: Any, revoke: Any, certify: Any, middle: Certified, leaf: Certified
) -> None:
    assert verdict(revoke(middle, leaf[0])) == REVOKED
    assert verdict(revoke(middle, certify(middle)[0])) == ""
    assert verdict(revoke(middle)) == ""


def test_an_intermediate_is_revoked_by_its_issuers_list(
    verdict: Any, revoke: Any, root: Certified, middle: Certified
) -> None:
    assert verdict(revoke(root, middle[0])) == REVOKED
    assert verdict(revoke(root)) == ""


def test_the_same_number_from_another_issuer_is_another_certificate(
    verdict: Any, revoke: Any, certify: Any, root: Certified, leaf: Certified
) -> None:
    stranger = certify(name="stranger", ca=True, usage=SIGN)
    assert verdict(revoke(root, leaf[0]), revoke(stranger, leaf[0])) == ""


def test_the_anchor_itself_cannot_be_revoked(verdict: Any, revoke: Any, root: Certified) -> None:
    assert verdict(revoke(root, root[0])) == ""


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"begins": timedelta(days=-2), "ends": timedelta(days=-1)}, OUTDATED),
        ({"begins": timedelta(hours=1)}, OUTDATED),
        ({"begins": timedelta(days=-2), "ends": timedelta(days=1)}, ""),
    ],
)
def test_a_list_out_of_date_vouches_for_nobody_unless_lenient(
    verdict: Any, revoke: Any, middle: Certified, dates: dict[str, Any], expected: str
) -> None:
    assert verdict(revoke(middle, **dates)) == expected
    assert verdict(revoke(middle, **dates), lenient=True) == ""


@pytest.mark.parametrize("lenient", [False, True])
def test_a_list_out_of_date_still_revokes(
    verdict: Any, revoke: Any, middle: Certified, leaf: Certified, *, lenient: bool
) -> None:
    old = revoke(middle, leaf[0], begins=timedelta(days=-2), ends=timedelta(days=-1))
    assert verdict(old, lenient=lenient) == REVOKED
    assert verdict(old, revoke(middle), lenient=lenient) == REVOKED


def test_one_list_of_the_issuer_that_is_current_is_enough(
    verdict: Any, revoke: Any, middle: Certified
) -> None:
    old = revoke(middle, begins=timedelta(days=-2), ends=timedelta(days=-1))
    assert verdict(old) == OUTDATED
    assert verdict(old, revoke(middle)) == ""


def test_dates_are_those_of_the_given_moment(
    verdict: Any, revoke: Any, middle: Certified, today: datetime
) -> None:
    pem = revoke(middle, begins=timedelta(), ends=timedelta(hours=1))
    assert verdict(pem, now=today) == ""
    assert verdict(pem, now=today + timedelta(hours=1)) == ""
    assert verdict(pem, now=today + timedelta(hours=1, seconds=1)) == OUTDATED
    assert verdict(pem, now=today - timedelta(seconds=1)) == OUTDATED


def test_a_list_in_the_issuers_name_must_be_signed_by_the_issuer(
    verdict: Any, revoke: Any, certify: Any, root: Certified, middle: Certified
) -> None:
    namesake = certify(root, name="middle", ca=True, usage=SIGN)
    assert verdict(revoke(namesake)) == NOT_SIGNED
    assert verdict(revoke(namesake), revoke(middle)) == ""


def test_a_namesakes_list_does_not_revoke(
    *, verdict: Any, revoke: Any, certify: Any, root: Certified, middle: Certified, leaf: Certified
) -> None:
    namesake = certify(root, name="middle", ca=True, usage=SIGN)
    assert verdict(revoke(namesake, leaf[0]), revoke(middle)) == ""


def test_a_namesakes_list_does_not_vouch(
    verdict: Any, revoke: Any, certify: Any, root: Certified, middle: Certified
) -> None:
    namesake = certify(root, name="middle", ca=True, usage=SIGN)
    old = revoke(middle, begins=timedelta(days=-2), ends=timedelta(days=-1))
    assert verdict(revoke(namesake), old) == OUTDATED


@pytest.mark.parametrize(
    ("usage", "expected"), [({"key_cert_sign"}, MAY_NOT), ({"key_cert_sign", "crl_sign"}, "")]
)
def test_the_issuer_must_be_allowed_to_sign_lists(
    *,
    revoke: Any,
    certify: Any,
    root: Certified,
    today: datetime,
    usage: set[str],
    expected: str,
) -> None:
    issuer = certify(root, name="middle", ca=True, usage=usage)
    leaf = certify(issuer)[0]
    revocation = Revocation(read_lists([("list", revoke(issuer))]))
    assert revocation.problem(leaf, issuer[0], today) == expected


def test_another_path_is_taken_when_one_has_a_revoked_intermediate(
    *, revoke: Any, certify: Any, root: Certified, today: datetime
) -> None:
    other_root = certify(name="other root", ca=True, usage=SIGN)
    middle = certify(root, name="middle", ca=True, usage=SIGN)
    crossed = _reissued(middle, other_root)
    leaf = certify(middle)[0]
    lists = read_lists([("list", revoke(root, middle[0]))])
    anchors = [root[0], other_root[0]]
    pool = Pool([middle[0], crossed], anchors, Revocation(lists))
    assert find_path(leaf, pool, today) == (leaf, crossed, other_root[0])
    with pytest.raises(Untrusted, match="revoked"):
        find_path(leaf, Pool([middle[0]], anchors, Revocation(lists)), today)


def _reissued(subject: Certified, issuer: Certified) -> x509.Certificate:
    """Issue another certificate for the same name and key."""
    certificate = subject[0]
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(issuer[0].subject)
        .public_key(certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(issuer[1], hashes.SHA256())


def test_the_lists_that_were_used_out_of_date_are_named(
    *, revoke: Any, leaf: Certified, middle: Certified, root: Certified, today: datetime
) -> None:
    old = {"begins": timedelta(days=-2), "ends": timedelta(days=-1)}
    lists = read_lists([("new", revoke(root)), ("old", revoke(middle, **old))])
    path = (leaf[0], middle[0], root[0])
    assert Revocation(lists).outdated(path, today) == ("old",)
    assert Revocation(lists).outdated((leaf[0], root[0]), today) == ()
