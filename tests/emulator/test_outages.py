"""Everything that can go wrong between a client and AWS, for each operation that reads secrets."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from sidecar.emulator.faults import Fault
from sidecar.emulator.server import Emulator, running_emulator

URL = "http://127.0.0.1/123456789012/none"
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("secretsmanager", "GetSecretValue", {"SecretId": "none"}),
    ("secretsmanager", "BatchGetSecretValue", {"SecretIdList": ["none"]}),
    ("secretsmanager", "DescribeSecret", {"SecretId": "none"}),
    ("secretsmanager", "ListSecrets", {}),
    ("secretsmanager", "PutSecretValue", {"SecretId": "none", "SecretString": "value"}),
    ("ssm", "GetParameter", {"Name": "none"}),
    ("ssm", "GetParameters", {"Names": ["none"]}),
    ("ssm", "GetParametersByPath", {"Path": "/none"}),
    ("sqs", "ReceiveMessage", {"QueueUrl": URL}),
    ("sqs", "DeleteMessage", {"QueueUrl": URL, "ReceiptHandle": "none"}),
    ("sts", "AssumeRole", {"RoleArn": "none", "RoleSessionName": "none"}),
    ("sts", "GetCallerIdentity", {}),
]
Asked = tuple[str, str, dict[str, Any]]
EVERY_OPERATION = pytest.mark.parametrize(
    "asked", OPERATIONS, ids=[f"{service}.{operation}" for service, operation, _ in OPERATIONS]
)


@pytest.fixture
def call(connect: Callable[..., Any]) -> Callable[..., object]:
    """Give a function that calls an operation by AWS's name for it."""

    def send(service: str, operation: str, members: dict[str, Any], **options: Any) -> object:
        client = connect(service, **options)
        name = {api: python for python, api in client.meta.method_to_api_mapping.items()}[operation]
        return getattr(client, name)(**members)

    return send


@EVERY_OPERATION
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "ServiceUnavailable"),
        (400, "ThrottlingException"),
        (400, "ExpiredTokenException"),
        (400, "AccessDeniedException"),
        (400, "DecryptionFailure"),
    ],
)
def test_an_operation_fails_as_told_and_is_counted(
    *, emulator: Emulator, call: Any, refusal: Any, asked: Asked, status: int, code: str
) -> None:
    service, operation, _ = asked
    emulator.set_faults(Fault(service, operation, status=status, code=code, times=1))
    assert refusal(lambda: call(*asked)) == (status, code, "injected fault")
    assert emulator.calls() == {f"{service}.{operation}": 1}


@EVERY_OPERATION
def test_another_operation_of_the_service_does_not_fail(
    emulator: Emulator, call: Any, asked: Asked
) -> None:
    service = asked[0]
    emulator.set_faults(Fault(service, "AnyOther", status=503), Fault("other", status=503))
    refused = ""
    try:
        call(*asked)
    except ClientError as error:
        refused = str(error)
    assert "injected fault" not in refused


@EVERY_OPERATION
def test_a_connection_is_reset_while_it_waits(emulator: Emulator, call: Any, asked: Asked) -> None:
    service, operation, _ = asked
    emulator.set_faults(Fault(service, operation, reset=True))
    with pytest.raises((ConnectionClosedError, HTTPClientError), match=r"reset by peer|closed"):
        call(*asked)
    assert emulator.calls() == {f"{service}.{operation}": 1}


@EVERY_OPERATION
def test_an_answer_may_be_nonsense(emulator: Emulator, call: Any, asked: Asked) -> None:
    service, operation, _ = asked
    emulator.set_faults(Fault(service, operation, body="<html"))
    # botocore takes a 200 with no JSON in it for an answer without members.
    protocol_errors = (ResponseParserError, ClientError, ValueError)
    try:
        answer: Any = call(*asked)
    except protocol_errors:
        return
    assert set(answer) <= {"ResponseMetadata", "body"}


def test_a_reset_is_one_on_the_wire(emulator: Emulator) -> None:
    emulator.set_faults(Fault("sts", reset=True))
    host, _, port = emulator.url.removeprefix("http://").partition(":")
    form = b"Action=GetCallerIdentity&Version=2011-06-15"
    with socket.create_connection((host, int(port))) as plain:
        plain.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(form), form)
        )
        with pytest.raises(ConnectionResetError):
            plain.recv(1)


def test_a_hang_ends_with_the_clients_patience(emulator: Emulator, call: Any) -> None:
    from botocore.config import Config  # noqa: PLC0415 - for this test alone

    emulator.set_faults(Fault("sts", hang=True))
    impatient = Config(read_timeout=0.05)
    with pytest.raises(ReadTimeoutError):
        call("sts", "GetCallerIdentity", {}, config=impatient)


@pytest.fixture
def own_emulator() -> Iterator[Emulator]:
    """Give an emulator that no other test sees refusing connections."""
    with running_emulator() as emulator:
        yield emulator


def test_connections_are_refused_for_a_while_and_state_is_kept(
    own_emulator: Emulator, connect_to: Callable[..., Any]
) -> None:
    client = connect_to(own_emulator, "secretsmanager", region_name="us-east-1")
    client.create_secret(Name="kept", SecretString="value")
    for _ in range(2):
        with own_emulator.refusing_connections(), pytest.raises(EndpointConnectionError):
            client.get_secret_value(SecretId="kept")
        assert client.get_secret_value(SecretId="kept")["SecretString"] == "value"


def test_open_connections_end_too(own_emulator: Emulator) -> None:
    host, _, port = own_emulator.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as idle:
        idle.sendall(b"GET /_emulator/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        with own_emulator.refusing_connections():
            while idle.recv(4096):
                pass
