"""Whatever moto's services are told to send goes to this machine and nowhere else."""

import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import moto
import pytest
import requests
from moto.core.config import default_user_config
from moto.utilities.docker_utilities import DockerModel
from requests.adapters import HTTPAdapter

# What can make a connection beside requests and docker, as modules import it.
WAYS = re.compile(
    r"^\s*(?:from|import)\s+(?:urllib3|urllib\.request|http|socket|smtplib|ftplib|asyncio|aiohttp)\b",
    re.MULTILINE,
)
_TASKS = "stepfunctions/parser/asl/component/state/exec/state_task/service"
# A proxy, which no emulator runs, and names of HTTP statuses.
HARMLESS = {
    "proxy.py",
    "moto_proxy/proxy3.py",
    "core/custom_responses_mock.py",
    f"{_TASKS}/state_task_service_api_gateway.py",
}
ELSEWHERE = "the emulator sends to this machine only"


class _Receiver(BaseHTTPRequestHandler):
    """Answers everything, and sends who asks for /away to another machine."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.paths.append(self.path)  # type: ignore[attr-defined] # of the fixture
        self.send_response(307 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", "http://192.0.2.1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    """Give a server on this machine that keeps the paths that it was asked for."""
    with HTTPServer(("127.0.0.1", 0), _Receiver) as server:
        server.paths = []  # type: ignore[attr-defined] # for the handler
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def stream(
    connect: Callable[..., Any], fresh_name: Callable[[str], str]
) -> Callable[[str], Callable[[], Any]]:
    """Give a function that makes a stream of Firehose to a URL, and returns one that sends."""
    firehose = connect("firehose")

    def made(url: str) -> Callable[[], Any]:
        name = fresh_name("stream")
        bucket = {"RoleARN": "arn:aws:iam::123456789012:role/r", "BucketARN": "arn:aws:s3:::b"}
        endpoint = {"EndpointConfiguration": {"Url": url}, "S3Configuration": bucket}
        firehose.create_delivery_stream(
            DeliveryStreamName=name, HttpEndpointDestinationConfiguration=endpoint
        )
        return lambda: firehose.put_record(DeliveryStreamName=name, Record={"Data": b"canary"})

    return made


def test_firehose_sends_to_this_machine(
    stream: Callable[[str], Callable[[], Any]], receiver: HTTPServer
) -> None:
    assert stream(f"http://127.0.0.1:{receiver.server_port}/here")()["RecordId"]
    assert receiver.paths == ["/here"]  # type: ignore[attr-defined] # of the fixture


@pytest.mark.parametrize("url", ["http://192.0.2.1/", "http://aws.example/", "https://10.0.0.1/"])
def test_firehose_sends_nothing_elsewhere(
    url: str,
    stream: Callable[[str], Callable[[], Any]],
    refusal: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached: list[str] = []

    def connection(_: HTTPAdapter, request: requests.PreparedRequest, *__: Any, **___: Any) -> None:
        reached.append(str(request.url))
        raise OSError

    monkeypatch.setattr(HTTPAdapter, "get_connection_with_tls_context", connection)
    assert refusal(stream(url))[0] == 500
    assert reached == []


def test_a_redirect_to_another_machine_is_not_followed(
    receiver: HTTPServer, shared_emulator: object
) -> None:
    del shared_emulator
    with pytest.raises(requests.ConnectionError, match=ELSEWHERE):
        requests.post(f"http://127.0.0.1:{receiver.server_port}/away", data=b"x", timeout=5)
    assert receiver.paths == ["/away"]  # type: ignore[attr-defined] # of the fixture


def test_a_proxy_is_not_used(
    receiver: HTTPServer, shared_emulator: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shared_emulator
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    url = f"http://127.0.0.1:{receiver.server_port}/direct"
    assert requests.post(url, data=b"x", timeout=5).status_code == 200


def test_no_container_is_started(shared_emulator: object) -> None:
    del shared_emulator
    with pytest.raises(NotImplementedError, match="starts no containers"):
        _ = DockerModel().docker_client


def test_moto_has_no_other_way_out_than_those_that_are_held_back() -> None:
    root = Path(moto.__file__).parent
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if WAYS.search(path.read_text(encoding="utf-8"))
    }
    assert found == HARMLESS


def test_moto_runs_no_state_machine_whose_tasks_would_ask_through_a_proxy() -> None:
    # They are calls of botocore's, which nothing here holds back.
    assert default_user_config["stepfunctions"]["execute_state_machine"] is False
