"""Who gets a token, and that nothing is to be had without one: over real sockets."""

from typing import TYPE_CHECKING, Final

import pytest

from sidecar.web.metadata_paths import InstanceFacts

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.web.conftest import Reply
    from tests.web.metadata.conftest import Imds, OpenImds

TOKEN: Final = "X-aws-ec2-metadata-token"
TTL: Final = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_PATH: Final = "/latest/api/token"
META: Final = "/latest/meta-data"
ROLES: Final = f"{META}/iam/security-credentials"
REGION_PATH: Final = f"{META}/placement/region"
HOUR: Final = 3600.0


def is_refused(reply: "Reply", status: int, message: str) -> bool:
    return (reply.status, reply.body.decode()) == (status, message)


@pytest.mark.parametrize("ttl", [1, 300, 21600])
async def test_a_token_is_made_and_its_ttl_echoed(ttl: int, imds: "Imds") -> None:
    reply = await imds.put(f"{TTL}: {ttl}")
    assert (reply.status, len(reply.body)) == (200, 56)
    assert reply.header(TTL) == str(ttl)
    assert reply.header("Content-Type") == "text/plain"


@pytest.mark.parametrize("target", [TOKEN_PATH, f"/{TOKEN_PATH}", f"{TOKEN_PATH}/"])
@pytest.mark.parametrize("lines", [(), ("Content-Length: 0",)])
async def test_every_way_to_put_a_token_is_served(
    target: str, lines: tuple[str, ...], imds: "Imds"
) -> None:
    assert (await imds.put(f"{TTL}: 60", *lines, target=target)).status == 200


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((), id="missing, which the signing helper takes for six hours"),
        *((f"{TTL}: {wrong}",) for wrong in ("", "0", "21601", "-1", "abc", "60.5", "9" * 4000)),
        (f"{TTL}: 60", f"{TTL}: 60"),
    ],
)
async def test_without_a_ttl_in_range_there_is_no_token(
    lines: tuple[str, ...], imds: "Imds"
) -> None:
    reply = await imds.put(*lines)
    assert is_refused(reply, 400, "the TTL must be a number of seconds from 1 to 21600")


@pytest.mark.parametrize("header", ["X-Forwarded-For: 10.0.0.1", "Forwarded: for=x", "Via: 1.1 x"])
@pytest.mark.parametrize(("method", "target"), [("PUT", TOKEN_PATH), ("GET", ROLES)])
async def test_what_came_through_a_proxy_is_refused(
    method: str, target: str, header: str, imds: "Imds"
) -> None:
    lines = (f"{TTL}: 60", f"{TOKEN}: {await imds.token()}", header)
    assert is_refused(await imds.wire.ask(target, *lines, method=method), 403, "Forwarded")


@pytest.mark.parametrize("header", ["Origin: http://a", "Referer: http://a", "Sec-Fetch-Site: x"])
async def test_a_web_page_gets_no_token(header: str, imds: "Imds") -> None:
    assert (await imds.put(f"{TTL}: 60", header)).status == 403


@pytest.mark.parametrize("lines", [("Content-Length: 1",), ("Transfer-Encoding: chunked",)])
@pytest.mark.parametrize(("method", "target"), [("PUT", TOKEN_PATH), ("GET", ROLES)])
async def test_a_body_is_refused(
    method: str, target: str, lines: tuple[str, ...], imds: "Imds"
) -> None:
    reply = await imds.wire.ask(target, f"{TTL}: 60", *lines, method=method)
    assert is_refused(reply, 400, "send no body")


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        *((method, TOKEN_PATH, "PUT") for method in ("GET", "POST", "DELETE", "OPTIONS", "HEAD")),
        *((method, ROLES, "GET") for method in ("PUT", "POST", "DELETE", "OPTIONS", "HEAD")),
        ("PUT", "/", "GET"),
    ],
)
async def test_another_method_is_told_the_right_one(
    method: str, target: str, allowed: str, imds: "Imds"
) -> None:
    lines = (f"{TTL}: 60", f"{TOKEN}: {await imds.token()}")
    reply = await imds.wire.ask(target, *lines, method=method)
    assert (reply.status, reply.header("Allow")) == (405, allowed)


@pytest.mark.parametrize("host", ["169.254.169.254", "attacker.example", "attacker.example:80"])
async def test_another_host_is_refused_with_a_status_that_stops_sdks(
    host: str, imds: "Imds"
) -> None:
    """aws-vault answers 401, after which SDKs ask for another token."""
    request = f"PUT {TOKEN_PATH} HTTP/1.1\r\nHost: {host}\r\n{TTL}: 60\r\n\r\n"
    assert (await imds.wire.send(request)).status == 403


NOT_VALID = "a valid IMDSv2 token is required"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((), id="none, as IMDSv1 would"),
        pytest.param((f"{TOKEN}:",), id="empty"),
        pytest.param((f"{TOKEN}: IamNOTaRealBoy!",), id="the constant that aws-runas takes"),
        pytest.param((f"{TOKEN}: {'A' * 56}",), id="made up"),
        pytest.param((f"{TOKEN}: {'A' * 8000}",), id="long"),
        pytest.param((f"{TOKEN}: {'é' * 56}",), id="not ASCII"),
        pytest.param(("Authorization: token-of-the-web-app-0001",), id="an app's token"),
    ],
)
@pytest.mark.parametrize("target", [ROLES, f"{ROLES}/default", REGION_PATH, "/nothing", "/?"])
async def test_without_a_valid_token_every_path_is_the_same_401(
    target: str, lines: tuple[str, ...], imds: "Imds"
) -> None:
    """401 has SDKs ask for a token; 403, 404 or 405 would have them go on with IMDSv1."""
    reply = await imds.wire.ask(target, *lines)
    assert is_refused(reply, 401, NOT_VALID)
    assert reply.header(TTL) is None


async def test_two_tokens_are_none(imds: "Imds") -> None:
    line = f"{TOKEN}: {await imds.token()}"
    assert is_refused(await imds.wire.ask(ROLES, line, line), 401, NOT_VALID)


async def test_a_token_ends_with_its_ttl_whatever_the_wall_clock_says(
    imds: "Imds", clock: "ManualClock"
) -> None:
    token = await imds.token(60)
    clock.jump(59.5)
    clock.set_wall(-HOUR)
    assert (await imds.wire.ask(REGION_PATH, f"{TOKEN}: {token}")).status == 200
    clock.jump(0.5)
    assert (await imds.wire.ask(REGION_PATH, f"{TOKEN}: {token}")).status == 401


async def test_a_token_of_another_process_is_refused(
    imds: "Imds", open_imds: "OpenImds", facts: InstanceFacts
) -> None:
    other = await open_imds(facts)
    line = f"{TOKEN}: {await imds.token()}"
    assert is_refused(await other.wire.ask(ROLES, line), 401, NOT_VALID)


async def test_the_first_of_hundreds_of_tokens_is_still_good(imds: "Imds") -> None:
    """The signing helper keeps 256 and throws the others out, printing them."""
    first = await imds.token()
    request = f"PUT {TOKEN_PATH} HTTP/1.1\r\nHost: {imds.wire.authority}\r\n{TTL}: 60\r\n\r\n"
    made = {await imds.wire.exchange(request.encode()) for _ in range(300)}
    assert len(made) == 300
    assert (await imds.wire.ask(ROLES, f"{TOKEN}: {first}")).status == 200
