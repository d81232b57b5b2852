"""Which of several certificates is the leaf, and how far up its path is followed."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sidecar.ca.path import MAX_DEPTH, issuers_above
from sidecar.identity.chain import chain_above, find_leaf
from tests.identity.certificates import DAY, KEY, NOW, Made

TODAY = Made(serial_number=1, ends=NOW + 5 * DAY)


@pytest.mark.parametrize(
    ("other", "chosen"),
    [
        pytest.param(Made(serial_number=2), 2, id="longer valid"),
        pytest.param(Made(serial_number=2, ends=NOW + DAY), 1, id="shorter valid"),
        pytest.param(Made(serial_number=2, starts=NOW + DAY), 1, id="made for later"),
        pytest.param(Made(serial_number=2, starts=NOW - 9 * DAY, ends=NOW - DAY), 1, id="expired"),
        pytest.param(
            Made(serial_number=2, issuer="billing", ends=NOW + 999 * DAY), 1, id="a placeholder"
        ),
    ],
)
def test_the_leaf_is_the_best_certificate_of_the_key(other: Made, chosen: int) -> None:
    both = [TODAY.certificate(), other.certificate()]
    for each in (both, both[::-1]):
        found = find_leaf(each, KEY.public_key(), NOW)
        assert found is not None
        assert found.serial_number == chosen


def test_the_renewal_is_taken_once_its_time_has_come() -> None:
    both = [TODAY.certificate(), Made(serial_number=2, starts=NOW + DAY).certificate()]
    found = find_leaf(both, KEY.public_key(), NOW + DAY + timedelta(seconds=1))
    assert found is not None
    assert found.serial_number == 2


def test_one_that_is_not_valid_is_still_found_and_one_of_another_key_never() -> None:
    expired = Made(ends=NOW - timedelta(hours=1)).certificate()
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert find_leaf([expired], KEY.public_key(), NOW) == expired
    assert find_leaf([expired], other, NOW) is None


def test_authorities_that_certify_one_another_are_followed_to_a_limit() -> None:
    between = [
        Made(name=one, issuer=two, ca=True, serial_number=number).certificate()
        for number in range(1, 40)
        for one, two in (("A", "B"), ("B", "A"))
    ]
    leaf = Made(issuer="A").certificate()
    assert len(issuers_above(leaf, between)) == MAX_DEPTH
    assert len(chain_above(leaf, between).issuers) == MAX_DEPTH
