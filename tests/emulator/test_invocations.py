"""A deployed function is invoked with Lambda's own API by whoever may, and by nobody else."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Connect = Callable[..., Any]
CODE = """
import os
def handler(event, context):
    print("a line of the log")
    if "divide_by" in event:
        return 1 / event["divide_by"]
    return {"sum": sum(event["numbers"]), "name": context.function_name}
"""


def zipped(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("model.py", code)
    return buffer.getvalue()


@pytest.fixture
def function(connect: Connect, fresh_name: Callable[[str], str]) -> Iterator[str]:
    """Give the ARN of a function that sums up."""
    iam, name = connect("iam"), fresh_name("model")
    service = {"Service": "lambda.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    client = connect("lambda")
    made = client.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=role,
        Handler="model.handler",
        Code={"ZipFile": zipped(CODE)},
    )
    yield str(made["FunctionArn"])
    client.delete_function(FunctionName=name)


def invoked(client: Any, function: str, event: Any, **more: Any) -> tuple[Any, Any]:
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event), **more)
    return json.loads(answer["Payload"].read() or "null"), answer.get("FunctionError")


@pytest.mark.parametrize("whole", [True, False])
def test_it_answers_with_what_the_function_returned(
    *, connect: Connect, function: str, whole: bool
) -> None:
    name = function.rsplit(":", 1)[-1]
    asked = function if whole else name
    result = invoked(connect("lambda"), asked, {"numbers": [1, 2, 3]})
    assert result == ({"sum": 6, "name": name}, None)


def test_an_exception_is_told_as_the_function_s_own(connect: Connect, function: str) -> None:
    told, error = invoked(connect("lambda"), function, {"divide_by": 0})
    assert error == "Unhandled"
    assert told == {"errorMessage": "division by zero", "errorType": "ZeroDivisionError"}


def test_a_dry_run_runs_nothing(connect: Connect, function: str) -> None:
    told, error = invoked(connect("lambda"), function, {"divide_by": 0}, InvocationType="DryRun")
    assert (told, error) == (None, None)


def test_what_is_not_there_or_not_served_is_refused(
    connect: Connect, function: str, refusal: Any
) -> None:
    client = connect("lambda")
    assert refusal(client.invoke, FunctionName="none")[:2] == (404, "ResourceNotFoundException")
    asynchronous = {"FunctionName": function, "InvocationType": "Event"}
    assert refusal(client.invoke, **asynchronous)[:2] == (400, "InvalidParameterValueException")
    no_json = {"FunctionName": function, "Payload": b"{"}
    assert refusal(client.invoke, **no_json)[:2] == (400, "InvalidRequestContentException")


def test_only_who_may_invoke_this_function_does(
    connect: Connect, function: str, new_user: Callable[..., Any], refusal: Any
) -> None:
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}
    other = allowed | {"Resource": function + "-other"}
    may, may_not = (connect("lambda", **new_user(each)) for each in (allowed, other))
    assert invoked(may, function, {"numbers": [1]})[1] is None
    assert refusal(may_not.invoke, FunctionName=function)[:2] == (403, "AccessDeniedException")


def test_a_policy_that_names_a_key_of_kms_is_about_that_key_alone(
    connect: Connect, new_user: Callable[..., Any], refusal: Any
) -> None:
    kms = connect("kms")
    mine, other = (kms.create_key()["KeyMetadata"] for _ in range(2))
    kms.create_alias(AliasName="alias/of-mine", TargetKeyId=mine["KeyId"])
    allowed = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": mine["Arn"]}
    user = connect("kms", **new_user(allowed))
    for name in (mine["Arn"], mine["KeyId"], "alias/of-mine"):
        assert user.encrypt(KeyId=name, Plaintext=b"x")["CiphertextBlob"]
    refused = refusal(user.encrypt, KeyId=other["KeyId"], Plaintext=b"x")
    assert refused[:2] == (400, "AccessDeniedException")
