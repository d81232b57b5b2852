"""Word of changes at the admin door, over real sockets: by POST alone, and never a storm."""

from typing import TYPE_CHECKING, Final

import pytest

from sidecar.web.admin_door import AdminDoor
from sidecar.web.invalidate_route import InvalidateRoute
from tests.web.conftest import ToldOfChanges

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.web.conftest import Open, Wire

ARN: Final = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/web-AbCdEf"


@pytest.fixture
def told() -> ToldOfChanges:
    return ToldOfChanges()


@pytest.fixture
async def door(open_on_loopback: "Open", told: ToldOfChanges, clock: "ManualClock") -> "Wire":
    """Give the admin door with word of changes."""
    return await open_on_loopback(AdminDoor(dict, dict, InvalidateRoute(told, clock)))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("secretId=prod/web", "secret prod/web"),
        ("secretId=prod%2Fweb%2B1", "secret prod/web+1"),
        (f"secretId={ARN}", f"secret {ARN}"),
        ("name=/prod/web", "parameter /prod/web"),
        ("all=true", "everything"),
    ],
)
async def test_what_has_changed_is_read_again(
    query: str, said: str, door: "Wire", told: ToldOfChanges
) -> None:
    reply = await door.ask(f"/invalidate?{query}", method="POST")
    assert (reply.status, reply.json()) == (200, {"invalidated": 3})
    assert told.told == [said]


@pytest.mark.parametrize("line", ["Content-Length: 0", "X-Anything: 1"])
async def test_an_empty_body_may_be_announced(line: str, door: "Wire") -> None:
    assert (await door.ask("/invalidate?all=true", line, method="POST")).status == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?secretId",
        "?secretId=",
        "?name=",
        "?all",
        "?all=false",
        "?all=1",
        "?secretid=prod/web",
        "?secretId=a&secretId=b",
        "?secretId=a&all=true",
        "?other=a",
    ],
)
async def test_anything_but_one_thing_is_refused(
    query: str, door: "Wire", told: ToldOfChanges
) -> None:
    reply = await door.ask(f"/invalidate{query}", method="POST")
    assert (reply.status, reply.json()["code"]) == (400, "BadRequest")
    assert told.told == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_no_other_method_changes_anything(
    method: str, door: "Wire", told: ToldOfChanges
) -> None:
    reply = await door.ask("/invalidate?all=true", method=method)
    assert (reply.status, reply.header("Allow")) == (405, "POST")
    assert told.told == []


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Origin: http://evil.example", 403),
        ("Referer: http://evil.example/", 403),
        ("Sec-Fetch-Site: cross-site", 403),
        ("X-Forwarded-For: 10.0.0.1", 400),
        ("Forwarded: for=10.0.0.1", 400),
        ("Via: 1.1 proxy", 400),
        ("Content-Length: 5", 400),
        ("Transfer-Encoding: chunked", 400),
    ],
)
async def test_who_may_not_ask_changes_nothing(
    line: str, status: int, door: "Wire", told: ToldOfChanges
) -> None:
    assert (await door.ask("/invalidate?all=true", line, method="POST")).status == status
    assert told.told == []


async def test_another_host_changes_nothing(door: "Wire", told: ToldOfChanges) -> None:
    head = (
        "POST /invalidate?all=true HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n"
    )
    assert (await door.send(head)).status == 403
    assert told.told == []


async def test_five_may_be_told_at_once_and_one_a_second(
    door: "Wire", told: ToldOfChanges, clock: "ManualClock"
) -> None:
    replies = [await door.ask("/invalidate?secretId=a", method="POST") for _ in range(8)]
    assert [each.status for each in replies] == [200] * 5 + [429] * 3
    assert replies[-1].header("Retry-After") == "1"
    await clock.advance(1)
    replies = [await door.ask("/invalidate?name=a", method="POST") for _ in range(2)]
    assert [each.status for each in replies] == [200, 429]
    assert len(told.told) == 6


async def test_everything_is_read_again_every_ten_seconds_at_most(
    door: "Wire", told: ToldOfChanges, clock: "ManualClock"
) -> None:
    assert (await door.ask("/invalidate?all=true", method="POST")).status == 200
    await clock.advance(2.5)
    reply = await door.ask("/invalidate?all=true", method="POST")
    assert (reply.status, reply.header("Retry-After")) == (429, "8")
    assert (await door.ask("/invalidate?secretId=a", method="POST")).status == 200
    await clock.advance(7.5)
    assert (await door.ask("/invalidate?all=true", method="POST")).status == 200
    assert told.told == ["everything", "secret a", "everything"]


async def test_a_refused_request_uses_up_nothing(door: "Wire") -> None:
    for _ in range(10):
        await door.ask("/invalidate?other=a", method="POST")
    assert (await door.ask("/invalidate?secretId=a", method="POST")).status == 200
