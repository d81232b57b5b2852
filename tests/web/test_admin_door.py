"""The admin door over real sockets: probes, and nothing secret."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import Wire


async def test_a_process_that_answers_is_healthy(admin: "Wire") -> None:
    reply = await admin.ask("/healthz")
    assert (reply.status, reply.body, reply.header("Content-Type")) == (200, b"ok\n", "text/plain")


async def test_it_is_healthy_even_when_not_ready(admin: "Wire", pending: dict[str, str]) -> None:
    pending["role default"] = "no answer from AWS"
    assert (await admin.ask("/healthz")).status == 200


async def test_nothing_waited_for_means_ready(admin: "Wire") -> None:
    reply = await admin.ask("/readyz")
    assert (reply.status, reply.json()) == (200, {"ready": True, "pending": {}})


async def test_what_is_waited_for_is_told_with_its_reason(
    admin: "Wire", pending: dict[str, str]
) -> None:
    pending["role default"] = "no answer from AWS"
    reply = await admin.ask("/readyz")
    assert reply.status == 503
    assert reply.json() == {"ready": False, "pending": {"role default": "no answer from AWS"}}
    assert reply.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("target", ["/", "/healthz/", "//healthz", "/metrics", "/credentials"])
async def test_other_paths_are_not_found(target: str, admin: "Wire") -> None:
    reply = await admin.ask(target)
    assert reply.status == 404
    assert reply.json() == {"code": "NotFound", "message": "there is nothing at this path"}


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE"])
async def test_only_get_is_answered(method: str, admin: "Wire") -> None:
    reply = await admin.ask("/healthz", method=method)
    assert (reply.status, reply.header("Allow")) == (405, "GET")
