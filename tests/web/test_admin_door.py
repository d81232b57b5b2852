"""The admin door over real sockets: probes, and nothing secret."""

from typing import TYPE_CHECKING

import pytest

from sidecar.web.admin_door import AdminDoor

if TYPE_CHECKING:
    from tests.web.conftest import Open, Wire


async def test_a_process_that_answers_is_healthy(admin: "Wire") -> None:
    reply = await admin.ask("/healthz")
    assert (reply.status, reply.body, reply.header("Content-Type")) == (200, b"ok\n", "text/plain")


async def test_it_is_healthy_even_when_not_ready(admin: "Wire", pending: dict[str, str]) -> None:
    pending["role default"] = "no answer from AWS"
    assert (await admin.ask("/healthz")).status == 200


async def test_nothing_waited_for_means_ready(admin: "Wire") -> None:
    reply = await admin.ask("/readyz")
    assert (reply.status, reply.json()) == (200, {"ready": True, "pending": {}, "warnings": {}})


async def test_what_is_waited_for_is_told_with_its_reason(
    admin: "Wire", pending: dict[str, str]
) -> None:
    pending["role default"] = "no answer from AWS"
    reply = await admin.ask("/readyz")
    assert reply.status == 503
    told = {"role default": "no answer from AWS"}
    assert reply.json() == {"ready": False, "pending": told, "warnings": {}}
    assert reply.header("Cache-Control") == "no-store"


async def test_what_will_not_work_for_ever_is_told_and_keeps_nobody_waiting(
    open_on_loopback: "Open",
) -> None:
    door = AdminDoor(dict, lambda: {"role default": "not renewed: no answer from AWS"})
    reply = await (await open_on_loopback(door)).ask("/readyz")
    told = {"role default": "not renewed: no answer from AWS"}
    assert (reply.status, reply.json()) == (200, {"ready": True, "pending": {}, "warnings": told})


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "target", ["/", "/healthz/", "//healthz", "/metrics", "/credentials", "/invalidate"]
)
async def test_other_paths_are_not_found(target: str, method: str, admin: "Wire") -> None:
    reply = await admin.ask(target, method=method)
    assert reply.status == 404
    assert reply.json() == {"code": "NotFound", "message": "there is nothing at this path"}


@pytest.mark.parametrize("target", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE"])
async def test_only_get_is_answered(method: str, target: str, admin: "Wire") -> None:
    reply = await admin.ask(target, method=method)
    assert (reply.status, reply.header("Allow")) == (405, "GET")


async def test_a_body_is_refused(admin: "Wire") -> None:
    reply = await admin.ask("/healthz", "Content-Length: 5")
    assert (reply.status, reply.json()["code"]) == (400, "BodyNotAllowed")
    assert reply.header("Connection") == "close"
