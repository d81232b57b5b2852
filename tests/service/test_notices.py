"""A whole sidecar tells what happens, and no sink, however bad, keeps an application waiting."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from sidecar.cli import main
from sidecar.demo.stage import ROLE_NAME
from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually, Serve, Serving
    from tests.service.conftest import Doors, Start, Until

# Loosely: what an answer from memory never takes, and what waiting for any sink would.
AT_ONCE_SECONDS: Final = 1.0
# Three of them are the outbox's; the rest is for a busy machine.
LONGEST_END_SECONDS: Final = 10.0
DENIALS: Final = 20


@pytest.fixture
def config_file(aws: "Aws", tmp_path: Path) -> Path:
    """Give a configuration of the test's own, to which sinks are added."""
    copy = tmp_path / "sidecar.toml"
    copy.write_text(aws.stage.config.read_text())
    return copy


Sink = Callable[..., None]


@pytest.fixture
def sink(config_file: Path) -> Sink:
    """Give a function that adds a sink to the configuration."""

    def add(name: str, **options: object) -> None:
        lines = [f"{key} = {json.dumps(str(value))}" for key, value in options.items()]
        with config_file.open("a") as file:
            file.write("\n".join(["", f"[notify.{name}]", *lines, ""]))

    return add


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """Give the port of a server that accepts connections and never answers."""
    kept: list[asyncio.StreamWriter] = []

    def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept.append(writer)

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in kept:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    await server.wait_closed()


@dataclass(frozen=True)
class Inbox:
    """A queue in which messages arrive, and where they come from."""

    sqs: Any
    url: str
    source: str

    def next(self) -> dict[str, Any]:
        """Wait for a message and give its JSON."""
        asked = {"QueueUrl": self.url, "WaitTimeSeconds": 20, "MaxNumberOfMessages": 1}
        [message] = self.sqs.receive_message(**asked)["Messages"]
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return dict(json.loads(message["Body"]))


@pytest.fixture
def allowed(aws: "Aws") -> Iterator[None]:
    """Let the sidecar's role publish and put events while the test lasts."""
    iam, name = aws.client("iam"), f"notices-{uuid4().hex}"
    statement = {"Effect": "Allow", "Action": ["sns:Publish", "events:PutEvents"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=name, PolicyDocument=document)
    yield
    iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName=name)


def _queue(aws: "Aws") -> tuple[Any, str, str]:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=f"notices-{uuid4().hex}")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return sqs, url, found["Attributes"]["QueueArn"]


@pytest.fixture
def topic(aws: "Aws", allowed: None) -> Inbox:
    """Give a queue that is subscribed to a topic of its own."""
    sqs, url, arn = _queue(aws)
    sns = aws.client("sns")
    topic = sns.create_topic(Name=f"notices-{uuid4().hex}")["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Inbox(sqs, url, topic)


async def _denied(doors: "Doors") -> None:
    for _ in range(DENIALS):
        status, _ = await doors.credentials("no-token-of-anybody-" * 2)
        assert status == 401


async def test_a_topic_gets_what_chat_applications_show(
    topic: Inbox, sink: Sink, start: "Start", until: "Until"
) -> None:
    sink("chat", type="sns", topic_arn=topic.source, kinds="denial-burst")
    doors = await start()
    await until(doors.ready)
    await _denied(doors)
    envelope = await asyncio.to_thread(topic.next)
    message = json.loads(envelope["Message"])
    assert (message["version"], message["source"]) == ("1.0", "custom")
    assert message["metadata"]["eventType"] == "denial-burst"
    assert (
        "was denied 20 times within a minute at the credentials door"
        in (message["content"]["description"])
    )
    assert envelope["MessageAttributes"]["severity"]["Value"] == "warning"


async def test_a_bus_takes_the_event(
    *, aws: "Aws", allowed: None, sink: Sink, start: "Start", until: "Until"
) -> None:
    aws.client("events").create_event_bus(Name=(name := f"notices-{uuid4().hex}"))
    sink("bus", type="eventbridge", bus=name)
    doors = await start()
    await until(doors.ready)
    await _denied(doors)

    async def put() -> bool:
        return aws.emulator.calls().get("events.PutEvents", 0) == 1

    await until(put)
    assert "notify bus" not in (await doors.readiness())[1].get("warnings", {})


async def test_a_secret_s_new_version_is_told_once(
    *, aws: "Aws", sink: Sink, start: "Start", until: "Until", tmp_path: Path
) -> None:
    kinds = "secret-changed"
    sink("log", type="file", destination=tmp_path / "notices", kinds=kinds, about="demo/*")
    sink("other", type="file", destination=tmp_path / "other", kinds=kinds, about="none/*")
    doors = await start(SIDECAR_SECRETS_TTL_SECONDS="0")
    await until(doors.ready)
    secret = aws.new_secret("canary-one")
    assert (await doors.secret(secret))[0] == 200
    aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString="canary-two")
    for _ in range(3):
        assert (await doors.secret(secret))[0] == 200

    async def told() -> bool:
        return (tmp_path / "notices").exists()

    await until(told)
    [line] = (tmp_path / "notices").read_text().splitlines()
    assert json.loads(line)["sentence"] == (
        f"secret {secret} has a new value, which is served from now on"
    )
    assert "canary" not in line
    assert not (tmp_path / "other").exists()


