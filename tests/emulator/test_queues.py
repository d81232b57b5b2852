"""Queues as far as a listener for events needs them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sidecar.emulator.server import Emulator


@pytest.fixture
def queue(connect: Callable[..., Any], fresh_name: Callable[[str], str]) -> str:
    """Give the URL of a new queue."""
    return str(connect("sqs").create_queue(QueueName=fresh_name("events"))["QueueUrl"])


def test_a_long_poll_waits_for_a_message_and_holds_nobody_up(
    connect: Callable[..., Any], queue: str, emulator: Emulator
) -> None:
    listener, sender = connect("sqs"), connect("sqs")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(listener.receive_message, QueueUrl=queue, WaitTimeSeconds=20)
        while not emulator.calls().get("sqs.ReceiveMessage"):
            pass
        assert connect("sts").get_caller_identity()["Arn"]
        assert not waiting.done()
        sender.send_message(QueueUrl=queue, MessageBody="event")
        [message] = waiting.result(timeout=10)["Messages"]
    assert message["Body"] == "event"
    # It is hidden while somebody handles it, and gone once that is done.
    assert "Messages" not in sender.receive_message(QueueUrl=queue)
    sender.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert "Messages" not in sender.receive_message(QueueUrl=queue)


@pytest.mark.parametrize("operation", ["receive_message", "delete_message"])
def test_a_queue_is_opened_by_its_own_arn_alone(
    *, connect: Any, new_user: Any, queue: str, refusal: Any, fresh_name: Any, operation: str
) -> None:
    own = f"arn:aws:sqs:*:*:{queue.rsplit('/', 1)[-1]}"
    other = connect("sqs").create_queue(QueueName=fresh_name("other"))["QueueUrl"]
    connect("sqs").send_message(QueueUrl=queue, MessageBody="event")
    [message] = connect("sqs").receive_message(QueueUrl=queue)["Messages"]
    handle = {"ReceiptHandle": message["ReceiptHandle"]} if "delete" in operation else {}
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    client = connect("sqs", **new_user({"Effect": "Allow", "Action": actions, "Resource": own}))
    call = getattr(client, operation)
    assert call(QueueUrl=queue, **handle)["ResponseMetadata"]["HTTPStatusCode"] == 200
    refused = refusal(call, QueueUrl=other, **handle)
    assert refused[:2] == (400, "AccessDeniedException")


def test_a_queue_that_is_not_there_has_the_code_that_clients_know(
    connect: Any, queue: str, refusal: Any
) -> None:
    refused = refusal(connect("sqs").receive_message, QueueUrl=f"{queue}-none")
    assert refused[:2] == (400, "AWS.SimpleQueueService.NonExistentQueue")
