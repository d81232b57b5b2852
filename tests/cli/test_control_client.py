"""What the command line makes of whatever is behind a control socket."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from sidecar.cli import main
from sidecar.cli.control_client import ask
from sidecar.errors import NotReady, OperatorError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user for a while")

MOVES = "\x1b[2J\x9b\x7f\nsidecar: all is well"


def _http(status: int, document: object) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def listening(path: Path) -> Iterator[socket.socket]:
    """Give a socket at which nobody answers yet."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as opened:
        opened.bind(str(path))
        opened.listen()
        yield opened


Answering = Callable[..., None]


@pytest.fixture
def answering(listening: socket.socket) -> Iterator[Answering]:
    """Give a function that has one client answered with pieces of bytes, and hung up on or not."""
    with ExitStack() as stack:

        def answer(pieces: bytes | Iterator[bytes], *, hang_up: bool = True) -> None:
            def serve() -> None:
                client, _ = listening.accept()
                stack.enter_context(client)
                client.recv(65536)
                with suppress(OSError):
                    for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                        client.sendall(piece)
                    if hang_up:
                        client.shutdown(socket.SHUT_RDWR)

            thread = threading.Thread(target=serve)
            thread.start()
            stack.callback(thread.join)

        yield answer


Refusal = Callable[..., str]


def test_without_a_sidecar_one_may_try_later(path: Path, refusal: Refusal) -> None:
    said = refusal("status", "--socket", path, code=75)
    assert said == (
        f"sidecar: no sidecar answers at {path}: No such file or directory\n"
        "hint: start `sidecar serve`, or name its socket by --socket\n"
    )


def test_a_dead_socket_is_no_sidecar(
    path: Path, listening: socket.socket, refusal: Refusal
) -> None:
    listening.close()
    assert "Connection refused" in refusal("reload", "--socket", path, code=75)


def test_a_file_is_no_socket(path: Path, refusal: Refusal) -> None:
    path.touch()
    assert refusal("status", "--socket", path).startswith(f"sidecar: this is no socket: {path}\n")


def test_a_path_too_long_is_told(tmp_path: Path, refusal: Refusal) -> None:
    assert "no sidecar answers at" in refusal("status", "--socket", tmp_path / ("x" * 300), code=75)


@as_root
def test_a_socket_that_belongs_to_somebody_else_is_not_asked(
    path: Path, listening: socket.socket, refusal: Refusal
) -> None:
    os.chown(path, 65534, 65534)
    said = refusal("status", "--socket", path)
    assert "the control socket belongs to uid 65534, this is uid 0" in said
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.accept()


@as_root
def test_a_listener_of_somebody_else_s_is_not_asked_whoever_has_the_file(
    path: Path, refusal: Refusal, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as opened:
        opened.bind(str(path))
        with ordinary_user():
            opened.listen()
        assert path.stat().st_uid == 0
        assert "belongs to uid 65534" in refusal("status", "--socket", path)
        client, _ = opened.accept()
        with client:
            assert client.recv(1) == b""


def test_a_socket_of_root_s_may_be_asked(
    path: Path,
    answering: Answering,
    ordinary_user: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path.chmod(0o666)
    path.parent.chmod(0o755)
    answering(_http(200, {"ready": True}))
    monkeypatch.chdir(path.parent)
    with ordinary_user():
        assert ask(Path(path.name), "GET", "/status") == {"ready": True}


def test_silence_ends_in_time(path: Path, answering: Answering) -> None:
    answering(b"", hang_up=False)
    with pytest.raises(NotReady, match=r"no answer within 0\.1 s"):
        ask(path, "GET", "/status", answer_seconds=0.1)


def _trickle() -> Iterator[bytes]:
    """Give a byte now and then, for some seconds."""
    never = threading.Event()
    for _ in range(200):
        never.wait(0.02)
        yield b"x"


def test_a_trickle_ends_in_time_too(path: Path, answering: Answering) -> None:
    answering(_trickle())
    with pytest.raises(NotReady, match=r"no answer within 0\.2 s"):
        ask(path, "GET", "/status", answer_seconds=0.2)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\n\r\nno JSON",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (5 << 20),
    ],
)
def test_what_speaks_otherwise_is_no_sidecar(
    answer: bytes, path: Path, answering: Answering, refusal: Refusal
) -> None:
    answering(answer)
    said = refusal("status", "--socket", path)
    assert said.startswith(f"sidecar: what answers at {path} is no sidecar\n")