async def test_sessions_of_apps_that_are_refused_are_told_as_one(
    *, aws: "Aws", sink: Sink, start: "Start", until: "Until", config_file: Path, tmp_path: Path
) -> None:
    for number in range(3):
        token = f'token_file = "{tmp_path}/token-{number}"'
        with config_file.open("a") as file:
            file.write(f'\n[apps.app-{number}]\nroles = ["default"]\n{token}\n')
    sink("log", type="file", destination=tmp_path / "notices", kinds="session-failing")
    aws.emulator.set_faults(Fault("rolesanywhere", "CreateSession", status=403))
    doors = await start()

    async def all_failed() -> bool:
        warned = (await doors.readiness())[1].get("warnings", {})
        return len(warned) == 4 and (tmp_path / "notices").exists()

    await until(all_failed)
    [line] = (tmp_path / "notices").read_text().splitlines()
    assert json.loads(line)["facts"]["role"] == "default"


async def test_sinks_that_hang_refuse_or_are_misconfigured_slow_no_door_and_are_seen(
    *,
    silent: int,
    unused_tcp_port: int,
    sink: Sink,
    start: "Start",
    until: "Until",
    tmp_path: Path,
) -> None:
    for name, port in (("hangs", silent), ("refuses", unused_tcp_port)):
        (tmp_path / name).write_text(f"http://127.0.0.1:{port}/canary")
        sink(name, type="slack", url_file=tmp_path / name)
    sink("wrong", type="sns", topic_arn="arn:aws:sns:eu-central-1:123456789012:none")
    doors = await start()
    await until(doors.ready)
    await _denied(doors)
    longest = max([await _seconds_of_an_answer(doors) for _ in range(20)])
    assert longest < AT_ONCE_SECONDS

    async def seen() -> bool:
        status, said = await doors.readiness()
        assert status == 200
        return {"notify refuses", "notify wrong"} <= set(said.get("warnings", {}))

    await until(seen)
    warnings = (await doors.readiness())[1]["warnings"]
    assert warnings["notify refuses"] == "not sent: no answer: connection refused"
    assert "canary" not in json.dumps(warnings)


async def _seconds_of_an_answer(doors: "Doors") -> float:
    begun = time.monotonic()
    assert (await doors.credentials())[0] == 200
    return time.monotonic() - begun


@pytest.fixture
def refusing(sink: Sink, tmp_path: Path, unused_tcp_port: int) -> None:
    """Add a sink that nobody listens at."""
    (tmp_path / "url").write_text(f"http://127.0.0.1:{unused_tcp_port}/canary")
    sink("refuses", type="slack", url_file=tmp_path / "url")


Run = Callable[[], AbstractContextManager["Serving"]]


@pytest.fixture
def run(aws: "Aws", serve: "Serve", config_file: Path, refusing: None, tmp_path: Path) -> Run:
    """Give a function that runs such a sidecar as a process, with a control socket."""
    variables = {
        "AWS_ENDPOINT_URL": aws.emulator.url,
        "SIDECAR_CONTROL_SOCKET": str(tmp_path / "control"),
        "SIDECAR_LOG_LEVEL": "debug",
    }
    return lambda: serve(tmp_path, "--config", str(config_file), **variables)


def _deny(url: str) -> None:
    for _ in range(DENIALS):
        asked = Request(f"{url}/credentials", headers={"Authorization": "nobody" * 8})
        with pytest.raises(HTTPError):
            urlopen(asked)


def test_the_status_shows_what_became_of_notices(
    run: Run, eventually: "Eventually", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def status(*words: str) -> str:
        capsys.readouterr()
        main(["status", "--socket", str(tmp_path / "control"), *words])
        return capsys.readouterr().out

    with run() as serving:
        _deny(serving.doors()["credentials"])
        eventually(lambda: json.loads(status("--json"))["notify"]["refuses"]["trouble"])
        stands = json.loads(status("--json"))["notify"]["refuses"]
        since = stands.pop("trouble_since")
        assert stands == {
            "sent": 0,
            "failed": 0,
            "dropped": 0,
            "queued": 1,
            "trouble": "no answer: connection refused",
            "last_sent": None,
            "lost_since": None,
            "lost_because": None,
        }
        [row] = [line for line in status().splitlines() if line.startswith("refuses")]
        told = f"refuses 0 0 0 1 never no answer: connection refused, since {since}"
        assert row.split() == told.split()
        assert "canary" not in serving.log.read_text()


def test_the_end_waits_for_no_sink_for_more_than_a_few_seconds(run: Run) -> None:
    with run() as serving:
        _deny(serving.doors()["credentials"])
        begun = time.monotonic()
        assert serving.end() == 0
    assert time.monotonic() - begun < LONGEST_END_SECONDS
    assert "notify refuses: a notice of denial-burst is given up" in serving.log.read_text()
