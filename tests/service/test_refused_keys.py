"""A user's key that AWS refuses is read again from its secret, whoever asked AWS with it.

By itself the role would read the secret after hours here.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from sidecar.emulator.faults import Fault
from tests.service.key_user import EVERYTHING, key_user

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start, Until
    from tests.service.key_user import KeyUser

HOURS: Final = "43200"
# Within this time everything that asks AWS with the key by itself has done so.
SOON_SECONDS: Final = 3600 + 120
CHAINED: Final = "chained-on-a-user"
READ: Final = "secretsmanager.GetSecretValue"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Give what removes at the end whatever a test made at AWS."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def config_file(config_of_user: Path) -> Path:
    """Give the file with a role that is the user."""
    return config_of_user


@pytest.fixture
async def begin(
    start: "Start", until: "Until", clock_of_today: "ManualClock"
) -> Callable[..., Awaitable["Doors"]]:
    """Give a function that starts a sidecar which serves the user's key for hours."""

    async def begun(**more: str) -> "Doors":
        usual = {
            "SIDECAR_APPS_WEB_ROLES": "default,legacy",
            "SIDECAR_DOORS_AWS_API": "127.0.0.1:0",
            "SIDECAR_ROLES_LEGACY_SESSION_DURATION_SECONDS": HOURS,
        }
        doors = await start(clock_of_today, **(usual | more))
        await until(doors.ready)
        return doors

    return begun


async def _served(doors: "Doors") -> dict[str, str]:
    status, answer = await doors.credentials(role="legacy")
    assert status == 200
    found: dict[str, str] = answer
    return found


Ask = Callable[..., Awaitable[str]]


async def _asker(aws: "Aws", doors: "Doors", region: str = "") -> Ask:
    """Make an application that holds the key and asks at the aws-api door."""
    key = await _served(doors)
    connect: Any = boto3.Session(
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name=region or aws.emulator.region,
    ).client
    url = doors.urls["aws_api"]
    client = await asyncio.to_thread(connect, "secretsmanager", endpoint_url=url)

    def asked(operation: str, **words: str) -> str:
        """Ask, and give the code of a refusal."""
        try:
            getattr(client, operation)(**words)
        except ClientError as exc:
            return str(exc.response["Error"]["Code"])
        return ""

    async def ask(operation: str, **words: str) -> str:
        return await asyncio.to_thread(asked, operation, **words)

    return ask


@pytest.fixture
def becomes(clock_of_today: "ManualClock", until: "Until") -> Callable[..., Awaitable[bool]]:
    """Give a function that lets time pass until a key is served, or would have been long since."""

    async def asked(doors: "Doors", access_key_id: str, within: float = SOON_SECONDS) -> bool:
        late = clock_of_today.elapsed() + within

        async def new_or_late() -> bool:
            clock_of_today.jump(50)
            await clock_of_today.advance(10)
            new = (await _served(doors))["AccessKeyId"] == access_key_id
            return new or clock_of_today.elapsed() > late

        await until(new_or_late)
        return (await _served(doors))["AccessKeyId"] == access_key_id

    return asked


async def test_by_a_call_that_is_sent_on(
    aws: "Aws", user: "KeyUser", begin: Any, becomes: Any
) -> None:
    doors = await begin()
    ask, value = await _asker(aws, doors), user.rotated_by_hand()
    assert await ask("list_secrets") == "UnrecognizedClientException"
    assert await becomes(doors, value["aws_access_key_id"])


async def test_by_a_description(aws: "Aws", user: "KeyUser", begin: Any, becomes: Any) -> None:
    doors = await begin(SIDECAR_SECRETS_VIA="legacy")
    ask, value = await _asker(aws, doors), user.rotated_by_hand()
    assert await ask("describe_secret", SecretId=user.secret_id) != ""
    assert await becomes(doors, value["aws_access_key_id"])


@pytest.fixture
def more(config_file: Path) -> Callable[[str], None]:
    """Give a function that adds to the configuration."""

    def add(text: str) -> None:
        config_file.write_text(f"{config_file.read_text()}\n{text}\n")

    return add


