"""How a whole sidecar learns of changes, and what it holds before anybody asks."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start, Until

# Only what is told can make a value new in the time that a test has.
NEVER: Final = {"SIDECAR_SECRETS_TTL_SECONDS": "3600"}
EVENTS: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage")
PREFETCH: Final = ("secretsmanager:ListSecrets", "secretsmanager:BatchGetSecretValue")


@dataclass(frozen=True)
class EventsQueue:
    """A queue of the sidecar's own."""

    sqs: Any
    url: str

    def send(self, body: object) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))

    async def empty(self) -> bool:
        """Tell whether no message is left, not even one that was received and not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return not any(int(found["Attributes"][name]) for name in names)


@pytest.fixture
def queue(aws: "Aws") -> EventsQueue:
    sqs = aws.client("sqs")
    return EventsQueue(sqs, sqs.create_queue(QueueName=f"events-{uuid4().hex}")["QueueUrl"])


def rotated(arn: str) -> dict[str, Any]:
    """Write the event of a rotation that succeeded, as EventBridge sends it."""
    return {
        "version": "0",
        "detail-type": "AWS Service Event via CloudTrail",
        "source": "aws.secretsmanager",
        "detail": {
            "eventSource": "secretsmanager.amazonaws.com",
            "eventName": "RotationSucceeded",
            "eventID": str(uuid4()),
            "eventType": "AwsServiceEvent",
            "requestParameters": None,
            "responseElements": None,
            "additionalEventData": {"SecretId": arn},
        },
    }


def in_sns(arn: str) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "1", "Message": json.dumps(rotated(arn))}


async def texts(doors: "Doors", *ids: str) -> list[str]:
    """Read secrets and give their texts, or what was answered in place of one."""
    replies = [await doors.secret(each) for each in ids]
    return [body["SecretString"] if status == 200 else str(body) for status, body in replies]


@pytest.mark.parametrize("event", [rotated, in_sns])
async def test_within_a_second_of_a_rotations_event_every_alias_serves_the_new_version(
    *,
    event: Callable[[str], dict[str, Any]],
    aws: "Aws",
    allow: Callable[..., None],
    queue: EventsQueue,
    start: "Start",
    until: "Until",
    clock_of_today: "ManualClock",
) -> None:
    allow(*EVENTS)
    name, manager = aws.new_secret("v1"), aws.client("secretsmanager")
    arn = manager.describe_secret(SecretId=name)["ARN"]
    aliases = (name, arn, arn[:-7], f"{name}?versionStage=AWSCURRENT")
    doors = await start(clock_of_today, SIDECAR_SECRETS_EVENTS_QUEUE_URL=queue.url, **NEVER)
    await until(doors.ready)
    assert await texts(doors, *aliases) == ["v1"] * 4
    manager.put_secret_value(SecretId=name, SecretString="v2")
    assert await texts(doors, *aliases) == ["v1"] * 4, "nobody has told yet"
    queue.send(event(arn))
    # Whatever slept on the way, for a poll or a pause, would have to be done by then.
    await clock_of_today.advance(0.99)

    async def all_are_new() -> bool:
        return await texts(doors, *aliases) == ["v2"] * 4

    await until(all_are_new)
    await until(queue.empty)


async def test_an_event_about_another_secret_leaves_a_value_alone(
    aws: "Aws", allow: Callable[..., None], queue: EventsQueue, start: "Start", until: "Until"
) -> None:
    allow(*EVENTS)
    name, other, manager = aws.new_secret("v1"), aws.new_secret("v1"), aws.client("secretsmanager")
    doors = await start(SIDECAR_SECRETS_EVENTS_QUEUE_URL=queue.url, **NEVER)
    await until(doors.ready)
    assert await texts(doors, name) == ["v1"]
    manager.put_secret_value(SecretId=name, SecretString="v2")
    queue.send(rotated(manager.describe_secret(SecretId=other)["ARN"]))
    queue.send("no event at all")
    await until(queue.empty)
    assert await texts(doors, name) == ["v1"]


async def test_a_queue_that_may_not_be_read_is_a_warning_and_nothing_more(
    aws: "Aws", queue: EventsQueue, start: "Start", until: "Until"
) -> None:
    doors = await start(SIDECAR_SECRETS_EVENTS_QUEUE_URL=queue.url)

    async def warned() -> bool:
        return "events queue" in (await doors.readiness())[1]["warnings"]

    await until(warned)
    await until(doors.ready)
    assert "sqs:ReceiveMessage" in (await doors.readiness())[1]["warnings"]["events queue"]


async def test_word_at_the_admin_door_makes_a_value_new(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    name = aws.new_secret("v1")
    doors = await start(**NEVER)
    await until(doors.ready)
    assert await texts(doors, name) == ["v1"]
    aws.client("secretsmanager").put_secret_value(SecretId=name, SecretString="v2")
    url = f"{doors.urls['admin']}/invalidate"
    async with doors.http.post(url, params={"secretId": name}) as response:
        assert (response.status, await response.json()) == (200, {"invalidated": 1})

    async def is_new() -> bool:
        return await texts(doors, name) == ["v2"]

    await until(is_new)


async def test_patterns_and_tags_are_held_before_the_sidecar_is_ready(
    aws: "Aws", allow: Callable[..., None], start: "Start", until: "Until"
) -> None:
    allow(*PREFETCH)
    folder, manager = f"demo/{uuid4().hex}", aws.client("secretsmanager")
    names = [f"{folder}/{number}" for number in range(25)]
    for name in names:
        manager.create_secret(Name=name, SecretString=name)
    tagged = aws.new_secret("tagged")
    manager.tag_resource(SecretId=tagged, Tags=[{"Key": folder, "Value": "yes"}])
    doors = await start(
        SIDECAR_SECRETS_PREFETCH=f"{folder}/*", SIDECAR_SECRETS_PREFETCH_TAGS=f"{folder}=yes"
    )
    await until(doors.ready)
    aws.emulator.clear_calls()
    assert await texts(doors, *names, tagged) == [*names, "tagged"]
    assert aws.emulator.calls() == {}


async def test_without_the_permission_for_batches_secrets_are_prefetched_one_by_one(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    names = [aws.new_secret(f"v{number}") for number in range(3)]
    doors = await start(SIDECAR_SECRETS_PREFETCH=",".join(names))
    await until(doors.ready)
    aws.emulator.clear_calls()
    assert await texts(doors, *names) == ["v0", "v1", "v2"]
    assert aws.emulator.calls() == {}


async def test_a_listing_that_is_denied_keeps_the_sidecar_from_being_ready(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    doors = await start(SIDECAR_SECRETS_PREFETCH="demo/*")

    async def told() -> bool:
        why = (await doors.waits_for()).get("secrets demo/*", "")
        return "secretsmanager:ListSecrets" in why

    await until(told)


async def test_a_rotation_is_asked_for_once_for_a_secret_that_is_read_often(
    *,
    aws: "Aws",
    allow: Callable[..., None],
    start: "Start",
    until: "Until",
    clock_of_today: "ManualClock",
) -> None:
    allow("secretsmanager:DescribeSecret")
    name = aws.new_secret("v1")
    doors = await start(clock_of_today, SIDECAR_SECRETS_FOLLOW_ROTATION="true")
    await until(doors.ready)

    async def described() -> bool:
        assert await texts(doors, name, f"{name}?refreshNow=1") == ["v1", "v1"]
        await clock_of_today.advance(5)
        return "secretsmanager.DescribeSecret" in aws.emulator.calls()

    await until(described)
    for _ in range(10):
        await described()
    assert aws.emulator.calls()["secretsmanager.DescribeSecret"] == 1
