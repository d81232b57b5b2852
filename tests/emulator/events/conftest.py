"""Builders of trails, rules and targets, and a receiver on this machine."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest

from sidecar.emulator.server import Emulator


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """What stands for somebody's web hook: it keeps what it gets, and answers as it is told."""

    url: str = ""
    status: int = 200
    received: list[Received] = field(default_factory=list)
    released: Signal = field(default_factory=Signal)

    @property
    def bodies(self) -> list[Any]:
        return [each.json() for each in self.received]


def handler_for(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            headers = {key.lower(): value for key, value in self.headers.items()}
            receiver.received.append(Received(self.command, self.path, headers, body))
            receiver.released.wait()
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_POST  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a receiver that answers at once, unless its `released` is cleared."""
    receiver = Receiver()
    receiver.released.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(receiver))
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield receiver
    receiver.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_events(emulator: Emulator) -> Iterator[None]:
    """Begin and end with nothing on the way."""
    emulator.clear_events()
    yield
    emulator.wait_for_events()


@pytest.fixture
def region(emulator: Emulator) -> str:
    return emulator.region


@pytest.fixture
def trail(connect: Callable[..., Any], fresh_name: Callable[[str], str]) -> Iterator[str]:
    """Give the name of a trail of all regions that is logging; it is gone afterwards."""
    client, name, bucket = connect("cloudtrail"), fresh_name("trail"), fresh_name("trails")
    place = {"LocationConstraint": "ap-northeast-2"}
    connect("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    client.create_trail(Name=name, S3BucketName=bucket, IsMultiRegionTrail=True)
    client.start_logging(Name=name)
    yield name
    client.delete_trail(Name=name)


def policy(service: str, action: str, resource: str, source: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass(frozen=True)
class Queue:
    """A queue, whose policy lets nobody send at first."""

    client: Any
    url: str
    arn: str

    def admit(self, source: str, service: str = "events.amazonaws.com") -> None:
        document = policy(service, "sqs:SendMessage", self.arn, source)
        self.client.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": document})

    def texts(self) -> list[str]:
        """Take whatever there is."""
        reply = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        return [each["Body"] for each in reply.get("Messages", ())]

    def events(self) -> list[Any]:
        return [json.loads(each) for each in self.texts()]


@pytest.fixture
def new_queue(connect: Callable[..., Any], fresh_name: Callable[[str], str]) -> Any:
    """Give a function that makes a queue, in the emulator's region or another."""

    def make(**options: Any) -> Queue:
        client = connect("sqs", **options)
        url = client.create_queue(QueueName=fresh_name("queue"))["QueueUrl"]
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return Queue(client, url, found["Attributes"]["QueueArn"])

    return make


@dataclass(frozen=True)
class Rule:
    """A rule on the default bus that takes the events of one source."""

    client: Any
    name: str
    arn: str
    source: str
    emulator: Emulator

    def target(self, arn: str, **more: Any) -> None:
        self.client.put_targets(Rule=self.name, Targets=[{"Id": "1", "Arn": arn, **more}])

    def put(self, detail: object, **more: Any) -> dict[str, Any]:
        """Put an event that the rule takes, and wait until it has been delivered, or not."""
        entry = {"Source": self.source, "DetailType": "test", "Detail": json.dumps(detail)}
        answer: dict[str, Any] = self.client.put_events(Entries=[{**entry, **more}])
        self.emulator.wait_for_events()
        return answer

    def problems(self) -> list[str]:
        """Tell why deliveries of this rule failed; an empty text is one that did not."""
        events = self.emulator.events()["events"]
        found = [each for event in events for each in event["deliveries"]]
        return [each["problem"] for each in found if each["sender"] == self.arn]


@pytest.fixture
def new_rule(emulator: Emulator, connect: Any, fresh_name: Callable[[str], str]) -> Iterator[Any]:
    """Give a function that makes rules; they are gone afterwards."""
    made: list[Rule] = []

    def make(pattern: dict[str, Any] | None = None, **options: Any) -> Rule:
        client, name, source = connect("events", **options), fresh_name("rule"), fresh_name("app")
        text = json.dumps(pattern or {"source": [source]})
        arn = client.put_rule(Name=name, EventPattern=text)["RuleArn"]
        rule = Rule(client, name, arn, source, emulator)
        made.append(rule)
        return rule

    yield make
    for rule in made:
        rule.client.remove_targets(Rule=rule.name, Ids=["1"])
        rule.client.delete_rule(Name=rule.name)


@pytest.fixture
def new_topic(connect: Callable[..., Any], fresh_name: Callable[[str], str]) -> Any:
    """Give a function that makes a topic which a rule may publish to, if one is given."""

    def make(source: str = "") -> str:
        sns = connect("sns")
        arn: str = sns.create_topic(Name=fresh_name("topic"))["TopicArn"]
        if source:
            text = policy("events.amazonaws.com", "sns:Publish", arn, source)
            sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
        return arn

    return make
