"""A function deployed with Lambda's own API rotates, as its role and within its time."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

Connect = Callable[..., Any]
CODE = """
import json, os
import boto3

def handler(event, context):
    client, arn = boto3.client("secretsmanager"), event["SecretId"]
    token = event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        who = boto3.client("sts").get_caller_identity()["Arn"]
        left = context.get_remaining_time_in_millis()
        value = json.dumps({"who": who, "variable": os.environ["OWN"], "left": left})
        client.put_secret_value(
            SecretId=arn, SecretString=value, ClientRequestToken=token,
            VersionStages=["AWSPENDING"], RotationToken=event["RotationToken"])
    if event["Step"] == "finishSecret":
        labels = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
        [old] = [key for key, each in labels.items() if "AWSCURRENT" in each]
        client.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token,
            RemoveFromVersionId=old)
"""
SLOW = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
STEPS = ["DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage"]


def zipped(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("rotate.py", code)
    return buffer.getvalue()


@pytest.fixture
def secret(connect: Connect, fresh_name: Callable[[str], str]) -> Any:
    made = connect("secretsmanager").create_secret(Name=fresh_name("s"), SecretString="first")
    return made["ARN"]


@pytest.fixture
def deploy(connect: Connect, fresh_name: Callable[[str], str], secret: str) -> Callable[..., str]:
    """Give a function that deploys code whose role may use the one secret, and returns its ARN."""

    def make(code: str, actions: list[str], **settings: Any) -> str:
        iam, name = connect("iam"), fresh_name("rotate")
        service = {"Service": "lambda.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        allowed = [f"secretsmanager:{action}" for action in actions]
        statement = {"Effect": "Allow", "Action": allowed, "Resource": secret}
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy)
        made = connect("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler="rotate.handler",
            Code={"ZipFile": zipped(code)},
            **{"Timeout": 60, "Environment": {"Variables": {"OWN": "mine"}}, **settings},
        )
        return str(made["FunctionArn"])

    return make


def permit(connect: Connect, function: str, **condition: str) -> None:
    connect("lambda").add_permission(
        FunctionName=function,
        StatementId="rotation",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        **condition,
    )


@pytest.fixture
def rotate(connect: Connect, emulator: Emulator, secret: str) -> Callable[[str], Any]:
    """Give a function that rotates the secret, and returns its value and its events."""
    client = connect("secretsmanager")

    def run(function: str) -> Any:
        client.rotate_secret(SecretId=secret, RotationLambdaARN=function)
        emulator.wait_for_rotations(120)
        events = [
            (event["eventName"], event.get("errorMessage", ""))
            for event in emulator.rotation_events()
            if event["additionalEventData"]["SecretId"] == secret
        ]
        return client.get_secret_value(SecretId=secret)["SecretString"], events

    return run


def test_it_runs_as_its_role_with_its_variables(connect: Connect, deploy: Any, rotate: Any) -> None:
    function = deploy(CODE, STEPS)
    permit(connect, function)
    value, events = rotate(function)
    assert events == [("RotationStarted", ""), ("RotationSucceeded", "")]
    found, name = json.loads(value), function.rsplit(":", 1)[-1]
    assert found["who"].endswith(f":assumed-role/{name}/{name}")
    assert found["variable"] == "mine"
    assert 30_000 < found["left"] <= 60_000


def test_what_its_role_may_not_do_fails(
    connect: Connect, deploy: Any, rotate: Any, emulator: Emulator
) -> None:
    function = deploy(CODE, STEPS[:2])
    permit(connect, function)
    emulator.change_rotations(attempts=1)
    value, events = rotate(function)
    emulator.change_rotations(attempts=3)
    failed = f"Error when executing lambda {function} during finishSecret step"
    assert events == [("RotationStarted", ""), ("RotationFailed", failed)]
    assert value == "first"


def test_what_takes_longer_than_its_timeout_fails(
    connect: Connect, deploy: Any, rotate: Any, emulator: Emulator
) -> None:
    function = deploy(SLOW, STEPS, Timeout=1)
    permit(connect, function)
    emulator.change_rotations(attempts=1)
    _, events = rotate(function)
    emulator.change_rotations(attempts=3)
    assert [name for name, _ in events] == ["RotationStarted", "RotationFailed"]


def test_without_a_permission_for_secrets_manager_it_is_refused(
    connect: Connect, deploy: Any, secret: str, refusal: Any, emulator: Emulator
) -> None:
    function, call = deploy(CODE, STEPS), connect("secretsmanager").rotate_secret
    wish = {"SecretId": secret, "RotationLambdaARN": function}
    status, code, message = refusal(call, **wish)
    assert (status, code) == (400, "AccessDeniedException")
    assert message.endswith("grants access to the principal secretsmanager.amazonaws.com.")
    permit(connect, function)
    assert call(**wish)
    emulator.wait_for_rotations(120)


def test_a_permission_for_another_secret_or_account_does_not_count(
    connect: Connect, deploy: Any, secret: str, refusal: Any
) -> None:
    call = connect("secretsmanager").rotate_secret
    for condition in ({"SourceArn": f"{secret}-other"}, {"SourceAccount": "999999999999"}):
        function = deploy(CODE, STEPS)
        permit(connect, function, **condition)
        refused = refusal(call, SecretId=secret, RotationLambdaARN=function)
        assert refused[1] == "AccessDeniedException"


def test_a_permission_for_this_secret_counts(
    connect: Connect, deploy: Any, rotate: Any, secret: str
) -> None:
    function = deploy(CODE, STEPS)
    permit(connect, function, SourceArn=secret, SourceAccount=secret.split(":")[4])
    assert rotate(function)[1][-1][0] == "RotationSucceeded"
