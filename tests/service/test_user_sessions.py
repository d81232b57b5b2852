"""Sessions in place of a user's key: what an SDK does with them, and when the key is replaced."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Moving, Start, Until
    from tests.service.key_user import KeyUser

GET_SESSION_TOKEN = "sts.GetSessionToken"
EXCHANGED = {
    "SIDECAR_APPS_WEB_ROLES": "default,legacy",
    "SIDECAR_ROLES_LEGACY_EXCHANGE": "session-token",
}


@pytest.fixture
def config_file(config_of_user: Path) -> Path:
    """Give the file with a role that is the user."""
    return config_of_user


@pytest.fixture
async def doors(start: "Start", until: "Until", clock_of_today: "ManualClock") -> "Doors":
    """Give a sidecar on the hand-moved clock that serves sessions of the user."""
    doors = await start(clock_of_today, **EXCHANGED)
    await until(doors.ready)
    return doors


async def _served(doors: "Doors") -> dict[str, Any]:
    status, answer = await doors.credentials(role="legacy")
    assert status == 200
    found: dict[str, Any] = answer
    return found


async def _trouble(doors: "Doors") -> str:
    """Give what the sidecar says of the role, in whatever state that is."""
    told = (await doors.readiness())[1]
    found: str = {**told["pending"], **told["warnings"]}.get("role legacy", "")
    return found


def _client(aws: "Aws", service: str) -> Any:
    """Make a client of an SDK that is told of the credentials door and of nothing else."""
    connect: Any = boto3.Session(region_name=aws.emulator.region).client
    return connect(service, endpoint_url=aws.emulator.url)


@pytest.fixture
def sdk(doors: "Doors", monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the credentials door to SDKs, and nothing else that they take credentials from."""
    doors.show(monkeypatch, role="legacy")


@pytest.mark.usefixtures("sdk")
async def test_an_sdk_works_as_the_user_with_a_session_and_never_has_the_key(
    aws: "Aws", user: "KeyUser"
) -> None:
    sts = await asyncio.to_thread(_client, aws, "sts")
    assert (await asyncio.to_thread(sts.get_caller_identity))["Arn"].endswith(f":user/{user.name}")
    held: Any = await asyncio.to_thread(boto3.Session().get_credentials)
    assert held.token
    assert held.access_key != user.current()


@pytest.mark.usefixtures("sdk")
async def test_what_a_session_may_not_do_is_refused_by_aws(aws: "Aws") -> None:
    iam = await asyncio.to_thread(_client, aws, "iam")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        await asyncio.to_thread(iam.list_users)


async def test_after_a_rotation_the_session_is_of_the_new_key(
    doors: "Doors", user: "KeyUser", moving: "Moving"
) -> None:
    before = await _served(doors)
    user.rotated_by_hand()  # whatever is asked with the old key is refused from here on
    async with doors.http.post(
        f"{doors.urls['admin']}/invalidate", params={"secretId": user.secret_id}
    ) as response:
        assert response.status == 200

    async def new() -> bool:
        return bool((await _served(doors))["AccessKeyId"] != before["AccessKeyId"])

    await moving(new)
    assert await _trouble(doors) == ""


async def test_a_key_that_was_made_inactive_is_noticed_at_the_renewal_and_the_new_one_taken(
    doors: "Doors", user: "KeyUser", moving: "Moving", clock_of_today: "ManualClock"
) -> None:
    before, old = await _served(doors), user.current()
    user.make_inactive(old)
    await clock_of_today.advance(1800)

    async def noticed() -> bool:
        return "does not work" in await _trouble(doors)

    await moving(noticed)
    assert (await _served(doors)) == before
    user.put(user.new_key())

    async def new() -> bool:
        return bool((await _served(doors))["AccessKeyId"] != before["AccessKeyId"])

    await moving(new)


NO_SESSION = Fault("sts", "GetSessionToken", status=403)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (replace(NO_SESSION, code="AccessDenied"), "GetSessionToken for user batch-"),
        (replace(NO_SESSION, status=400, code="Throttling"), "no answer to GetSessionToken for"),
        (replace(NO_SESSION, code="InvalidClientTokenId"), "the key in secret demo/"),
        (replace(NO_SESSION, status=200, body="no answer"), "no answer to GetSessionToken for"),
    ],
    ids=["no", "not now", "not with this key", "nonsense"],
)
async def test_where_sts_gives_no_session_none_is_served_and_the_reason_is_told(
    fault: Fault, told: str, aws: "Aws", start: "Start", until: "Until"
) -> None:
    aws.emulator.set_faults(fault)
    doors = await start(**EXCHANGED)

    async def refused() -> bool:
        return told in await _trouble(doors)

    await until(refused)
    assert (await doors.credentials(role="legacy"))[0] == 503


async def test_a_key_that_is_no_users_is_refused_with_whose_it_is(
    aws: "Aws", user: "KeyUser", start: "Start", until: "Until"
) -> None:
    administrator = aws.emulator.administrator
    key = {
        "user_name": user.name,
        "aws_access_key_id": administrator.access_key_id,
        "aws_secret_access_key": administrator.secret_access_key.reveal(),
    }
    user.put(key)
    doors = await start(**EXCHANGED)

    async def refused() -> bool:
        return "and its key is that of arn:aws:iam:" in await _trouble(doors)

    await until(refused)
    assert GET_SESSION_TOKEN not in aws.emulator.calls()
    assert (await doors.credentials(role="legacy"))[0] == 503