def _role_that_trusts(aws: "Aws", user: "KeyUser", stack: ExitStack) -> str:
    """Make a role that the user may assume."""
    arn = f"arn:aws:iam::{aws.stage.role_arn.split(':')[4]}:user/{user.name}"
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    trust, iam = {"Version": "2012-10-17", "Statement": [statement]}, aws.client("iam")
    role: str = iam.create_role(RoleName=CHAINED, AssumeRolePolicyDocument=json.dumps(trust))[
        "Role"
    ]["Arn"]
    stack.callback(iam.delete_role, RoleName=CHAINED)
    iam.put_role_policy(RoleName=CHAINED, PolicyName="all", PolicyDocument=EVERYTHING)
    stack.callback(iam.delete_role_policy, RoleName=CHAINED, PolicyName="all")
    return role


def _chained(aws: "Aws", user: "KeyUser", stack: ExitStack) -> str:
    role = _role_that_trusts(aws, user, stack)
    return f'[roles.more]\nsource = "assume-role"\nvia = "legacy"\nrole_arn = "{role}"'


def _second_user(aws: "Aws", user: "KeyUser", stack: ExitStack) -> str:
    second = stack.enter_context(key_user(aws))
    second.secret_id = aws.new_secret(json.dumps(second.new_key()))
    role = f'[roles.more]\nsource = "access-key-secret"\nsecret_id = "{second.secret_id}"'
    return f'{role}\nvia = "legacy"'


def _rotation(aws: "Aws", user: "KeyUser", stack: ExitStack) -> str:
    second = stack.enter_context(key_user(aws))
    second.secret_id = aws.new_secret(json.dumps(second.new_key()))
    return f'[rotation."{second.secret_id}"]\nuser_name = "{second.name}"\nvia = "legacy"'


@pytest.mark.parametrize("part", [_chained, _second_user, _rotation])
async def test_by_what_is_asked_with_it_in_the_background(
    *, part: Any, aws: "Aws", user: "KeyUser", begin: Any, becomes: Any, more: Any, stack: ExitStack
) -> None:
    more(part(aws, user, stack))
    doors = await begin()
    value = user.rotated_by_hand()
    assert await becomes(doors, value["aws_access_key_id"])


async def test_by_a_role_that_a_request_names(
    *, aws: "Aws", user: "KeyUser", begin: Any, becomes: Any, stack: ExitStack
) -> None:
    role = _role_that_trusts(aws, user, stack)
    doors = await begin(SIDECAR_SECRETS_VIA="legacy", SIDECAR_APPS_WEB_ASSUME_ROLES=role)
    value = user.rotated_by_hand()
    assert (await doors.secret(f"{user.secret_id}?roleArn={role}"))[0] != 200
    assert await becomes(doors, value["aws_access_key_id"])


@pytest.mark.parametrize(
    ("code", "region"),
    [
        ("AccessDeniedException", ""),
        ("InvalidSignatureException", ""),
        ("UnrecognizedClientException", "eu-west-1"),
    ],
    ids=["not allowed", "not by this signature", "not in this region"],
)
async def test_no_other_refusal_has_the_secret_read_again(
    *, code: str, region: str, aws: "Aws", user: "KeyUser", begin: Any, becomes: Any
) -> None:
    doors = await begin()
    ask, value = await _asker(aws, doors, region), user.new_key()
    user.put(value)
    aws.emulator.set_faults(Fault("secretsmanager", "ListSecrets", status=400, code=code))
    assert await ask("list_secrets") == code
    assert not await becomes(doors, value["aws_access_key_id"], within=600)


async def test_an_application_whose_calls_are_refused_without_end_causes_few_reads(
    *, aws: "Aws", begin: Any, clock_of_today: "ManualClock", until: "Until"
) -> None:
    doors = await begin()
    ask = await _asker(aws, doors)
    code = "UnrecognizedClientException"
    aws.emulator.set_faults(Fault("secretsmanager", "ListSecrets", status=400, code=code))
    aws.emulator.clear_calls()
    for _ in range(28):
        assert await asyncio.gather(*(ask("list_secrets") for _ in range(3))) == [code] * 3
        await clock_of_today.advance(10)

    async def read() -> bool:
        return aws.emulator.calls().get(READ, 0) > 0

    await until(read)
    assert aws.emulator.calls()[READ] <= 3  # after 30, 90 and 210 seconds
