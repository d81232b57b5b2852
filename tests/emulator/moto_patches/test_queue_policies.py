"""A queue's policy changes when it is changed, and only then."""

import json
from collections.abc import Callable
from typing import Any

import pytest

_DENIED = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [_DENIED]})


@pytest.fixture
def queue(connect: Callable[..., Any], fresh_name: Callable[[str], str]) -> str:
    made = connect("sqs").create_queue(
        QueueName=fresh_name("queue"), Attributes={"Policy": _POLICY}
    )
    url: str = made["QueueUrl"]
    return url


def _policy(sqs: Any, queue: str) -> str | None:
    reply = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])
    found: str | None = reply.get("Attributes", {}).get("Policy")
    return found


def test_a_policy_outlives_a_change_of_something_else(
    connect: Callable[..., Any], queue: str
) -> None:
    sqs = connect("sqs")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "1"})
    assert json.loads(_policy(sqs, queue) or "") == json.loads(_POLICY)


def test_a_policy_that_is_taken_away_is_gone(connect: Callable[..., Any], queue: str) -> None:
    sqs = connect("sqs")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert not _policy(sqs, queue)
