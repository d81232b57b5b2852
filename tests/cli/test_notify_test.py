"""`sidecar notify test`: each sink is sent a test, and how it went decides the exit code."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from sidecar.cli import main

if TYPE_CHECKING:
    from tests.conftest import Aws

Run = Callable[..., tuple[int, str, str]]


class _Receiver(BaseHTTPRequestHandler):
    came: "list[bytes]"

    def do_POST(self) -> None:
        self.came.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(404 if self.path.startswith("/gone") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's own name
        pass


@pytest.fixture
def receiver() -> Iterator[ThreadingHTTPServer]:
    """Give a server that takes everything, but nothing below `/gone`."""
    _Receiver.came = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def run(aws: "Aws", tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs the command with some sinks added to the demo's configuration."""

    def command(sinks: str, *words: str) -> tuple[int, str, str]:
        config = tmp_path / "sidecar.toml"
        config.write_text(aws.stage.config.read_text() + sinks)
        capsys.readouterr()
        code = main(["notify", "test", *words, "--config", str(config)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


def _slack(name: str, server: ThreadingHTTPServer, path: str, directory: Path) -> str:
    file = directory / f"{name}.url"
    file.write_text(f"http://127.0.0.1:{server.server_port}{path}")
    return f'\n[notify.{name}]\ntype = "slack"\nurl_file = "{file}"\nkinds = "key-deleted"\n'


def test_every_sink_is_sent_a_test_whatever_it_is_for(
    run: Run, receiver: ThreadingHTTPServer, tmp_path: Path
) -> None:
    lines = tmp_path / "notices"
    file = f'\n[notify.log]\ntype = "file"\ndestination = "{lines}"\nminimum_severity = "error"\n'
    code, out, err = run(_slack("chat", receiver, "/canary", tmp_path) + file)
    assert (code, err) == (0, "")
    assert out.splitlines() == ["chat  sent", "log   sent"]
    assert "this is a test of sink chat" in json.loads(_Receiver.came[0])["text"]
    assert json.loads(lines.read_text())["kind"] == "test"


def test_what_a_sink_does_not_get_that_wants_only_what_is_about_some_names_is_said(
    run: Run, tmp_path: Path
) -> None:
    file = (
        f'\n[notify.log]\ntype = "file"\ndestination = "{tmp_path}/a"\nabout = ["prod/*", "web"]\n'
    )
    code, out, _ = run(file)
    assert code == 0
    sent, rest = out.splitlines()
    assert sent == "log  sent"
    assert rest.startswith("     else nothing of certificates or of callers who are no app")
    assert rest.endswith("only what is about prod/*, web")


def test_one_that_fails_is_told_with_a_hint_and_decides_the_exit_code(
    run: Run, receiver: ThreadingHTTPServer, tmp_path: Path
) -> None:
    sinks = _slack("bad", receiver, "/gone/canary", tmp_path) + _slack(
        "ok", receiver, "/a", tmp_path
    )
    code, out, err = run(sinks)
    assert code == 1
    assert "canary" not in out + err
    assert out.splitlines() == [
        "bad  not sent: answered with status 404 (hint: check the URL)",
        "ok   sent",
    ]


def test_one_sink_alone_is_tested_by_its_name(
    run: Run, receiver: ThreadingHTTPServer, tmp_path: Path
) -> None:
    sinks = _slack("bad", receiver, "/gone/canary", tmp_path) + _slack(
        "ok", receiver, "/a", tmp_path
    )
    assert run(sinks, "ok")[:2] == (0, "ok  sent\n")
    assert len(_Receiver.came) == 1


def test_a_topic_is_asked_with_a_session_and_its_refusal_is_told(run: Run) -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:none"
    code, out, _ = run(f'\n[notify.chat]\ntype = "sns"\ntopic_arn = "{topic}"\n')
    assert code == 1
    assert out.startswith("chat  not sent: ")


@pytest.mark.parametrize(
    ("scheme", "told"),
    [
        # Nobody speaks TLS there: so the address was read, and asked.
        ("https", "chat  not sent: no answer: "),
        ("http", "chat  not sent: the URL in the secret is http://"),
    ],
)
def test_a_url_may_stand_in_a_secret_and_leads_then_to_no_open_door_of_this_machine(
    scheme: str, told: str, run: Run, receiver: ThreadingHTTPServer, aws: "Aws"
) -> None:
    secret = aws.new_secret(f"{scheme}://127.0.0.1:{receiver.server_port}/canary\n")
    code, out, err = run(f'\n[notify.chat]\ntype = "slack"\nurl_secret = "{secret}"\n')
    assert code == 1
    assert out.startswith(told)
    assert "canary" not in out + err
    assert _Receiver.came == []


@pytest.mark.parametrize(
    ("sinks", "words", "message"),
    [
        ("", (), "notify: there is no sink"),
        (
            '\n[notify.a]\ntype = "file"\ndestination = "./a"\n',
            ("b",),
            "notify.b: there is no such",
        ),
        (
            '\n[notify.a]\ntype = "slack"\nurl_file = "/none/url"\n',
            (),
            "notify.a.url_file: /none/url cannot be read: No such file or directory",
        ),
        (
            '\n[notify.a]\ntype = "slack"\nurl_env = "HOME"\n',
            (),
            "notify.a.url_env: the URL is not https://",
        ),
        (
            '\n[notify.a]\ntype = "file"\ndestination = "/none/a"\n',
            (),
            "notify.a.destination: file /none/a cannot be opened: No such file or directory",
        ),
    ],
)
def test_what_is_wrong_with_the_configuration_is_told_before_anything_is_sent(
    sinks: str, words: tuple[str, ...], message: str, run: Run
) -> None:
    code, out, err = run(sinks, *words)
    assert (code, out) == (2, "")
    assert message in err
