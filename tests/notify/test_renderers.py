"""What each sink is sent, as its own documentation wants it."""

import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from sidecar.notice import Kind, Notice, Severity
from sidecar.notify import chat, emf, eventbridge, json_line, slack, webhook
from sidecar.notify.mrkdwn import escaped
from sidecar.notify.presentable import document
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.notify.conftest import NewNotice

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:legacy/batch-AbCdEf"
KEY = Secret("canary-webhook-key")


def test_an_entry_is_one_that_put_events_takes(new_notice: "NewNotice", now: datetime) -> None:
    entry = eventbridge.entry(new_notice(facts={"secret": ARN, "user": "batch"}), "alerts")
    detail = json.loads(str(entry["Detail"]))
    assert {**entry, "Detail": ""} == {
        "Time": now,
        "Source": "credential-sidecar",
        "DetailType": "Rotation failed",
        "Detail": "",
        "Resources": [ARN],
        "EventBusName": "alerts",
    }
    assert detail["kind"] == "rotation-failed"
    model = ServiceModel(Loader().load_service_model("events", "service-2"))
    shape = model.operation_model("PutEvents").input_shape
    assert shape is not None
    assert not ParamValidator().validate({"Entries": [entry]}, shape).has_errors()


def test_a_chat_message_is_a_custom_notification_in_a_thread(new_notice: "NewNotice") -> None:
    notice = new_notice(facts={"secret": ARN, "hint": "allow <it>", "user": "batch"})
    assert json.loads(chat.message(notice)) == {
        "version": "1.0",
        "source": "custom",
        "id": document(notice)["id"],
        "content": {
            "textType": "client-markdown",
            "title": ":rotating_light: Rotation failed",
            "description": notice.sentence,
            "nextSteps": ["allow &lt;it&gt;"],
        },
        "metadata": {
            "threadId": "legacy/batch v1",
            "summary": notice.sentence,
            "eventType": "rotation-failed",
            "relatedResources": [ARN],
            "additionalContext": {"secret": ARN, "user": "batch", "severity": "error"},
        },
    }


def test_a_chat_message_without_thread_and_hint_does_not_name_them(new_notice: "NewNotice") -> None:
    told = json.loads(chat.message(new_notice(facts={}, thread="")))
    assert "threadId" not in told["metadata"]
    assert "nextSteps" not in told["content"]


def test_a_slack_message_has_a_text_for_telephones_and_blocks(new_notice: "NewNotice") -> None:
    told = json.loads(slack.message(new_notice()))
    assert told["text"] == f"Rotation failed: {new_notice().sentence}"
    first, fields, last = told["blocks"]
    assert first["text"]["text"] == f":rotating_light: *Rotation failed*\n{new_notice().sentence}"
    assert [each["text"] for each in fields["fields"]] == [
        "*secret*\nlegacy/batch",
        "*hint*\nallow iam:CreateAccessKey",
    ]
    assert last["elements"][0]["text"] == "2026-03-01T12:00:00Z · legacy/batch v1"


def test_no_text_mentions_anybody_or_hides_a_link_in_slack(new_notice: "NewNotice") -> None:
    evil = "<!channel> & <https://evil.example|here>"
    told = slack.message(new_notice(sentence=evil, facts={evil: evil}, thread=evil)).decode()
    assert "<" not in told
    assert ">" not in told
    assert "&lt;!channel&gt; &amp; &lt;https" in told


def test_nothing_in_slack_s_message_is_parsed_for_names_and_addresses(
    new_notice: "NewNotice",
) -> None:
    evil = "@channel #general https://evil.example"
    told = json.loads(slack.message(new_notice(sentence=evil, facts={evil: evil}, thread=evil)))
    first, fields, last = told["blocks"]
    texts = [first["text"], *fields["fields"], *last["elements"]]
    assert [(each["type"], each["verbatim"]) for each in texts] == [("mrkdwn", True)] * 3
    assert "parse" not in told
    assert "link_names" not in told


@pytest.mark.parametrize("render", [chat.message, lambda each: slack.message(each).decode()])
@pytest.mark.parametrize(
    ("evil", "shown"),
    [
        ("[your console](https://evil.example)", "[your console] (https://evil.example)"),
        ("![](https://evil.example/pixel)", "![] (https://evil.example/pixel)"),
        ("a\u202eb\u200bc\n*Rotation succeeded*", "a b c *Rotation succeeded*"),
    ],
)
def test_no_text_hides_a_link_of_markdown_or_what_it_says(
    render: Callable[[Notice], str], evil: str, shown: str, new_notice: "NewNotice"
) -> None:
    told = render(new_notice(sentence=evil, facts={"hint": evil}, thread=""))
    assert told.count(shown) >= 2
    assert "](" not in told


