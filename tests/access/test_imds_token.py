"""The tokens of IMDSv2: what is taken, for how long, and everything that is not."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.access.imds_token import (
    NONCE_BYTES,
    TOKEN_LENGTH,
    ImdsTokenRefused,
    issue,
    read_ttl,
    remaining_seconds,
)

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NONCE = b"n" * NONCE_BYTES
NOW = 1_000_000.25
TTLS = st.integers(1, 21600)
MALFORMED = "the token is malformed"
FORGED = "the token was not made by this process"


def refusal(token: str, now: float = NOW, key: bytes = KEY) -> str:
    with pytest.raises(ImdsTokenRefused) as caught:
        remaining_seconds(key, token, now)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1", 1), ("60", 60), ("300", 300), ("21600", 21600), ("00060", 60)]
)
def test_a_ttl_of_one_second_to_six_hours_is_taken(text: str, seconds: int) -> None:
    assert read_ttl(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "60\n",
        "000060",
        "9" * 5000,
        "",
        "0",
        "00000",
        "21601",
        "99999",
        "-1",
        "+60",
        "6e1",
        "60.0",
        " 60",
        "60s",
        "0x3c",
        "٦٠",
    ],
)
def test_any_other_ttl_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ImdsTokenRefused) as caught:
        read_ttl(text)
    assert str(caught.value) == "the TTL must be a number of seconds from 1 to 21600"


@given(TTLS, st.floats(0, 1e9))
def test_a_new_token_is_good_for_exactly_its_ttl(ttl: int, now: float) -> None:
    token = issue(KEY, NONCE, ttl, now)
    assert remaining_seconds(KEY, token, now) == ttl
    assert refusal(token, now + ttl + 1) == "the token has expired"


@given(TTLS, st.integers(0, 21_600_000))
def test_what_is_left_is_told_in_whole_seconds_and_never_too_much(ttl: int, later: int) -> None:
    token, moment = issue(KEY, NONCE, ttl, NOW), NOW + later / 1000
    left = ttl * 1000 - later
    if left > 0:
        assert remaining_seconds(KEY, token, moment) == left // 1000
    else:
        assert refusal(token, moment) == "the token has expired"


def test_a_token_ends_at_its_end() -> None:
    token = issue(KEY, NONCE, 60, NOW)
    assert remaining_seconds(KEY, token, NOW + 59.75) == 0
    assert refusal(token, NOW + 60) == "the token has expired"


def test_a_token_is_as_long_as_aws_s_and_fits_into_a_header() -> None:
    token = issue(KEY, NONCE, 21600, NOW)
    assert len(token) == TOKEN_LENGTH == 56
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


def test_tokens_of_one_moment_differ() -> None:
    assert issue(KEY, NONCE, 60, NOW) != issue(KEY, b"m" * NONCE_BYTES, 60, NOW)


def test_another_process_s_token_is_refused() -> None:
    assert refusal(issue(OTHER_KEY, NONCE, 60, NOW)) == FORGED


@given(st.integers(0, 41), st.integers(1, 255))
def test_a_token_with_any_byte_changed_is_refused(place: int, change: int) -> None:
    held = bytearray(urlsafe_b64decode(issue(KEY, NONCE, 60, NOW)))
    held[place] ^= change
    assert refusal(urlsafe_b64encode(held).decode()) == FORGED


def test_a_forged_token_is_not_told_that_it_has_expired() -> None:
    assert refusal(issue(OTHER_KEY, NONCE, 60, NOW), NOW + 61) == FORGED


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:0],
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token[:-1] + "=",
        lambda token: token[:-1] + "+",
        lambda token: token[:-1] + " ",
        lambda token: token[:-1] + "\n",
        lambda token: token + "\n",
        lambda token: token[:-1] + "é",
        lambda token: token * 1000,
    ],
)
def test_what_does_not_look_like_a_token_is_refused(spoil: "type[str]") -> None:
    assert refusal(spoil(issue(KEY, NONCE, 60, NOW))) == MALFORMED


@given(st.text())
def test_no_text_is_a_token(text: str) -> None:
    assert refusal(text) in (MALFORMED, FORGED)
