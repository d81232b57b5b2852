"""The emulator's life: started, used by many, stopped."""

import logging
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sidecar.ca import Subject, certificate_pem, create_root
from sidecar.emulator.faults import Fault
from sidecar.emulator.server import Emulator, running_emulator
from sidecar.errors import ListenError, OperatorError

Connect = Callable[..., Any]


def test_it_listens_on_loopback_and_a_free_port_by_default(emulator: Emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")


def test_a_port_in_use_is_an_error_with_a_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as caught, running_emulator(port=port):
            pass
    message = f"cannot listen on 127.0.0.1:{port}: Address already in use"
    assert caught.value.message == message
    assert "--port" in caught.value.hint


def test_a_host_that_does_not_resolve_is_an_error() -> None:
    with (
        pytest.raises(ListenError, match=r"cannot resolve a\.\.b"),
        running_emulator(host="a..b"),
    ):
        pass


def test_a_region_that_does_not_exist_is_an_error() -> None:
    with (
        pytest.raises(OperatorError, match="there is no region nowhere-1"),
        running_emulator(region="nowhere-1"),
    ):
        pass


def test_it_can_be_started_again_and_is_empty_then(
    connect_to: Callable[..., Any], fresh_name: Callable[[str], str]
) -> None:
    names: list[list[str]] = []
    with running_emulator() as first:
        connect_to(first, "iam").create_user(UserName=fresh_name("user"))
        names.append(_users(connect_to(first, "iam")))
    with running_emulator() as second:
        names.append(_users(connect_to(second, "iam")))
    assert (len(names[0]), names[1]) == (2, ["administrator"])


def _users(iam: Any) -> list[str]:
    return [user["UserName"] for user in iam.list_users()["Users"]]


def test_two_emulators_in_one_process_know_nothing_of_each_other(
    emulator: Emulator, connect_to: Callable[..., Any], refusal: Any
) -> None:
    with running_emulator() as other:
        connect_to(emulator, "secretsmanager", region_name="us-east-1").create_secret(
            Name="both", SecretString="here"
        )
        there = connect_to(other, "secretsmanager", region_name="us-east-1")
        assert refusal(there.get_secret_value, SecretId="both")[1] == "ResourceNotFoundException"
        key = emulator.administrator
        stranger = connect_to(
            other,
            "sts",
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key.reveal(),
        )
        assert refusal(stranger.get_caller_identity)[1] == "InvalidClientTokenId"


def test_stopping_lets_hanging_requests_go(connect_to: Callable[..., Any]) -> None:
    with ThreadPoolExecutor() as pool:
        with running_emulator() as emulator:
            emulator.set_faults(Fault("sts", hang=True))
            hanging = pool.submit(connect_to(emulator, "sts").get_caller_identity)
            _until(lambda: emulator.calls() == {"sts.GetCallerIdentity": 1})
            assert not hanging.done()
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            hanging.result(timeout=20)


def _until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 20
    while not condition():
        assert monotonic() < deadline, "the condition was never met"


def test_five_hundred_requests_at_once_are_all_answered(
    emulator: Emulator, connect: Connect
) -> None:
    client = connect("secretsmanager")
    client.create_secret(Name="popular", SecretString="value")
    target, count = emulator.url.removeprefix("http://"), 500
    host, _, port = target.partition(":")
    opened = [socket.create_connection((host, int(port)), timeout=60) for _ in range(count)]
    for each in opened:
        each.sendall(f"GET /_emulator/health HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert {_status(each) for each in opened} == {b"HTTP/1.1 200 OK"}
    with ThreadPoolExecutor(20) as pool:
        values = pool.map(lambda _: client.get_secret_value(SecretId="popular"), range(100))
        assert {value["SecretString"] for value in values} == {"value"}
    assert emulator.calls()["secretsmanager.GetSecretValue"] == 100


def _status(connection: socket.socket) -> bytes:
    with connection, connection.makefile("rb") as lines:
        return lines.readline().strip()


def test_header_lines_of_sixty_kilobytes_are_read(emulator: Emulator, send_raw: Any) -> None:
    headers = [("Host", "localhost"), ("X-Long", "x" * 60_000)]
    assert send_raw(emulator.url, "GET", "/_emulator/health", headers).status == 200


def test_chunked_uploads_are_read(emulator: Emulator) -> None:
    host, _, port = emulator.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"PUT /_emulator/clock HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b'\r\n15\r\n{"offset_seconds": 0}\r\n0\r\n\r\n'
        )
        assert _status(connection) == b"HTTP/1.1 200 OK"


def test_a_body_beyond_the_limit_is_refused(emulator: Emulator) -> None:
    host, _, port = emulator.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 67108865\r\n\r\n"
        )
        connection.shutdown(socket.SHUT_WR)
        assert _status(connection) == b"HTTP/1.1 413 Request Entity Too Large"


def test_an_endless_body_is_refused_at_the_limit(emulator: Emulator) -> None:
    host, _, port = emulator.url.removeprefix("http://").partition(":")
    mebibyte = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(65):
            connection.sendall(mebibyte)
        connection.shutdown(socket.SHUT_WR)
        assert _status(connection) == b"HTTP/1.1 413 Request Entity Too Large"


@pytest.mark.parametrize(
    "header",
    [b"Content-Length: many", b"Transfer-Encoding: chunked"],
    ids=["length in words", "chunks that are none"],
)
def test_a_body_that_makes_no_sense_is_a_bad_request(emulator: Emulator, header: bytes) -> None:
    host, _, port = emulator.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n\r\nzzz\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert _status(connection) == b"HTTP/1.1 400 Bad Request"


def test_an_error_has_no_body_in_answer_to_head(emulator: Emulator, send_raw: Any) -> None:
    reply = send_raw(emulator.url, "HEAD", "/bucket/key")
    assert (reply.status, reply.body) == (403, b"")


def test_what_goes_wrong_inside_is_logged_and_answered_in_the_services_shape(
    connect: Connect, refusal: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        missing = connect("secretsmanager").stop_replication_to_replica
        status, code, _ = refusal(missing, SecretId="any")
    assert (status, code) == (500, "InternalFailure")
    [record] = caplog.records
    assert record.message == "the emulator failed to answer a request"
    assert record.exc_info


def test_requests_leave_no_trace_on_the_terminal(
    connect: Connect, capfd: pytest.CaptureFixture[str]
) -> None:
    connect("sts").get_caller_identity()
    assert capfd.readouterr() == ("", "")


def test_tls_is_served_with_the_ca_that_is_handed_out(today: datetime) -> None:
    with running_emulator(tls=True) as emulator:
        url = f"{emulator.url}/_emulator/health"
        trusting = ssl.create_default_context(cadata=emulator.ca_pem.decode())
        with urllib.request.urlopen(url, context=trusting, timeout=30) as answer:
            assert answer.status == 200
        distrusting = ssl.create_default_context(cadata=_another_ca(today))
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(url, context=distrusting, timeout=30)


def _another_ca(now: datetime) -> str:
    root = create_root(Subject("elsewhere"), now=now, validity=timedelta(days=1))
    return certificate_pem(root.certificate).decode()


def test_a_client_that_never_speaks_does_not_keep_others_out() -> None:
    with running_emulator(tls=True) as emulator:
        host, _, port = emulator.url.removeprefix("https://").partition(":")
        trusting = ssl.create_default_context(cadata=emulator.ca_pem.decode())
        with socket.create_connection((host, int(port))):
            url = f"{emulator.url}/_emulator/health"
            with urllib.request.urlopen(url, context=trusting, timeout=30) as answer:
                assert answer.status == 200
