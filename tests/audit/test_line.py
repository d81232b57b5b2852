"""What a line looks like, and that no text can make more than one of it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.audit.event import AuditEvent, Result
from sidecar.audit.line import LONGEST_LINE, bounded, iso_milliseconds, rendered, rendered_loss

if TYPE_CHECKING:
    from tests.conftest import NewEvent

LINK = ',"prev":"' + "0" * 64 + '"}\n'


def test_the_keys_stand_in_one_order_and_nothing_is_between_them(now: datetime) -> None:
    event = AuditEvent(
        access_key_id="ASIA1",
        peer="127.0.0.1:5",
        cache="hit",
        reason="because",
        resource="prod/web",
        token_id="t1",
        app="web",
        result=Result.DENIED,
        action="Get",
        door="secrets",
        time=now,
    )
    assert rendered(event) == (
        b'{"time":"2026-03-01T12:00:00.000Z","door":"secrets","action":"Get","result":"denied",'
        b'"app":"web","token_id":"t1","resource":"prod/web","cache":"hit","reason":"because",'
        b'"peer":"127.0.0.1:5","access_key_id":"ASIA1"}'
    )


def test_what_is_not_known_is_left_out(new_event: "NewEvent") -> None:
    assert list(json.loads(rendered(new_event()))) == ["time", "door", "action", "result"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param('a"b\\c', r"a\"b\\c", id="quotes"),
        pytest.param("a\nb\r\u2028c", r"a\nb\r\u2028c", id="line ends"),
        pytest.param("\x1b[31m\x7f\x9b", r"\u001b[31m\u007f\u009b", id="what moves a cursor"),
        pytest.param("\0", r"\u0000", id="NUL"),
        pytest.param("\ud800x\udcff", r"\ud800x\udcff", id="halves of pairs, undecodable bytes"),
        pytest.param("é😀", r"\u00e9\ud83d\ude00", id="beyond ASCII"),
        pytest.param('x","result":"granted', r"x\",\"result\":\"granted", id="another key"),
        pytest.param("a" * 256, "a" * 256, id="as long as may be"),
        pytest.param("a" * 257, "a" * 255 + r"\u2026", id="longer by one"),
        pytest.param("a" * 100_000, "a" * 255 + r"\u2026", id="100 kB"),
    ],
)
def test_a_callers_text_is_escaped_and_cut(text: str, written: str, new_event: "NewEvent") -> None:
    line = rendered(new_event(resource=text))
    assert f'"resource":"{written}"}}'.encode() in line
    assert line.isascii()
    assert b"\n" not in line


def test_a_line_stays_short_even_of_the_longest_texts(new_event: "NewEvent") -> None:
    names = ("door", "action", "resource", "app", "token_id", "reason", "cache", "peer")
    line = rendered(new_event(**dict.fromkeys(names, "😀" * 1000), access_key_id="😀" * 1000))
    assert len(line) + len(LINK) <= LONGEST_LINE
    assert json.loads(line)["resource"] == "😀" * 15 + "…"


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_every_text_comes_back_and_stays_on_its_line(text: str) -> None:
    event = AuditEvent(
        time=datetime(2026, 3, 1, tzinfo=UTC),
        door="secrets",
        action="Get",
        result=Result.FAILED,
        reason=text,
    )
    line = rendered(event)
    assert all(0x20 <= byte <= 0x7E for byte in line)
    told = json.loads(line).get("reason", "")
    assert told == text or (told[-1], told[:-1]) == ("…", text[: len(told) - 1])


def test_an_event_that_waits_is_no_longer_than_its_line(new_event: "NewEvent") -> None:
    long = new_event(resource="r" * 100_000, reason="short")
    short = bounded(long)
    assert (len(short.resource), short.reason) == (256, "short")
    assert rendered(short) == rendered(long)
    assert bounded(short) is short


@pytest.mark.parametrize(
    ("dropped", "torn", "written"),
    [
        (3, "", b'{"time":"2026-03-01T12:00:00.000Z","dropped":3}'),
        (0, "ab", b'{"time":"2026-03-01T12:00:00.000Z","torn":"ab"}'),
        (1, "ab", b'{"time":"2026-03-01T12:00:00.000Z","dropped":1,"torn":"ab"}'),
    ],
)
def test_a_loss_is_a_line_too(dropped: int, torn: str, written: bytes, now: datetime) -> None:
    assert rendered_loss(now, dropped, torn) == written


def test_time_is_utc_in_milliseconds() -> None:
    there = timezone(timedelta(hours=9))
    assert (
        iso_milliseconds(datetime(2026, 1, 1, 0, 0, 0, 1999, there)) == "2025-12-31T15:00:00.001Z"
    )
