"""A user's key in a secret, from the configuration to what an application may do with it."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.service.key_user import key_user

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.service.conftest import Doors, Start, Until
    from tests.service.key_user import KeyUser


@pytest.fixture
def other(aws: "Aws") -> Iterator["KeyUser"]:
    """Give another user, whose key is in no secret."""
    with key_user(aws) as user:
        yield user


@pytest.fixture
def config_file(config_of_user: Path) -> Path:
    """Give the file with a role that is the user."""
    return config_of_user


@pytest.fixture
async def doors(start: "Start", until: "Until") -> "Doors":
    """Give a sidecar that serves the user's key."""
    doors = await start(
        SIDECAR_APPS_WEB_ROLES="default,legacy", SIDECAR_DOORS_AWS_API="127.0.0.1:0"
    )
    await until(doors.ready)
    return doors


async def _served(doors: "Doors") -> dict[str, Any]:
    status, answer = await doors.credentials(role="legacy")
    assert status == 200
    found: dict[str, Any] = answer
    return found


async def _invalidate(doors: "Doors", secret_id: str) -> None:
    url = f"{doors.urls['admin']}/invalidate"
    async with doors.http.post(url, params={"secretId": secret_id}) as response:
        assert response.status == 200


async def test_the_users_key_is_served_without_a_token_and_with_an_end(
    doors: "Doors", user: "KeyUser"
) -> None:
    answer = await _served(doors)
    assert answer["Token"] == ""
    assert answer["RoleArn"].endswith(f":user/{user.name}")
    assert answer["Expiration"] > answer["LastUpdated"]


async def test_after_a_rotation_the_new_key_is_served_as_soon_as_that_is_said(
    doors: "Doors", user: "KeyUser", until: "Until"
) -> None:
    value = user.new_key()
    user.put(value)
    await _invalidate(doors, user.secret_id)

    async def new() -> bool:
        served: str = (await _served(doors))["AccessKeyId"]
        return served == value["aws_access_key_id"]

    await until(new)


@pytest.mark.parametrize("what", ["no key", "a key of nobody's", "another user's key"])
async def test_a_value_that_does_not_work_keeps_the_key_before(
    what: str, doors: "Doors", user: "KeyUser", other: "KeyUser", until: "Until"
) -> None:
    before = (await _served(doors))["AccessKeyId"]
    nobodys = {"aws_access_key_id": "AKIAIOSFODNN7NOBODYS", "aws_secret_access_key": "k" * 40}
    bad = {
        "no key": {},
        "a key of nobody's": nobodys,
        "another user's key": other.new_key(),
    }[what]
    user.put({**bad, "user_name": user.name})
    await _invalidate(doors, user.secret_id)

    async def noticed() -> bool:
        return "legacy" in str(await doors.readiness())

    await until(noticed)
    assert (await _served(doors))["AccessKeyId"] == before


def _read(doors: "Doors", aws: "Aws", key: Mapping[str, str], name: str) -> str:
    """Read a secret at the aws-api door with a key, through an unmodified SDK."""
    connect: Any = boto3.Session(
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name=aws.emulator.region,
    ).client
    client = connect("secretsmanager", endpoint_url=doors.urls["aws_api"])
    found: str = client.get_secret_value(SecretId=name)["SecretString"]
    return found


async def test_a_request_that_is_signed_with_the_key_is_answered_at_the_aws_api_door(
    aws: "Aws", doors: "Doors"
) -> None:
    name, key = aws.new_secret("hunter2"), await _served(doors)
    assert await asyncio.to_thread(_read, doors, aws, key, name) == "hunter2"


async def test_a_request_that_is_signed_with_half_of_the_key_is_not(
    aws: "Aws", doors: "Doors"
) -> None:
    name, key = aws.new_secret("hunter2"), await _served(doors)
    with pytest.raises(ClientError, match="The request signature we calculated does not match"):
        await asyncio.to_thread(_read, doors, aws, key | {"SecretAccessKey": "k" * 40}, name)


async def test_no_key_is_in_the_log(
    doors: "Doors", user: "KeyUser", until: "Until", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    old, value = await _served(doors), user.new_key()
    user.put(value | {"user_name": "somebody"})
    await _invalidate(doors, user.secret_id)

    async def noticed() -> bool:
        return "its key is that of" in caplog.text

    await until(noticed)
    assert value["aws_secret_access_key"] not in caplog.text
    assert old["SecretAccessKey"] not in caplog.text
