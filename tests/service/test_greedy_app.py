"""One greedy app and a modest one beside it, while AWS holds back its answers to the first."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from sidecar.aws.boto_service import PLACES
from sidecar.aws.sts import PLACES as STS_PLACES
from sidecar.demo.stage import ROLE_NAME
from sidecar.emulator.faults import Fault
from sidecar.web.listener import ConnectionLimits

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.service.conftest import Doors, Reply, Start, Until

GREEDY: Final = "token-of-the-greedy-app"
# More than the secrets door lets one of two apps have under way.
MANY: Final = 650
MANY_CALLS: Final = 100
# Connections that a door may hold where the process may open few files.
FEW: Final = 20
# botocore gives up an answer after five seconds; what is answered sooner did not wait for that.
AT_ONCE_SECONDS: Final = 4.0
GET: Final = "secretsmanager.GetSecretValue"
LIST: Final = "secretsmanager.ListSecrets"


@pytest.fixture
def config_file(config_file: Path, tmp_path: Path) -> Path:
    """Let there be a second app, which may have what the first may."""
    (tmp_path / "greedy.token").write_text(GREEDY)
    app = f"""
[apps.greedy]
roles = ["default"]
secrets = ["demo/*"]
assume_roles = ["arn:aws:iam::*:role/modest-reader-*"]
static_token_file = {json.dumps(str(tmp_path / "greedy.token"))}
"""
    own = tmp_path / "sidecar.toml"
    own.write_text(config_file.read_text() + app)
    return own


def _policy(*actions: str, **more: object) -> str:
    statement = {"Effect": "Allow", "Action": actions, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(autouse=True)
def permissions(aws: "Aws") -> Iterator[None]:
    """Let the role list and describe secrets, too."""
    iam, name = aws.client("iam"), "tests-of-greedy-apps"
    actions = ["secretsmanager:ListSecrets", "secretsmanager:DescribeSecret"]
    document = _policy(*actions, Resource="*")
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=name, PolicyDocument=document)
    yield
    iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName=name)


@asynccontextmanager
async def _asking(questions: list[Awaitable[Any]]) -> AsyncIterator[list["asyncio.Task[Any]"]]:
    """Let all of these wait for their answers, and leave in the end."""
    tasks = [asyncio.ensure_future(each) for each in questions]
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _greedy(doors: "Doors", name: str) -> int:
    headers = {"X-Vault-Token": GREEDY}
    url = f"{doors.urls['secrets']}/v1/{name}"
    async with doors.http.get(url, headers=headers) as response:
        return response.status


Api = Callable[..., Awaitable["Reply"]]


async def _api_of(aws: "Aws", doors: "Doors", token: str | None = None) -> Api:
    """Give a function that calls the aws-api door with an app's own session."""
    status, held = await doors.credentials(token)
    assert status == 200
    keys = ReadOnlyCredentials(held["AccessKeyId"], held["SecretAccessKey"], held["Token"])
    url = f"{doors.urls['aws_api']}/"

    async def call(target: str, **members: str) -> "Reply":
        body = json.dumps(members).encode()
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        request = AWSRequest("POST", url, headers=headers, data=body)
        signer: Any = SigV4Auth(keys, "secretsmanager", aws.stage.region)
        signer.add_auth(request)
        async with doors.http.post(url, data=body, headers=dict(request.headers)) as response:
            return response.status, await response.json(content_type=None)

    return call


async def _hang(aws: "Aws", operation: str, until: "Until", calls: int) -> None:
    """Wait until so many calls hang at AWS."""

    async def hang() -> bool:
        return aws.emulator.calls().get(operation, 0) >= calls

    await until(hang)


