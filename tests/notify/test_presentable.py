"""Whatever is in a notice, no sink gets a whole key id, a broken line or more than it takes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.notice import Kind, Notice, Severity
from sidecar.notify import chat, emf, eventbridge, json_line, slack, webhook
from sidecar.notify.presentable import document, presentable, title
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.notify.conftest import NewNotice

KEY_ID = "AKIACANARYCANARY7QXZ"
SESSION_ID = "ASIACANARYCANARY9WVU"
Render = Callable[[Notice], object]


def _posted(notice: Notice) -> bytes:
    return webhook.post(notice, Secret("k" * 32), notice.at).body


RENDERERS: dict[str, Render] = {
    "eventbridge": lambda notice: eventbridge.entry(notice, "default")["Detail"],
    "sns": chat.message,
    "slack": slack.message,
    "webhook": _posted,
    "emf": lambda notice: emf.line(notice, "Sidecar"),
    "json line": json_line.line,
}
each_renderer = pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)


def _text(rendered: object) -> str:
    return rendered.decode("ascii") if isinstance(rendered, bytes) else str(rendered)


@each_renderer
def test_a_key_id_is_shown_by_its_last_four_characters_wherever_it_stands(
    render: Render, new_notice: "NewNotice"
) -> None:
    notice = new_notice(
        sentence=f"key {KEY_ID} is inactive",
        facts={"old": SESSION_ID, KEY_ID: "x", "hint": f"look at {KEY_ID}", "a": f"({KEY_ID})"},
        thread=f"rotation-{KEY_ID}",
    )
    told = _text(render(notice))
    assert "CANARY" not in told
    assert json.dumps("…7QXZ").strip('"') in told
    assert json.dumps("…9WVU").strip('"') in told


@each_renderer
def test_a_secret_that_got_into_the_facts_shows_itself_to_nobody(
    render: Render, new_notice: "NewNotice"
) -> None:
    facts: Any = {"value": Secret("canary-value")}
    assert "canary-value" not in _text(render(new_notice(facts=facts)))


@each_renderer
def test_what_is_rendered_is_json_on_one_line_whatever_the_text(
    render: Render, new_notice: "NewNotice"
) -> None:
    @given(text=st.text(st.characters()), name=st.text(st.characters(), min_size=1))
    def check(text: str, name: str) -> None:
        told = _text(render(new_notice(sentence=text, facts={name: text}, thread=text)))
        assert told.isascii()
        assert told.isprintable()
        assert isinstance(json.loads(told), dict)

    check()


@each_renderer
@pytest.mark.parametrize("before", ["", "arn:"])
@pytest.mark.parametrize("char", ["a", "&", '"', "\N{PILE OF POO}", "\udcff", "\n"])
def test_the_longest_notice_fits_into_every_message(
    render: Render, char: str, before: str, new_notice: "NewNotice"
) -> None:
    long = before + char * 10_000
    facts = {f"{number}{long}": long for number in range(100)} | {"hint": long}
    told = _text(render(new_notice(sentence=long, facts=facts, thread=long)))
    assert len(told) < 256 * 1024


@pytest.mark.parametrize("char", ["a", '"', "\N{PILE OF POO}"])
def test_the_longest_entry_fits_as_eventbridge_counts(char: str, new_notice: "NewNotice") -> None:
    long = f"arn:{char * 10_000}"
    facts = {f"{number}{long}": long for number in range(100)}
    entry = eventbridge.entry(new_notice(sentence=long, facts=facts, thread=long), "b" * 256)
    # "Calculating Amazon EventBridge event entry size": 14 bytes of Time, and the texts in UTF-8.
    texts = (entry["Source"], entry["DetailType"], entry["Detail"], *_list(entry["Resources"]))
    assert 14 + sum(len(str(each).encode()) for each in texts) < 256 * 1024


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def test_what_fits_is_not_touched(new_notice: "NewNotice") -> None:
    notice = new_notice(sentence="x" * 1000, facts={"n" * 64: "v" * 500})
    assert presentable(notice) == notice
    assert presentable(replace(notice, sentence="x" * 1001)).sentence == "x" * 999 + "…"


def test_a_document_is_what_programs_read(new_notice: "NewNotice") -> None:
    said = document(new_notice())
    assert len(str(said.pop("id"))) == 32
    assert said == {
        "version": "1",
        "kind": "rotation-failed",
        "severity": "error",
        "time": "2026-03-01T12:00:00Z",
        "sentence": "the key in legacy/batch was not rotated: access denied",
        "facts": {"secret": "legacy/batch", "hint": "allow iam:CreateAccessKey"},
        "thread": "legacy/batch v1",
    }


def test_the_id_is_the_same_for_the_same_notice_and_another_for_another(
    new_notice: "NewNotice", now: datetime
) -> None:
    first = document(new_notice())["id"]
    assert document(new_notice())["id"] == first
    assert document(new_notice(at=now + timedelta(milliseconds=1)))["id"] != first
    assert document(new_notice(severity=Severity.INFO))["id"] != first


def test_a_kind_is_written_as_a_heading() -> None:
    assert title(Kind.SESSION_RECOVERED) == "Session recovered"
