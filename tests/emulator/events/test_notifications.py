"""SNS asks an endpoint first, sends it signed messages, and never fails a publisher."""

import base64
import json
from collections.abc import Callable
from socket import socket
from typing import Any
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


@pytest.fixture
def sns(connect: Any) -> Any:
    return connect("sns")


@pytest.fixture
def subscribe(sns: Any, new_topic: Any, emulator: Any, receiver: Any) -> Callable[..., str]:
    """Give a function that subscribes the receiver to a new topic and says yes, as it would."""

    def subscribed(*, confirm: bool = True, **attributes: str) -> str:
        topic: str = new_topic()
        end = {"Protocol": "http", "Endpoint": f"{receiver.url}/hook", "Attributes": attributes}
        sns.subscribe(TopicArn=topic, **end)
        emulator.wait_for_events()
        asked = receiver.received.pop().json()
        if confirm:
            with urlopen(asked["SubscribeURL"]) as answer:
                assert topic in answer.read().decode()
        return topic

    return subscribed


def test_a_subscription_waits_for_the_endpoints_yes(
    *, sns: Any, new_topic: Any, emulator: Any, receiver: Any
) -> None:
    topic, end = new_topic(), {"Protocol": "http", "Endpoint": receiver.url}
    assert sns.subscribe(TopicArn=topic, **end)["SubscriptionArn"] == "pending confirmation"
    emulator.wait_for_events()
    [asked] = receiver.received
    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert asked.json()["Token"] in asked.json()["SubscribeURL"]
    arn = sns.subscribe(TopicArn=topic, **end, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert arn.startswith(topic)


def test_an_endpoint_that_did_not_say_yes_gets_nothing(
    *, sns: Any, subscribe: Any, emulator: Any, receiver: Any
) -> None:
    topic = subscribe(confirm=False)
    sns.publish(TopicArn=topic, Message="hello")
    emulator.wait_for_events()
    assert receiver.received == []
    assert emulator.events()["notifications"][-1]["problem"] == "the subscription is not confirmed"


@pytest.mark.parametrize(
    ("topic_of", "code"),
    [(lambda topic: topic, "InvalidParameter"), (lambda topic: f"{topic}-none", "NotFound")],
)
def test_a_token_that_nobody_was_sent_confirms_nothing(
    sns: Any, subscribe: Any, refusal: Any, topic_of: Any, code: str
) -> None:
    topic = subscribe(confirm=False)
    refused = refusal(sns.confirm_subscription, TopicArn=topic_of(topic), Token="none")
    assert refused[1] == code


def test_a_subscriber_with_an_aws_client_can_say_yes_too(
    *, sns: Any, new_topic: Any, emulator: Any, receiver: Any
) -> None:
    topic = new_topic()
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    emulator.wait_for_events()
    token = receiver.bodies[0]["Token"]
    arn = sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"] == "false"


def test_a_message_arrives_whose_signature_can_be_checked(
    *, sns: Any, subscribe: Any, emulator: Any, receiver: Any
) -> None:
    topic = subscribe()
    sns.publish(TopicArn=topic, Message="hello", Subject="greeting")
    emulator.wait_for_events()
    [got] = receiver.received
    body = got.json()
    assert (got.path, got.headers["x-amz-sns-topic-arn"]) == ("/hook", topic)
    assert (body["Message"], body["Subject"]) == ("hello", "greeting")
    with urlopen(body["SigningCertURL"]) as answer:
        key = x509.load_pem_x509_certificate(answer.read()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{name}\n{body[name]}\n" for name in names).encode()
    signature = base64.b64decode(body["Signature"])
    key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())


def test_with_raw_delivery_the_body_is_the_message(
    *, sns: Any, subscribe: Any, emulator: Any, receiver: Any
) -> None:
    topic = subscribe(RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message="hello")
    emulator.wait_for_events()
    assert [each.body for each in receiver.received] == ["hello"]


def test_a_publisher_does_not_feel_an_endpoint_that_fails_or_hangs(
    *, sns: Any, subscribe: Any, emulator: Any, receiver: Any
) -> None:
    topic = subscribe()
    receiver.status = 500
    receiver.released.clear()
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert sns.publish(TopicArn=topic, Message="again")["MessageId"]
    receiver.released.set()
    emulator.wait_for_events()
    assert [each["problem"] for each in emulator.events()["notifications"][-2:]] == [
        "answered 500"
    ] * 2
    assert len(receiver.received) == 6, "each was tried three times"


def test_a_publisher_does_not_feel_a_function_that_the_emulator_does_not_send_to(
    sns: Any, new_topic: Any, emulator: Any
) -> None:
    topic = new_topic()
    function = "arn:aws:lambda:ap-northeast-2:123456789012:function:none"
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    [told] = emulator.events()["notifications"]
    assert told["problem"] == "the emulator does not deliver by lambda"


def test_a_publisher_does_not_feel_an_endpoint_that_is_gone(
    sns: Any, new_topic: Any, emulator: Any
) -> None:
    topic = new_topic()
    with socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)
        emulator.wait_for_events()
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    problems = [each["problem"] for each in emulator.events()["notifications"]]
    assert "not reached: ConnectionRefusedError" in problems
    assert url not in json.dumps(emulator.events())


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://hooks.example.com/T0/B0",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://10.0.0.1/",
        "no url",
    ],
)
def test_an_endpoint_on_another_machine_is_refused(
    sns: Any, new_topic: Any, refusal: Any, endpoint: str
) -> None:
    protocol = {"Protocol": "https", "Endpoint": endpoint}
    _, code, message = refusal(sns.subscribe, TopicArn=new_topic(), **protocol)
    assert code == "InvalidParameter"
    assert "sends to this machine only" in message


@pytest.mark.parametrize("is_admitted", [True, False])
def test_a_queue_gets_a_topics_message_if_its_policy_lets_it(
    *, sns: Any, new_topic: Any, new_queue: Any, emulator: Any, is_admitted: bool
) -> None:
    topic, queue = new_topic(), new_queue()
    queue.admit(topic if is_admitted else f"{topic}-other", service="sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    sns.publish(TopicArn=topic, Message="hello")
    assert [each["Message"] for each in queue.events()] == ["hello"] * is_admitted
    assert emulator.events()["failed"] == (not is_admitted)


def test_a_queue_that_is_gone_fails_no_publisher(
    sns: Any, new_topic: Any, new_queue: Any, emulator: Any
) -> None:
    topic, queue = new_topic(), new_queue()
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    queue.client.delete_queue(QueueUrl=queue.url)
    assert sns.publish(TopicArn=topic, Message="hello")["MessageId"]
    assert "there is no queue" in emulator.events()["notifications"][-1]["problem"]


def test_a_filter_keeps_messages_from_an_endpoint(
    *, sns: Any, subscribe: Any, emulator: Any, receiver: Any
) -> None:
    topic = subscribe(FilterPolicy='{"kind": ["wanted"]}')
    for kind in ("other", "wanted"):
        attribute = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=topic, Message=kind, MessageAttributes=attribute)
    emulator.wait_for_events()
    assert [each["Message"] for each in receiver.bodies] == ["wanted"]
