"""The admin door over real sockets: probes, and nothing secret."""

from typing import TYPE_CHECKING

import pytest

from sidecar.access.policy import App
from sidecar.access.tokens import AppToken, AppTokens
from sidecar.redaction import Secret
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


TOKEN = "token-of-the-admin-door-01"


@pytest.fixture
def door_with_a_token(pending: dict[str, str]) -> AdminDoor:
    held = AppToken(App("admin", (), ()), Secret(TOKEN))
    return AdminDoor(lambda: pending, tokens=AppTokens((held,)))


@pytest.fixture
async def remote(
    open_on_loopback: "Open", door_with_a_token: AdminDoor, own_address: str
) -> "Wire":
    """Give the door with a token on an address of this machine that is not loopback."""
    return await open_on_loopback(door_with_a_token, f"{own_address}:0")


@pytest.fixture
async def local(open_on_loopback: "Open", door_with_a_token: AdminDoor) -> "Wire":
    return await open_on_loopback(door_with_a_token)


@pytest.mark.parametrize("target", ["/healthz", "/readyz", "/readyz?x", "/", "/invalidate"])
async def test_off_loopback_every_path_wants_the_token(target: str, remote: "Wire") -> None:
    reply = await remote.ask(target)
    assert (reply.status, reply.header("WWW-Authenticate")) == (401, "Bearer")
    assert reply.json() == {"code": "Unauthorized", "message": "no Authorization header"}
    wanted = {"/": 404, "/invalidate": 404}.get(target, 200)
    assert (await remote.ask(target, f"Authorization: {TOKEN}")).status == wanted


async def test_on_loopback_a_health_check_needs_no_token_and_all_else_does(local: "Wire") -> None:
    assert [(await local.ask(each)).status for each in ("/healthz", "/readyz")] == [200, 200]
    for target in ("/", "/invalidate", "/healthz/", "//healthz", "/metrics"):
        assert (await local.ask(target)).status == 401
        assert (await local.ask(target, f"Authorization: {TOKEN}")).status == 404


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param([f"Authorization: {TOKEN}"], 404, id="raw"),
        pytest.param([f"Authorization: Bearer {TOKEN}"], 404, id="bearer"),
        pytest.param([f"authorization: bearer {TOKEN}"], 404, id="lower case"),
        pytest.param([f"Authorization: {TOKEN}x"], 401, id="another"),
        pytest.param([f"Authorization: Basic {TOKEN}"], 401, id="another scheme"),
        pytest.param(["Authorization:"], 401, id="empty"),
        pytest.param([f"Authorization: {TOKEN}"] * 2, 401, id="two"),
        pytest.param([f"X-Token: {TOKEN}"], 401, id="elsewhere"),
    ],
)
async def test_the_token_is_shown_raw_or_after_bearer(
    lines: list[str], status: int, local: "Wire"
) -> None:
    reply = await local.ask("/", *lines)
    assert reply.status == status
    assert TOKEN.encode() not in reply.body