async def test_secrets_held_and_not_held_come_at_once_while_another_apps_reads_hang(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    held, cold = aws.new_secret("held"), aws.new_secret("cold")
    doors = await start()
    await until(doors.ready)
    assert (await doors.secret(held))[0] == 200
    aws.emulator.clear_calls()
    # As many as one app gets of the calls at a time: all later ones are answered.
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", hang=True, times=PLACES // 2))
    async with _asking([_greedy(doors, f"demo/{number}") for number in range(MANY)]) as greedy:
        await _hang(aws, GET, until, PLACES // 2)
        async with asyncio.timeout(AT_ONCE_SECONDS):
            answers = [(await doors.secret(name))[1]["SecretString"] for name in (held, cold)]
            credentials = await doors.credentials()
        assert (answers, credentials[0]) == (["held", "cold"], 200)
        refused = {task.result() for task in greedy if task.done()}
        assert refused <= {429}, "what the greedy app has under way hangs, or is too much"
        assert aws.emulator.calls()[GET] == PLACES // 2 + 1


@pytest.fixture
def reader(aws: "Aws") -> Iterator[str]:
    """Give the ARN of a role that the demo's role may assume, and that may read every secret."""
    iam, name = aws.client("iam"), "modest-reader"
    trust = _policy("sts:*", Principal={"AWS": aws.stage.role_arn})
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    document = _policy("secretsmanager:GetSecretValue", Resource="*")
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=document)
    yield made["Role"]["Arn"]
    iam.delete_role_policy(RoleName=name, PolicyName="read")
    iam.delete_role(RoleName=name)


async def test_a_role_that_is_named_is_assumed_while_the_roles_that_another_app_names_hang(
    aws: "Aws", start: "Start", until: "Until", reader: str
) -> None:
    name = aws.new_secret("hunter2")
    doors = await start(SIDECAR_APPS_WEB_ASSUME_ROLES=reader)
    await until(doors.ready)
    aws.emulator.clear_calls()
    held_back = STS_PLACES // 2
    aws.emulator.set_faults(Fault("sts", "AssumeRole", hang=True, times=held_back))
    many = [f"{name}?roleArn={reader}-{number}" for number in range(MANY_CALLS)]
    async with _asking([_greedy(doors, each) for each in many]):
        await _hang(aws, "sts.AssumeRole", until, held_back)
        async with asyncio.timeout(AT_ONCE_SECONDS):
            status, body = await doors.secret(f"{name}?roleArn={reader}")
    assert (status, body["SecretString"]) == (200, "hunter2")


async def test_no_app_takes_all_connections_of_a_door_that_may_hold_few(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    held = aws.new_secret("held")
    doors = await start(limits=ConnectionLimits(max_connections=FEW, drain_seconds=0.2))
    await until(doors.ready)
    assert (await doors.secret(held))[0] == 200
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", hang=True))
    async with _asking([_greedy(doors, f"demo/{number}") for number in range(2 * FEW)]) as greedy:

        async def no_more_are_let_in() -> bool:
            return sum(task.done() for task in greedy) >= FEW

        await until(no_more_are_let_in)
        async with asyncio.timeout(AT_ONCE_SECONDS):
            assert (await doors.secret(held))[1]["SecretString"] == "held"
        waiting = sum(not task.done() for task in greedy)
    assert waiting, "what was let in goes on"


async def test_calls_that_are_sent_on_are_answered_while_another_apps_calls_hang(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    name = aws.new_secret("hunter2")
    doors = await start()
    await until(doors.ready)
    greedy, modest = await _api_of(aws, doors, GREEDY), await _api_of(aws, doors)
    aws.emulator.clear_calls()
    aws.emulator.set_faults(Fault("secretsmanager", "ListSecrets", hang=True))
    async with _asking([greedy(LIST) for _ in range(MANY_CALLS)]):
        await _hang(aws, LIST, until, 16)
        async with asyncio.timeout(AT_ONCE_SECONDS):
            described = await modest("secretsmanager.DescribeSecret", SecretId=name)
            read = await modest(GET, SecretId=name)
        assert (described[1]["Name"], read[1]["SecretString"]) == (name, "hunter2")
        throttled = await greedy("secretsmanager.DescribeSecret", SecretId=name)
        assert throttled[1]["__type"] == "ThrottlingException"


async def test_credentials_come_at_once_while_another_app_waits_for_its_first_session(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", hang=True, times=1))
    doors = await start()

    async def one_has_its_session() -> bool:
        return len(await doors.waits_for()) == 1

    await until(one_has_its_session)
    tokens = [doors.token_file.read_text(), GREEDY]
    # Each app has a session of its own; which of them AWS was asked for first, nobody says.
    modest, greedy = tokens if "role default" not in await doors.waits_for() else tokens[::-1]
    async with _asking([doors.credentials(greedy) for _ in range(MANY)]) as waiting:
        for _ in range(20):
            assert (await doors.credentials(modest))[0] == 200
        assert {(await task)[0] for task in waiting} == {503}
