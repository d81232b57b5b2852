"""Paths to a trust anchor: what is trusted, and the reason for what is not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sidecar.emulator.roles_anywhere.certificate_path import Pool, Untrusted, find_path

Certified = tuple[x509.Certificate, Any]
Certify = Callable[..., Certified]

SIGN = {"key_cert_sign"}
NO_PATH = "Untrusted signing certificate"
EXPIRED = "Untrusted certificate. Certificate has expired"
EARLY = "Untrusted certificate. Certificate is not yet valid"
NO_CA = "Untrusted certificate. Issuer is not a certificate authority"
NO_SIGN = "Untrusted certificate. Issuer may not sign certificates"
WEAK = "Untrusted certificate. Issuer has a signature weaker than SHA-256"
TOO_DEEP = "Untrusted certificate. Path length constraint exceeded"


@pytest.fixture
def verdict(today: datetime) -> Callable[..., str]:
    """Give a function that says why a chain is not trusted; empty when it is.

    The chain goes from the leaf upwards and ends with the anchor.
    """

    def ask(*chain: Certified, now: datetime | None = None, reverse: bool = False) -> str:
        leaf, *between, anchor = [certificate for certificate, _ in chain]
        if reverse:
            between.reverse()
        try:
            find_path(leaf, Pool(between, [anchor]), now or today)
        except Untrusted as error:
            return error.reason
        return ""

    return ask


@pytest.fixture
def root(certify: Certify) -> Certified:
    return certify(name="root", ca=True, usage=SIGN)


def authority(certify: Certify, issuer: Certified, name: str, **options: Any) -> Certified:
    return certify(issuer, **{"name": name, "ca": True, "usage": SIGN, **options})


def test_a_leaf_of_the_anchor_is_trusted(verdict: Any, certify: Certify, root: Certified) -> None:
    assert verdict(certify(root), root) == ""


def test_a_leaf_of_another_ca_is_not(verdict: Any, certify: Certify, root: Certified) -> None:
    assert verdict(certify(certify(name="other", ca=True, usage=SIGN)), root) == NO_PATH


def test_a_namesake_of_the_anchor_is_not_the_anchor(
    verdict: Any, certify: Certify, root: Certified
) -> None:
    assert verdict(certify(certify(name="root", ca=True, usage=SIGN)), root) == NO_PATH


@pytest.mark.parametrize("reverse", [False, True])
def test_intermediates_are_a_pool_in_any_order(
    verdict: Any, certify: Certify, root: Certified, *, reverse: bool
) -> None:
    first = authority(certify, root, "first")
    second = authority(certify, first, "second")
    third = authority(certify, second, "third")
    leaf = certify(third)
    assert verdict(leaf, third, second, first, root, reverse=reverse) == ""
    assert verdict(leaf, third, first, root, reverse=reverse) == NO_PATH


def test_what_does_not_belong_to_the_path_does_no_harm(
    verdict: Any, certify: Certify, root: Certified
) -> None:
    stranger = certify(name="stranger", ca=True, usage=SIGN)
    middle = authority(certify, root, "middle")
    leaf = certify(middle)
    assert verdict(leaf, stranger, leaf, root, middle, root) == ""


def test_an_intermediate_may_be_the_anchor(verdict: Any, certify: Certify, root: Certified) -> None:
    middle = authority(certify, root, "middle")
    assert verdict(certify(middle), middle) == ""


@pytest.mark.parametrize(("depth", "expected"), [(5, ""), (6, NO_PATH)])
def test_five_intermediates_are_the_limit(
    verdict: Any, certify: Certify, root: Certified, depth: int, expected: str
) -> None:
    chain = [root]
    for number in range(depth):
        chain.insert(0, authority(certify, chain[0], f"level {number}"))
    assert verdict(certify(chain[0]), *chain) == expected


BROKEN = [
    ("leaf expired", "leaf", {"begins": timedelta(days=-2), "ends": timedelta(-1)}, EXPIRED),
    ("leaf not yet valid", "leaf", {"begins": timedelta(hours=1)}, EARLY),
    ("issuer expired", "middle", {"begins": timedelta(days=-2), "ends": timedelta(-1)}, EXPIRED),
    ("issuer not yet valid", "middle", {"begins": timedelta(hours=1)}, EARLY),
    ("anchor expired", "root", {"begins": timedelta(days=-2), "ends": timedelta(-1)}, EXPIRED),
    ("issuer no CA", "middle", {"ca": False}, NO_CA),
    ("issuer without constraints", "middle", {"ca": None}, NO_CA),
    ("anchor no CA", "root", {"ca": False}, NO_CA),
    ("issuer may not sign", "middle", {"usage": {"digital_signature"}}, NO_SIGN),
    ("issuer without key usage", "middle", {"usage": None}, NO_SIGN),
    ("anchor may not sign", "root", {"usage": {"crl_sign"}}, NO_SIGN),
    ("issuer with a weak hash", "middle", {"algorithm": hashes.SHA224()}, WEAK),
    ("anchor allows no intermediate", "root", {"path_length": 0}, TOO_DEEP),
    ("anchor allows one intermediate", "root", {"path_length": 1}, ""),
    ("intermediate allows leaves", "middle", {"path_length": 0}, ""),
    ("nothing wrong", "leaf", {}, ""),
]


@pytest.mark.parametrize(
    ("which", "options", "expected"), [pytest.param(*case[1:], id=case[0]) for case in BROKEN]
)
def test_each_rule_is_the_only_one_broken(
    verdict: Any, certify: Certify, which: str, options: dict[str, Any], expected: str
) -> None:
    def with_options(name: str) -> dict[str, Any]:
        return options if which == name else {}

    root = certify(**{"name": "root", "ca": True, "usage": SIGN, **with_options("root")})
    middle = authority(certify, root, "middle", **with_options("middle"))
    leaf = certify(middle, **with_options("leaf"))
    assert verdict(leaf, middle, root) == expected


def test_validity_is_that_of_the_given_moment(
    verdict: Any, certify: Certify, root: Certified, today: datetime
) -> None:
    leaf = certify(root)
    ends = leaf[0].not_valid_after_utc
    assert verdict(leaf, root, now=ends) == ""
    assert verdict(leaf, root, now=ends + timedelta(seconds=1)) == EXPIRED


def test_a_second_path_is_tried_when_the_first_is_not_valid(
    verdict: Any, certify: Certify, root: Certified, today: datetime
) -> None:
    renewed = authority(certify, root, "middle")
    expired, _ = _reissued(renewed, root, today)
    leaf = certify(renewed)
    assert verdict(leaf, (expired, None), renewed, root) == ""
    assert verdict(leaf, (expired, None), root) == EXPIRED


def _reissued(subject: Certified, issuer: Certified, today: datetime) -> Certified:
    """Issue an expired certificate for the same name and key."""
    certificate = subject[0]
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(issuer[0].subject)
        .public_key(certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=2))
        .not_valid_after(today - timedelta(days=1))
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(issuer[1], hashes.SHA256()), subject[1]
