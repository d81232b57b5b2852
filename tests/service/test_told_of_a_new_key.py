"""Each way of telling a sidecar that a secret changed reaches the role that serves its key.

Within seconds of its own clock, that is: by itself the role reads the secret after half an hour.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import boto3
import pytest

from sidecar.cli.control_client import ask
from sidecar.config.control_section import SocketPlace
from sidecar.demo.stage import ROLE_NAME

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Moving, Start, Until
    from tests.service.key_user import KeyUser

SOON: Final = timedelta(seconds=120)
Tell = Callable[["Doors", "KeyUser", dict[str, str]], Awaitable[None]]


@pytest.fixture
def config_file(config_of_user: Path) -> Path:
    """Give the file with a role that is the user."""
    return config_of_user


@pytest.fixture
def queue_url(aws: "Aws") -> Iterator[str]:
    """Give a queue that the sidecar's role may read."""
    iam, name = aws.client("iam"), f"events-{uuid4().hex}"
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=name, PolicyDocument=document)
    yield aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName=name)


@pytest.fixture
async def doors(
    *,
    start: "Start",
    until: "Until",
    moving: "Moving",
    clock_of_today: "ManualClock",
    queue_url: str,
    tmp_path: Path,
) -> "Doors":
    """Give a sidecar that serves the user's key and can be told in every way.

    With a queue all is read once more after the start, which must not be taken for what is tested.
    """
    doors = await start(
        clock_of_today,
        control=SocketPlace(tmp_path / "control.sock", configured=True),
        SIDECAR_APPS_WEB_ROLES="default,legacy",
        SIDECAR_DOORS_AWS_API="127.0.0.1:0",
        SIDECAR_SECRETS_EVENTS_QUEUE_URL=queue_url,
    )
    await until(doors.ready)
    first = await _served(doors)

    async def read_once_more() -> bool:
        return (await _served(doors))["LastUpdated"] != first["LastUpdated"]

    await moving(read_once_more)
    return doors


@pytest.fixture
def by_event(aws: "Aws", queue_url: str) -> Tell:
    """Put the value from elsewhere, and send what EventBridge sends of it."""

    async def tell(_: "Doors", user: "KeyUser", value: dict[str, str]) -> None:
        user.put(value)
        request = {"secretId": user.secret_id}
        detail = {"eventName": "PutSecretValue", "requestParameters": request}
        event = {"source": "aws.secretsmanager", "detail": detail}
        aws.client("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(event))

    return tell


@pytest.fixture
def by_socket(tmp_path: Path) -> Tell:
    """Put the value from elsewhere, and say so as `sidecar invalidate` does."""

    async def tell(_: "Doors", user: "KeyUser", value: dict[str, str]) -> None:
        user.put(value)
        path = f"/invalidate?secretId={user.secret_id}"
        await asyncio.to_thread(ask, tmp_path / "control.sock", "POST", path)

    return tell


@pytest.fixture
def by_own_write(aws: "Aws") -> Tell:
    """Put the value through the aws-api door, as an application that signs with the key."""

    def put(doors: "Doors", key: dict[str, str], name: str, text: str) -> None:
        connect: Any = boto3.Session(
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            region_name=aws.emulator.region,
        ).client
        client = connect("secretsmanager", endpoint_url=doors.urls["aws_api"])
        client.put_secret_value(SecretId=name, SecretString=text)

    async def tell(doors: "Doors", user: "KeyUser", value: dict[str, str]) -> None:
        await asyncio.to_thread(put, doors, await _served(doors), user.secret_id, json.dumps(value))

    return tell


async def _served(doors: "Doors") -> dict[str, str]:
    status, answer = await doors.credentials(role="legacy")
    assert status == 200
    found: dict[str, str] = answer
    return found


@pytest.mark.parametrize("way", ["by_event", "by_socket", "by_own_write"])
async def test_the_new_key_is_served_within_seconds(
    *,
    way: str,
    request: pytest.FixtureRequest,
    doors: "Doors",
    user: "KeyUser",
    moving: "Moving",
    clock_of_today: "ManualClock",
) -> None:
    tell: Tell = request.getfixturevalue(way)
    value, began = user.new_key(), clock_of_today.now()
    await tell(doors, user, value)

    async def new_or_late() -> bool:
        new = (await _served(doors))["AccessKeyId"] == value["aws_access_key_id"]
        return new or clock_of_today.now() > began + SOON

    await moving(new_or_late)
    assert (await _served(doors))["AccessKeyId"] == value["aws_access_key_id"]


async def test_nothing_is_read_again_where_nobody_tells(
    doors: "Doors", user: "KeyUser", clock_of_today: "ManualClock", aws: "Aws"
) -> None:
    before = await _served(doors)
    user.put(user.new_key())
    aws.emulator.clear_calls()
    await clock_of_today.advance(SOON.total_seconds())
    # What was read before this test's own value may be taken over only now.
    assert (await _served(doors))["AccessKeyId"] == before["AccessKeyId"]
    assert "secretsmanager.GetSecretValue" not in aws.emulator.calls()


async def test_a_served_key_that_aws_refuses_is_replaced_once_the_rate_allows_it(
    *,
    start: "Start",
    user: "KeyUser",
    until: "Until",
    moving: "Moving",
    clock_of_today: "ManualClock",
) -> None:
    """The sidecar itself reads with the role, and so hears that the key is inactive."""
    roles = {"SIDECAR_APPS_WEB_ROLES": "default,legacy", "SIDECAR_SECRETS_VIA": "legacy"}
    doors = await start(clock_of_today, **roles)
    await until(doors.ready)
    value, before = user.rotated_by_hand(), await _served(doors)
    assert (await doors.secret("demo/other"))[1]["__type"] == "UnrecognizedClientException"
    assert await _served(doors) == before, "half a minute must pass first"

    async def new() -> bool:
        return (await _served(doors))["AccessKeyId"] == value["aws_access_key_id"]

    await moving(new)
    assert (await doors.secret("demo/other"))[1]["__type"] == "ResourceNotFoundException"
