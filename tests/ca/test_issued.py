"""The record of issued certificates: nothing is lost, and numbers are read as people write them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ca import Authority, Subject, issue_workload
from sidecar.ca.issued import (
    Issued,
    Reason,
    Revocation,
    find,
    find_by_text,
    from_lines,
    to_lines,
    with_certificate,
    with_revocation,
)
from sidecar.errors import OperatorError

DAY = timedelta(days=1)
MOMENT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

# RFC 5280 section 4.1.2.5: no certificate is older.
moments = st.datetimes(datetime(1950, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda each: each.replace(microsecond=0)
)
entries = st.builds(
    Issued,
    serial_number=st.integers(1, (1 << 159) - 1),
    subject=st.text(),
    not_before=moments,
    not_after=moments,
    sha256=st.text("0123456789abcdef"),
    revocation=st.none() | st.builds(Revocation, at=moments, reason=st.sampled_from(Reason)),
)


def _entry(serial_number: int, revocation: Revocation | None = None) -> Issued:
    return Issued(serial_number, "CN=x", MOMENT, MOMENT + DAY, "ab", revocation)


@given(st.lists(entries).map(tuple))
def test_a_record_is_read_back_as_it_was(record: tuple[Issued, ...]) -> None:
    assert from_lines(to_lines(record)) == record


def test_a_record_has_one_line_for_each_certificate(root: Authority, now: datetime) -> None:
    certificate, _ = issue_workload(root, Subject("billing"), now=now, validity=DAY)
    record = with_certificate((), certificate)
    record = with_revocation(record, certificate.serial_number, Revocation(now, Reason.SUPERSEDED))
    (line,) = to_lines(record).splitlines()
    assert json.loads(line) == {
        "serial": f"{certificate.serial_number:x}",
        "subject": "CN=billing",
        "not_before": "2026-03-01T11:55:00Z",
        "not_after": "2026-03-02T12:00:00Z",
        "sha256": record[0].sha256,
        "revoked_at": "2026-03-01T12:00:00Z",
        "reason": "superseded",
    }


def test_a_certificate_is_entered_once(root: Authority, now: datetime) -> None:
    certificate, _ = issue_workload(root, Subject("billing"), now=now, validity=DAY)
    once = with_certificate((), certificate)
    assert with_certificate(once, certificate) == once
    assert len(once) == 1


def test_the_first_revocation_stays() -> None:
    first, second = (
        Revocation(MOMENT, Reason.SUPERSEDED),
        Revocation(MOMENT + DAY, Reason.KEY_COMPROMISE),
    )
    record = with_revocation((_entry(1), _entry(2)), 2, first)
    assert with_revocation(record, 2, second) == record
    assert [each.revocation for each in record] == [None, first]
    assert find(record, 2) == _entry(2, first)
    assert find(record, 3) is None


@pytest.mark.parametrize(
    ("text", "serial_number"),
    [
        ("171", 171),
        ("ab", 171),
        ("AB", 171),
        ("0xab", 171),
        ("00:AB", 171),
        ("0x100", 256),
        ("256", 256),
        ("1:00", 256),
    ],
)
def test_a_serial_number_is_found_in_decimal_and_in_hex(text: str, serial_number: int) -> None:
    record = (_entry(1), _entry(171), _entry(256))
    assert find_by_text(record, text).serial_number == serial_number


def test_a_number_that_could_be_two_certificates_is_refused_until_it_is_clear() -> None:
    record = (_entry(10), _entry(16))
    with pytest.raises(OperatorError, match="one certificate in decimal and another in hex"):
        find_by_text(record, "10")
    assert find_by_text(record, "0x10").serial_number == 16
    assert find_by_text(record[:1], "10").serial_number == 10


@pytest.mark.parametrize(
    "text", ["", "x", "0x", "-1", "1_0", "1 0", "\u0661", ":", "ab:", "12g", "9" * 5000, "a" * 5000]
)
def test_what_is_no_serial_number_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="is not a serial number"):
        find_by_text((_entry(1), _entry(10)), text)


@pytest.mark.parametrize("text", ["12", "0xffff", "9" * 49])
def test_a_serial_number_of_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="there is no certificate with serial number"):
        find_by_text((_entry(1), _entry(10)), text)


GOOD = to_lines((_entry(1, Revocation(MOMENT, Reason.UNSPECIFIED)),))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"{", b""),
        (b'"1"', b"1"),
        (b'"1"', b'"x"'),
        (b'"sha256"', b'"sha512"'),
        (b"CN=x", b"\xff"),
        (b"2026-03-01T12:00:00Z", b"yesterday"),
        (b"unspecified", b"certificateHold"),
        (b'"unspecified"', b"null"),
        (GOOD.rstrip(), b"[]"),
        (GOOD, b"\n"),
    ],
)
def test_a_record_with_a_line_of_another_kind_is_refused(old: bytes, new: bytes) -> None:
    assert len(from_lines(GOOD + GOOD)) == 2
    with pytest.raises(ValueError, match="line 2 is not an entry"):
        from_lines(GOOD + GOOD.replace(old, new, 1))
