"""How many requests may be worked on at once, and that no body is read of one too many."""

import asyncio
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from sidecar.access.policy import App
from sidecar.access.shared_role import RoleHolders
from sidecar.web.aws_api.errors import ApiError
from sidecar.web.aws_api.in_flight import MOST_OF_ONE, InFlight

if TYPE_CHECKING:
    from tests.web.aws_api.conftest import Call, PlannedAws, PlannedValues, Send, Sign
    from tests.web.conftest import Wire

GET = "secretsmanager.GetSecretValue"
LIST = "secretsmanager.ListSecrets"


ONE, OTHER, THIRD = (App(name, ("own", "shared"), ()) for name in ("one", "other", "third"))
APPS = (ONE, OTHER, THIRD)


def _entered(in_flight: InFlight, caller: RoleHolders, stack: ExitStack, times: int = 1) -> bool:
    """Let a caller have so many requests under way, if they are let in."""
    with suppress(ApiError):
        for _ in range(times):
            stack.enter_context(in_flight.one_of(caller))
        return True
    return False


@pytest.mark.parametrize(
    ("inside", "newcomer", "let_in"),
    [
        ({}, ONE, True),
        ({ONE: 2}, ONE, True),
        ({ONE: 3}, ONE, False),
        ({ONE: 3}, OTHER, True),
        ({ONE: 3, OTHER: 3}, THIRD, True),
        ({ONE: 3, OTHER: 3, THIRD: 3}, THIRD, False),
    ],
)
def test_there_is_a_most_of_one_app(inside: dict[App, int], newcomer: App, *, let_in: bool) -> None:
    in_flight = InFlight(lambda: APPS, most=64, most_of_one=3)
    with ExitStack() as stack:
        for app, times in inside.items():
            assert _entered(in_flight, RoleHolders((app,)), stack, times)
        assert _entered(in_flight, RoleHolders((newcomer,)), stack) is let_in
    with ExitStack() as stack:
        assert _entered(in_flight, RoleHolders((ONE,)), stack, 3), "all places are free again"


@pytest.mark.parametrize("newcomer", [RoleHolders((THIRD,)), RoleHolders(APPS)])
def test_however_many_apps_are_greedy_each_further_caller_finds_a_place(
    newcomer: RoleHolders,
) -> None:
    in_flight = InFlight(lambda: APPS, most=16, most_of_one=8)
    with ExitStack() as stack:
        for app in (ONE, OTHER):
            assert not _entered(in_flight, RoleHolders((app,)), stack, 16)
        assert _entered(in_flight, newcomer, stack)


async def test_one_too_many_is_throttled_before_its_body_and_other_sessions_are_served(
    call: "Call",
    sign: "Sign",
    send: "Send",
    wire: "Wire",
    values: "PlannedValues",
    planned_aws: "PlannedAws",
) -> None:
    planned_aws.then({})
    values.gate.clear()
    asked = [
        asyncio.ensure_future(call(GET, {"SecretId": f"web/{number}"}))
        for number in range(MOST_OF_ONE)
    ]
    await values.wait_for(MOST_OF_ONE)
    body = b'{"SecretId": "web/database"}'
    host = f"Host: {wire.authority}"
    head = ["POST / HTTP/1.1", host, f"Content-Length: {len(body)}", *sign(GET, body)]
    turned_away = await send(head, b"")
    assert (turned_away.status, turned_away.code) == (400, "ThrottlingException")
    assert turned_away.headers["Connection"] == "close"
    assert (await call(LIST, {}, role="shared")).status == 200
    values.gate.set()
    assert {each.status for each in await asyncio.gather(*asked)} == {400}
    assert (await call(LIST, {})).status == 200


async def test_a_request_whose_client_has_left_counts_until_aws_has_answered(
    call: "Call", sign: "Sign", wire: "Wire", values: "PlannedValues"
) -> None:
    values.gate.clear()
    host, port = wire.authority.split(":")
    for number in range(MOST_OF_ONE):
        body = b'{"SecretId": "web/%d"}' % number
        head = [
            "POST / HTTP/1.1",
            f"Host: {wire.authority}",
            f"Content-Length: {len(body)}",
            *sign(GET, body),
        ]
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await values.wait_for(1)
        writer.close()
        await writer.wait_closed()
    assert (await call(GET, {"SecretId": "web/database"})).code == "ThrottlingException"
    values.gate.set()
