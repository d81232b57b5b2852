"""The whole chain, over real sockets: a rotation is told to a chat, and to a sidecar at once.

RotateSecret, CloudTrail's event, a rule, a topic, and from it a web hook and a sidecar's queue.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.service.conftest import Start, Until

# What a machine may need that does much else; the sidecar itself needs some hundredths of it.
LOOSELY_SECONDS: Final = 5.0
TEMPLATE: Final = (
    '{"version": "1.0", "source": "custom", "content": {"textType": "client-markdown", '
    '"title": "<what>", "description": "<what> of <secret>"}}'
)
PATHS: Final = {
    "what": "$.detail.eventName",
    "secret": "$.detail.additionalEventData.SecretId",
}


@dataclass
class Chat:
    """A chat application's end of a topic: it confirms what it is asked, and shows the rest."""

    url: str = ""
    shown: list[Any] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        envelope = json.loads(await request.text())
        if envelope["Type"] == "SubscriptionConfirmation":
            async with aiohttp.ClientSession() as http, http.get(envelope["SubscribeURL"]) as said:
                assert said.status == 200
        else:
            self.shown.append(json.loads(envelope["Message"]))
        return web.Response(text="ok")


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    """Give a web hook on a port of its own."""
    chat, app = Chat(), web.Application()
    app.router.add_post("/hook", chat.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    chat.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield chat
    await runner.cleanup()


def admitting(service: str, action: str, resource: str, source: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass(frozen=True)
class Chain:
    """A trail, rules, topics and a queue: what an operator sets up once for an account."""

    aws: "Aws"
    name: str

    def set_up(self, hook: str) -> str:
        """Make everything, and return the URL of the sidecar's queue."""
        s3, trail = self.aws.client("s3"), self.aws.client("cloudtrail")
        s3.create_bucket(Bucket=self.name)
        trail.create_trail(Name=self.name, S3BucketName=self.name, IsMultiRegionTrail=True)
        trail.start_logging(Name=self.name)
        sns, sqs = self.aws.client("sns"), self.aws.client("sqs")
        url: str = sqs.create_queue(QueueName=self.name)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        queue, topic = found["Attributes"]["QueueArn"], self._topic("bare")
        policy = admitting("sns", "sqs:SendMessage", queue, topic)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        sns.subscribe(TopicArn=self._topic("chat", TEMPLATE), Protocol="http", Endpoint=hook)
        # The chat has confirmed by then.
        self.aws.emulator.wait_for_events()
        return url

    def _topic(self, kind: str, template: str = "") -> str:
        """Make a topic to which a rule tells of rotations."""
        events, sns, name = self.aws.client("events"), self.aws.client("sns"), self.name + kind
        pattern = {
            "source": ["aws.secretsmanager"],
            "detail": {"eventName": ["RotationSucceeded", "RotationFailed"]},
        }
        rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        topic: str = sns.create_topic(Name=name)["TopicArn"]
        policy = admitting("events", "sns:Publish", topic, rule)
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        shaped = {"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": template}}
        target = {"Id": "1", "Arn": topic, **(shaped if template else {})}
        events.put_targets(Rule=name, Targets=[target])
        return topic

    def take_down(self) -> None:
        """Leave no trail and no rule to the tests that share the emulator."""
        events = self.aws.client("events")
        self.aws.client("cloudtrail").delete_trail(Name=self.name)
        for kind in ("bare", "chat"):
            events.remove_targets(Rule=self.name + kind, Ids=["1"])
            events.delete_rule(Name=self.name + kind)
        self.aws.emulator.wait_for_events()


@pytest.fixture
def chain(aws: "Aws") -> Iterator[Chain]:
    chain = Chain(aws, f"chain-{uuid4().hex}")
    yield chain
    chain.take_down()


@dataclass
class Rotation:
    """A rotation of one secret, and when its last step was done, by the monotonic clock."""

    manager: Any
    secret: str
    value: str
    fails: bool = False
    done_at: float = 0.0

    def handle(self, event: dict[str, Any], _context: object) -> None:
        token, secret = event["ClientRequestToken"], {"SecretId": event["SecretId"]}
        if self.fails:
            raise RuntimeError
        if event["Step"] == "createSecret":
            stages = {"ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
            self.manager.put_secret_value(**secret, SecretString=self.value, **stages)
        if event["Step"] == "finishSecret":
            old = self.manager.get_secret_value(**secret, VersionStage="AWSCURRENT")["VersionId"]
            move = {"MoveToVersionId": token, "RemoveFromVersionId": old}
            stage = {"VersionStage": "AWSCURRENT", **move}
            self.manager.update_secret_version_stage(**secret, **stage)
            self.done_at = time.monotonic()


@pytest.fixture
def rotate(aws: "Aws") -> Callable[..., Any]:
    """Give a function that rotates a secret to a value, and returns once that is over."""

    async def rotated(secret: str, value: str, *, fails: bool = False) -> Rotation:
        manager, emulator = aws.client("secretsmanager"), aws.emulator
        home = f"arn:aws:lambda:{emulator.region}:{emulator.administrator.account}"
        function = f"{home}:function:rotate-{uuid4().hex}"
        rotation = Rotation(manager, secret, value, fails)
        emulator.register_function(function, rotation.handle)
        wishes = {"SecretId": secret, "RotationLambdaARN": function}
        await asyncio.to_thread(lambda: manager.rotate_secret(**wishes))
        await asyncio.to_thread(emulator.wait_for_rotations)
        return rotation

    return rotated


async def test_a_rotation_is_shown_in_a_chat_and_served_by_a_sidecar_at_once(
    *,
    aws: "Aws",
    chain: Chain,
    chat: Chat,
    allow: Callable[..., None],
    start: "Start",
    until: "Until",
    rotate: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    queue = await asyncio.to_thread(chain.set_up, chat.url)
    allow("sqs:ReceiveMessage", "sqs:DeleteMessage")
    secret = aws.new_secret("v1")
    never = {"SIDECAR_SECRETS_TTL_SECONDS": "3600"}
    doors = await start(SIDECAR_SECRETS_EVENTS_QUEUE_URL=queue, **never)
    await until(doors.ready)

    async def serves(value: str) -> bool:
        return bool((await doors.secret(secret))[1]["SecretString"] == value)

    assert await serves("v1")
    rotation = await rotate(secret, "v2")
    await until(lambda: serves("v2"))
    took = time.monotonic() - rotation.done_at
    with capsys.disabled():
        sys.stdout.write(f"\nserved {took:.3f} seconds after the rotation's last step\n")
    assert took < LOOSELY_SECONDS
    arn = aws.client("secretsmanager").describe_secret(SecretId=secret)["ARN"]
    await until(lambda: says(chat, f"RotationSucceeded of {arn}"))


async def says(chat: Chat, text: str) -> bool:
    return any(each["content"]["description"] == text for each in chat.shown)


async def test_a_rotation_that_fails_is_shown_too_and_changes_nothing_that_is_served(
    *,
    aws: "Aws",
    chain: Chain,
    chat: Chat,
    until: "Until",
    rotate: Callable[..., Any],
) -> None:
    await asyncio.to_thread(chain.set_up, chat.url)
    secret = aws.new_secret("v1")
    await rotate(secret, "v2", fails=True)
    manager = aws.client("secretsmanager")
    arn = manager.describe_secret(SecretId=secret)["ARN"]
    await until(lambda: says(chat, f"RotationFailed of {arn}"))
    assert not await says(chat, f"RotationSucceeded of {arn}")
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "v1"
