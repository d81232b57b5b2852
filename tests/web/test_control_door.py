"""What the control socket answers, to whom, and in which time."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.config.control_section import SocketPlace
from sidecar.errors import ConfigError, NotFound, Problem
from sidecar.web.control_door import ControlDoor
from sidecar.web.control_socket import LIMITS, open_control_socket
from sidecar.web.invalidate_route import InvalidateRoute
from sidecar.web.listener import ConnectionLimits
from tests.web.conftest import ToldOfChanges

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.web.conftest import LedgerOf, UnixWire

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="asks as another user, as only root can")

# What a client of another user does; the directory is its own before it is somebody else.
CLIENT = """
import os, socket, sys
os.setuid(int(sys.argv[1]))
with socket.socket(socket.AF_UNIX) as client:
    client.connect("control.sock")
    client.sendall(b"GET /status HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
    with client.makefile("rb") as answer:
        sys.stdout.buffer.write(answer.read())
"""


class PlannedControls(ToldOfChanges):
    """Notes what it is told; a reload waits for its gate and then fails if it is to."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.begun, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.failure: Exception | None = None
        self.reloading = 0

    def status(self) -> Mapping[str, object]:
        return {"ready": True}

    async def reload(self) -> Mapping[str, object]:
        self.reloading += 1
        assert self.reloading == 1
        self.begun.set()
        await self.gate.wait()
        self.reloading -= 1
        if self.failure is not None:
            raise self.failure
        self.told.append("reload")
        self.ended.set()
        return {"read": "all"}

    def refresh(self, role: str | None) -> int:
        if role == "nobody":
            raise NotFound("there is no role nobody", hint="there is web")
        self.told.append(f"refresh {role}")
        return 2


@pytest.fixture
def controls() -> PlannedControls:
    planned = PlannedControls()
    planned.gate.set()
    return planned


OpenControl = Callable[..., Awaitable["UnixWire"]]


@pytest.fixture
async def open_control(
    tmp_path: Path,
    controls: PlannedControls,
    clock: "ManualClock",
    unix_wire: "Callable[[Path], UnixWire]",
    ledger_of: "LedgerOf",
) -> AsyncIterator[OpenControl]:
    """Give a function that opens the control socket for the time of the test."""
    async with AsyncExitStack() as stack:

        async def opened(
            work_seconds: float = 10.0, limits: ConnectionLimits = LIMITS
        ) -> "UnixWire":
            place = SocketPlace(tmp_path / "control.sock", configured=True)
            route = InvalidateRoute(controls, clock)
            ledger = ledger_of("control")
            door = ControlDoor(controls, route, work_seconds=work_seconds)
            await stack.enter_async_context(open_control_socket(door, place, ledger, limits=limits))
            return unix_wire(place.path)

        yield opened


@pytest.fixture
async def control(open_control: OpenControl) -> "UnixWire":
    return await open_control()


@pytest.mark.parametrize(
    ("method", "target", "answer", "told"),
    [
        ("GET", "/status", {"ready": True}, []),
        ("POST", "/reload", {"read": "all"}, ["reload"]),
        ("POST", "/refresh", {"refreshing": 2}, ["refresh None"]),
        ("POST", "/refresh?role=web", {"refreshing": 2}, ["refresh web"]),
        ("POST", "/invalidate?secretId=a%2Fb%2Bc", {"invalidated": 3}, ["secret a/b+c"]),
        ("POST", "/invalidate?name=/a", {"invalidated": 3}, ["parameter /a"]),
        ("POST", "/invalidate?all=true", {"invalidated": 3}, ["everything"]),
    ],
)
async def test_it_does_what_it_is_asked(
    method: str,
    target: str,
    answer: object,
    told: list[str],
    control: "UnixWire",
    controls: PlannedControls,
) -> None:
    reply = await control.ask(target, method=method)
    assert (reply.status, reply.json(), controls.told) == (200, answer, told)


@pytest.mark.parametrize(
    ("request_line", "lines", "status", "code"),
    [
        ("GET /nothing", (), 404, "NotFound"),
        ("GET /status/", (), 404, "NotFound"),
        ("POST /status", (), 405, "MethodNotAllowed"),
        ("GET /reload", (), 405, "MethodNotAllowed"),
        ("GET /refresh", (), 405, "MethodNotAllowed"),
        ("GET /invalidate?all=true", (), 405, "MethodNotAllowed"),
        ("POST /reload", ("Content-Length: 1",), 400, "BodyNotAllowed"),
        ("POST /reload", ("Transfer-Encoding: chunked",), 400, "BodyNotAllowed"),
        ("GET /status?x=1", (), 400, "BadRequest"),
        ("POST /reload?x=1", (), 400, "BadRequest"),
        ("POST /refresh?role=", (), 400, "BadRequest"),
        ("POST /refresh?role=a&role=b", (), 400, "BadRequest"),
        ("POST /refresh?rolle=a", (), 400, "BadRequest"),
        ("POST /refresh?role=nobody", (), 404, "NotFound"),
        ("POST /invalidate", (), 400, "BadRequest"),
    ],
)
async def test_anything_else_is_refused_in_json(
    request_line: str,
    lines: tuple[str, ...],
    status: int,
    code: str,
    control: "UnixWire",
    controls: PlannedControls,
) -> None:
    method, target = request_line.split(" ")
    reply = await control.ask(target, *lines, method=method)
    assert (reply.status, reply.json()["code"], controls.told) == (status, code, [])
    assert {"message", "hint"} <= reply.json().keys()


async def test_a_host_that_is_not_this_one_is_refused(control: "UnixWire") -> None:
    reply = await control.send("GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert (reply.status, reply.json()["code"]) == (403, "BadHost")


@pytest.mark.parametrize(
    "garbage", [b"\x00\xff\x16\x03\x01\r\n\r\n", b"GET\r\n\r\n", b"x" * 20_000 + b"\r\n\r\n"]
)
async def test_garbage_is_refused_and_the_next_is_served(
    garbage: bytes, control: "UnixWire"
) -> None:
    assert (await control.exchange(garbage)).startswith(b"HTTP/1.0 400 ")
    assert (await control.ask("/status")).status == 200


async def test_a_client_that_is_too_slow_is_hung_up_on(open_control: OpenControl) -> None:
    control = await open_control(limits=ConnectionLimits(idle_seconds=0.1))
    assert await control.exchange(b"GET /status HT") == b""
    assert (await control.ask("/status")).status == 200


async def test_invalidating_too_often_is_refused_with_a_pause(control: "UnixWire") -> None:
    assert (await control.ask("/invalidate?all=true", method="POST")).status == 200
    reply = await control.ask("/invalidate?all=true", method="POST")
    assert (reply.status, reply.json()["retryable"]) == (429, True)
    assert reply.header("Retry-After") == "10"


async def test_every_problem_of_a_reload_is_told(
    control: "UnixWire", controls: PlannedControls
) -> None:
    controls.failure = ConfigError([Problem("a.b", "is wrong", "mend it"), Problem("c", "is not")])
    reply = await control.ask("/reload", method="POST")
    assert (reply.status, reply.json()["code"]) == (500, "ConfigError")
    assert reply.json()["problems"] == [
        {"where": "a.b", "what": "is wrong", "hint": "mend it"},
        {"where": "c", "what": "is not", "hint": ""},
    ]


async def test_reloads_follow_one_another(control: "UnixWire", controls: PlannedControls) -> None:
    controls.gate.clear()
    asked = [asyncio.create_task(control.ask("/reload", method="POST")) for _ in range(3)]
    await controls.begun.wait()
    controls.gate.set()
    assert [reply.status for reply in await asyncio.gather(*asked)] == [200] * 3
    assert controls.told == ["reload"] * 3


async def test_what_takes_too_long_is_told_and_goes_on(
    open_control: OpenControl, controls: PlannedControls
) -> None:
    controls.gate.clear()
    control = await open_control(work_seconds=0.05)
    reply = await control.ask("/reload", method="POST")
    assert (reply.status, reply.json()["code"], controls.told) == (504, "Timeout", [])
    controls.gate.set()
    await controls.ended.wait()


async def test_a_bug_is_told_without_its_words(
    control: "UnixWire", controls: PlannedControls, caplog: pytest.LogCaptureFixture
) -> None:
    controls.failure = RuntimeError("canary")
    reply = await control.ask("/reload", method="POST")
    assert (reply.status, reply.json()["code"]) == (500, "InternalFailure")
    assert b"canary" not in reply.body
    assert "canary" in caplog.text


async def _asked_by(uid: int, control: "UnixWire") -> tuple[int, Any]:
    """Ask from a process of another user, whom modes of files would let in."""
    control.path.parent.chmod(0o755)
    control.path.chmod(0o666)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CLIENT, str(uid)),
        cwd=control.path.parent,
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await child.communicate()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@as_root
async def test_another_user_is_refused_whatever_the_mode_of_the_socket(
    control: "UnixWire", caplog: pytest.LogCaptureFixture
) -> None:
    status, said = await _asked_by(65534, control)
    assert (status, said["code"]) == (403, "Forbidden")
    assert said["message"] == "uid 65534 may not control this sidecar"
    (warning,) = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert warning.startswith("control socket: uid 65534 (process ")


async def test_its_own_user_is_let_in(control: "UnixWire") -> None:
    assert await _asked_by(os.geteuid(), control) == (200, {"ready": True})


@as_root
async def test_root_may_control_the_sidecar_of_another_user(
    control: "UnixWire", ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    reader, writer = await control.connect()
    with ordinary_user():
        writer.write(b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
