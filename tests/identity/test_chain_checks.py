"""Findings on the intermediates of a chain: each one alone, and its twin that passes."""

from datetime import timedelta
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sidecar.identity.checks import Severity, check_certificates
from tests.identity.certificates import (
    DAY,
    NOW,
    SHA1_WITH_RSA,
    SHA384_WITH_RSA,
    Made,
    authority,
    signed_with,
)

SECOND: Final = timedelta(seconds=1)
UPPER: Final = authority(name="Upper", path_length=1)


@pytest.mark.parametrize(
    ("chain", "codes"),
    [
        pytest.param([], [], id="none"),
        pytest.param([authority()] * 5, [], id="five"),
        pytest.param([authority()] * 6, ["chain-length"], id="six"),
        pytest.param([authority(ends=NOW)], ["chain-expires-soon"], id="its last second"),
        pytest.param([authority(ends=NOW - SECOND)], ["chain-validity"], id="an expired one"),
        pytest.param([authority(starts=NOW)], [], id="its first second"),
        pytest.param([authority(starts=NOW + SECOND)], ["chain-validity"], id="one too young"),
        pytest.param([authority(starts=NOW - 60 * DAY, ends=NOW + 7 * DAY)], [], id="a week left"),
        pytest.param(
            [authority(starts=NOW - 60 * DAY, ends=NOW + 7 * DAY - SECOND)],
            ["chain-expires-soon"],
            id="less than a week left",
        ),
        pytest.param([authority(ca=False)], ["chain-ca"], id="CA:false"),
        pytest.param([authority(ca=None)], ["chain-ca"], id="no basic constraints"),
        pytest.param([authority(usage=None)], [], id="no key usage"),
        pytest.param([authority(usage=["crl_sign"])], ["chain-key-usage"], id="another key usage"),
        pytest.param([authority(path_length=0), UPPER], [], id="path lengths that suffice"),
        pytest.param(
            [authority(), authority(path_length=0)], ["path-length"], id="a path length exceeded"
        ),
        pytest.param([authority(), authority(), UPPER], ["path-length"], id="one exceeded by one"),
        pytest.param([authority(path_length=0)], [], id="path length 0 right above the leaf"),
    ],
)
def test_each_fault_of_a_chain_is_found(chain: list[Made], codes: list[str]) -> None:
    issuers = [each.certificate() for each in chain]
    findings = check_certificates(Made().certificate(), issuers, NOW)
    assert [each.code for each in findings] == codes


@pytest.mark.parametrize(
    ("algorithm", "sentences"),
    [
        (SHA384_WITH_RSA, []),
        (SHA1_WITH_RSA, ["intermediate CN=Lower is signed with sha1"]),
    ],
    ids=["SHA-384", "SHA-1"],
)
def test_weak_hashes_are_found_in_the_chain_too(
    algorithm: bytes, sentences: list[str], rsa_key: rsa.RSAPrivateKey
) -> None:
    lower = signed_with(algorithm, authority().certificate(rsa_key))
    findings = check_certificates(Made().certificate(), [lower], NOW)
    assert [each.sentence for each in findings] == sentences


def test_what_ends_a_session_is_an_error_and_what_may_end_one_a_warning() -> None:
    def severities(lower: Made) -> list[Severity]:
        issuers = [lower.certificate()]
        return [each.severity for each in check_certificates(Made().certificate(), issuers, NOW)]

    assert severities(authority(ends=NOW - SECOND)) == [Severity.ERROR]
    assert severities(authority(ends=NOW + SECOND)) == [Severity.WARNING]


def test_the_intermediate_and_the_numbers_are_named() -> None:
    chain = [authority().certificate(), authority(name="Upper", path_length=0).certificate()]
    (finding,) = check_certificates(Made().certificate(), chain, NOW)
    assert finding.sentence == ("intermediate CN=Upper allows 0 intermediates below it and has 1")
