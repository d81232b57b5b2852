"""How many requests may be worked on at once, and that no body is read of one too many."""

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from sidecar.web.aws_api.errors import ApiError
from sidecar.web.aws_api.in_flight import MOST_OF_ONE, InFlight

if TYPE_CHECKING:
    from tests.web.aws_api.conftest import Call, PlannedAws, PlannedValues, Send, Sign
    from tests.web.conftest import Wire

GET = "secretsmanager.GetSecretValue"
LIST = "secretsmanager.ListSecrets"


@pytest.mark.parametrize(
    ("inside", "newcomer", "let_in"),
    [
        ([], "a", True),
        (["a"], "a", True),
        (["a", "a"], "a", False),
        (["a", "a"], "b", True),
        (["a", "a", "b"], "b", False),
        (["a", "a", "b"], "c", False),
    ],
)
def test_there_is_a_most_of_one_session_and_a_most_of_all(
    inside: list[str], newcomer: str, *, let_in: bool
) -> None:
    in_flight = InFlight(most=3, most_of_one=2)
    with ExitStack() as stack:
        for each in inside:
            stack.enter_context(in_flight.one_of(each))
        if let_in:
            stack.enter_context(in_flight.one_of(newcomer))
        else:
            with pytest.raises(ApiError, match="too many"):
                stack.enter_context(in_flight.one_of(newcomer))
    for each in ("a", "a", "b"):
        stack.enter_context(in_flight.one_of(each))
    stack.close()


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