def test_every_problem_of_a_reload_reaches_stderr(
    path: Path, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = {"where": "apps.web.roles", "what": "there is no role 'x'", "hint": "remove it"}
    answering(_http(500, {"message": "", "problems": [problem, {"where": "a", "what": MOVES}]}))
    assert main(["reload", "--socket", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "sidecar: configuration has 2 problems\n"
        "  apps.web.roles: there is no role 'x'\n"
        "    hint: remove it\n"
        "  a: \\x1b[2J\\x9b\\x7f\\nsidecar: all is well\n"
    )


@pytest.mark.parametrize(
    ("status", "document", "code"),
    [
        (503, {"message": "not now", "hint": "wait", "retryable": True}, 75),
        (403, {"message": "not now", "hint": "wait", "retryable": False}, 1),
        (500, {"message": "not now", "hint": "wait"}, 1),
    ],
)
def test_a_refusal_is_told_as_if_it_were_made_here(
    status: int,
    document: object,
    code: int,
    path: Path,
    answering: Answering,
    refusal: Refusal,
) -> None:
    answering(_http(status, document))
    assert refusal("reload", "--socket", path, code=code) == "sidecar: not now\nhint: wait\n"


@pytest.mark.parametrize("document", [{}, {"problems": []}, {"problems": [1]}, {"message": 1}])
def test_a_refusal_without_words_is_an_error_all_the_same(
    document: object, path: Path, answering: Answering
) -> None:
    answering(_http(500, document))
    with pytest.raises(OperatorError):
        ask(path, "POST", "/reload")


STATUS: dict[str, Any] = {
    "version": MOVES,
    "uptime_seconds": 93_784,
    "ready": False,
    "doors": {MOVES: [MOVES]},
    "roles": {MOVES: {"state": MOVES, "seconds_left": 61, "access_key_id": MOVES}},
    "identity": {"subject": MOVES},
    "caches": {MOVES: {"entries": MOVES}},
    "files": {"delivered": 1, "pending": MOVES},
    "apps": {MOVES: {"roles": [MOVES]}},
    "pending": {MOVES: MOVES},
    "warnings": {MOVES: MOVES},
}


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_nothing_that_is_told_can_move_a_cursor(
    words: tuple[str, ...], path: Path, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(_http(200, STATUS))
    assert main(["status", "--socket", str(path), *words]) == 1
    out = capsys.readouterr().out
    assert out.count("all is well") >= 13
    assert all(line.isprintable() for line in out.splitlines())
    assert not any(line.startswith("sidecar: all is well") for line in out.splitlines())


def test_the_table_says_how_long(
    path: Path, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(_http(200, {**STATUS, "version": "1"}))
    main(["status", "--socket", str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "sidecar 1, process -: not ready, up for 1 d 2 h"
    assert any("  1 min 1 s  " in line for line in lines)


@pytest.mark.parametrize("document", [{}, dict.fromkeys(STATUS), {key: [1] for key in STATUS}])
def test_a_status_of_another_version_is_shown_as_far_as_it_goes(
    document: object, path: Path, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(_http(200, document))
    assert main(["status", "--socket", str(path)]) == 1
    assert "not ready" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"SIDECAR_CONTROL_SOCKET": "here.sock"}, "here.sock"),
        ({"XDG_RUNTIME_DIR": "/nowhere"}, "/nowhere/credential-sidecar/control.sock"),
    ],
)
def test_the_socket_is_found_as_serve_finds_it(
    variables: dict[str, str],
    where: str,
    refusal: Refusal,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert f"no sidecar answers at {where}" in refusal("status", code=75)


def test_without_any_place_it_says_what_to_name(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIDECAR_CONTROL_SOCKET", "off")
    assert "there is no control socket: it is off" in refusal("status")


def test_only_the_control_section_need_be_right(
    refusal: Refusal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "sidecar.toml"
    config.write_text('nonsense = 1\n[control]\nsocket = "here.sock"')
    assert "no sidecar answers at here.sock" in refusal("status", "--config", config, code=75)
    config.write_text('nonsense = 1\n[control]\nsocket = ""')
    assert main(["status", "--config", str(config)]) == 2
    assert "  control.socket: must not be empty (got '')\n" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("a", "--all"), ("--parameter", "a", "--all")])
def test_exactly_one_thing_can_be_invalidated(words: tuple[str, ...], refusal: Refusal) -> None:
    refusal("invalidate", *words, code=2)
