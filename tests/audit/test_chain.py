"""Links between lines: every change that leaves a line after it is found."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sidecar.audit.chain import GENESIS, digest, link_of, linked
from sidecar.audit.ending import Batch, Ending, after, as_bytes, composed, ending_of
from sidecar.audit.verification import Account, BrokenTrail, Place, Verification

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = 6
NUMBERS = st.integers(0, COUNT - 1)


def _chain(count: int = COUNT) -> list[bytes]:
    bodies = [b'{"n":%d,"result":"granted"}' % number for number in range(count)]
    return composed(Ending(), Batch(bodies, 0, NOW), chained=True)


LINES = _chain()


def _verify(lines: list[bytes], expected: str | None = None) -> Account:
    verification = Verification(after=GENESIS)
    for number, line in enumerate(lines, start=1):
        verification.take(line, Place("FILE", number))
    verification.end(expected)
    return verification.account


def _is_found(lines: list[bytes], expected: str | None = None) -> bool:
    """Whether it is refused, or a line is called torn that is not."""
    try:
        return _verify(lines, expected).torn > 0
    except BrokenTrail:
        return True


def test_each_line_ends_with_the_hash_of_the_one_before() -> None:
    assert link_of(LINES[0]) == GENESIS
    assert [link_of(later) for _, later in pairwise(LINES)] == [digest(line) for line in LINES[:-1]]
    assert linked(b'{"a":1}', "f" * 64) == b'{"a":1,"prev":"' + b"f" * 64 + b'"}'


def test_an_untouched_trail_is_right_and_counted() -> None:
    account = _verify(LINES, digest(LINES[-1]))
    assert (account.lines, account.granted, account.torn) == (COUNT, COUNT, 0)
    assert (account.follows, account.head) == (GENESIS, digest(LINES[-1]))


@given(st.integers(0, len(b"\n".join(LINES[:-1]))), st.integers(0, 255))
def test_any_single_byte_that_is_changed_is_found(at: int, byte: int) -> None:
    whole = bytearray(b"\n".join(LINES))
    assume(whole[at] != byte)
    whole[at] = byte
    assert _is_found(bytes(whole).split(b"\n"))


@given(NUMBERS)
def test_a_line_that_is_removed_is_found(number: int) -> None:
    left = [*LINES[:number], *LINES[number + 1 :]]
    assert _is_found(left, digest(LINES[-1]))
    assert _is_found(left) or number == COUNT - 1


@given(NUMBERS, st.one_of(st.binary(max_size=40), st.sampled_from(LINES)))
def test_a_line_that_is_added_is_found(number: int, line: bytes) -> None:
    assume(b"\n" not in line)
    assert _is_found([*LINES[:number], line, *LINES[number:]])
    assert _is_found([*LINES, line], digest(LINES[-1])) or link_of(line) is None


@given(NUMBERS, NUMBERS)
def test_lines_that_change_places_are_found(one: int, other: int) -> None:
    assume(one != other)
    swapped = list(LINES)
    swapped[one], swapped[other] = LINES[other], LINES[one]
    assert _is_found(swapped)


@given(st.integers(0, COUNT - 1))
def test_what_is_missing_at_the_end_is_found_by_the_hash_alone(left: int) -> None:
    assert not _is_found(LINES[:left])
    assert _is_found(LINES[:left], digest(LINES[-1]))


def test_a_change_of_the_last_line_is_found_by_the_hash_alone() -> None:
    changed = [*LINES[:-1], LINES[-1].replace(b"granted", b"revoked")]
    assert not _is_found(changed)
    assert _is_found(changed, digest(LINES[-1]))


@pytest.mark.parametrize("line", [b"[" * 4000, b"9" * 4000, b"\xff", b"{}", b"", b"null", b'"x"'])
def test_what_is_no_line_of_a_chain_is_refused_whatever_it_is(line: bytes) -> None:
    hostile = line + b',"prev":"' + b"0" * 64 + b'"}'
    for each in (line, hostile):
        with pytest.raises(BrokenTrail, match="FILE line 2: is no line of the chain"):
            _verify([LINES[0], each, *LINES[1:]])


def test_lines_from_before_the_chain_are_counted_and_followed() -> None:
    lines = [b'{"n":1}', b'{"n":2}']
    more = composed(ending_of(b"\n".join(lines) + b"\n", whole=True), _batch(), chained=True)
    verification = Verification()
    for number, line in enumerate([*lines, *more], start=1):
        verification.take(line, Place("FILE", number))
    assert (verification.account.unchained, verification.account.lines) == (2, 1)
    with pytest.raises(BrokenTrail):
        _verify([lines[1], lines[0], *more])


def test_a_trail_without_a_chain_is_refused() -> None:
    with pytest.raises(BrokenTrail, match="nothing is chained"):
        _verify([b'{"n":1}'])


def _batch() -> Batch:
    return Batch([b'{"n":3}'], 0, NOW)


def _written(counts: list[int]) -> tuple[bytes, Ending]:
    """Write one batch after another, each up to so many bytes."""
    content, ending = b"", Ending()
    for count in counts:
        lines = composed(ending, Batch([b'{"n":1}', b'{"n":2}'], 0, NOW), chained=True)
        taken = as_bytes(ending, lines)[:count]
        content += taken
        ending, _ = after(ending, lines, len(taken))
    return content, ending


@given(st.lists(st.integers(0, 400), max_size=6))
def test_wherever_writes_stop_the_chain_holds_and_is_read_back_as_it_is_known(
    counts: list[int],
) -> None:
    content, ending = _written(counts)
    if link_of(content.split(b"\n")[0]) is not None:
        assert ending_of(content, whole=True) == ending
    content, ending = _written([*counts, 10_000])
    verification = Verification()
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), start=1):
        verification.take(line, Place("FILE", number))
    verification.end(ending.head)
    assert verification.account.unchained == 0


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_new_file_that_begins_torn_follows_the_old_one(count: int, more: int) -> None:
    content, ending = _written([10_000, count])
    lines = composed(ending, _batch(), chained=True)
    young = as_bytes(ending.in_a_new_file(), lines)[:more]
    known, _ = after(ending.in_a_new_file(), lines, len(young))
    if young:
        assert ending_of(young, whole=True, before=lambda: ending) == known
    assert ending_of(content, whole=True) == ending