def test_slack_is_sent_no_more_than_its_blocks_may_hold(new_notice: "NewNotice") -> None:
    facts = {f"{number}{'&' * 99}": "&" * 9999 for number in range(99)}
    told = json.loads(slack.message(new_notice(sentence="&" * 9999, facts=facts, thread="&" * 999)))
    sections = [each for each in told["blocks"] if each["type"] == "section"]
    assert len(sections[0]["text"]["text"]) <= 3000
    fields: list[Any] = [field for each in sections[1:] for field in each["fields"]]
    assert len(fields) == 24
    assert max(len(each["text"]) for each in fields) <= 2000
    assert max(len(each["fields"]) for each in sections[1:]) == 10
    assert len(told["blocks"]) <= 50


@pytest.mark.parametrize(
    ("text", "most", "written"),
    [
        ("a<b", 9, "a&lt;b"),
        ("&&", 10, "&amp;&amp;"),
        ("&&", 9, "&amp;…"),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("", 3, ""),
    ],
)
def test_markup_is_escaped_and_cut_between_characters(text: str, most: int, written: str) -> None:
    assert escaped(text, most) == written


def test_a_webhooks_signature_is_the_hmac_of_timestamp_and_body(
    new_notice: "NewNotice", now: datetime
) -> None:
    post = webhook.post(new_notice(), KEY, now + timedelta(milliseconds=999))
    timestamp = post.headers["X-Sidecar-Timestamp"]
    assert int(timestamp) == int(now.timestamp())
    signed = f"{timestamp}.{post.body.decode()}".encode()
    right = hmac.digest(b"canary-webhook-key", signed, "sha256").hex()
    assert post.headers["X-Sidecar-Signature"] == f"v1={right}"
    assert "canary" not in repr(post)


def test_another_second_another_body_and_another_key_sign_otherwise(
    new_notice: "NewNotice", now: datetime
) -> None:
    later = now + timedelta(seconds=1)
    posts = [
        webhook.post(new_notice(), KEY, now),
        webhook.post(new_notice(), KEY, later),
        webhook.post(new_notice(thread="another"), KEY, now),
        webhook.post(new_notice(), Secret("another"), now),
    ]
    assert len({each.headers["X-Sidecar-Signature"] for each in posts}) == len(posts)
    assert posts[0].body == posts[1].body


def test_a_metric_line_counts_one_notice_of_its_kind_and_severity(
    new_notice: "NewNotice", now: datetime
) -> None:
    told = json.loads(emf.line(new_notice(), "Sidecar"))
    [metrics] = told["_aws"]["CloudWatchMetrics"]
    assert told["_aws"]["Timestamp"] == int(now.timestamp()) * 1000
    assert metrics["Namespace"] == "Sidecar"
    # Every dimension and every metric must be a member at the top.
    assert {name for each in metrics["Dimensions"] for name in each} == {"Kind", "Severity"}
    assert (told["Kind"], told["Severity"], told["Notices"]) == ("rotation-failed", "error", 1)
    assert metrics["Metrics"] == [{"Name": "Notices", "Unit": "Count"}]


@pytest.mark.parametrize("kind", Kind)
def test_a_metric_line_is_one_that_cloudwatch_takes(kind: Kind, new_notice: "NewNotice") -> None:
    facts = dict.fromkeys(("_aws", "Kind", "Severity", "Notices"), "x")
    told = json.loads(emf.line(new_notice(kind=kind, facts=facts), "Sidecar"))
    [metrics] = told["_aws"]["CloudWatchMetrics"]
    units = ServiceModel(Loader().load_service_model("cloudwatch", "service-2"))
    known: Any = units.shape_for("StandardUnit")
    # "Specification: Embedded metric format" and PutMetricData's Dimension.
    assert all(1 <= len(each) <= 30 for each in metrics["Dimensions"])
    assert {each["Unit"] for each in metrics["Metrics"]} <= set(known.enum)
    assert isinstance(told["Notices"], int)
    for name in ("Kind", "Severity"):
        assert told[name].strip()
        assert told[name].isascii()
        assert len(told[name]) <= 1024


def test_a_line_for_a_file_is_the_document(new_notice: "NewNotice") -> None:
    notice = new_notice(kind=Kind.KEY_DELETED, severity=Severity.INFO)
    assert json.loads(json_line.line(notice)) == document(notice)
