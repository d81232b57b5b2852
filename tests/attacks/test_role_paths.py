"""Whatever path is asked: the session that comes is the app's own, or none comes."""

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.requests import ask, authorization, imds
from tests.attacks.world import INPUTS

if TYPE_CHECKING:
    from tests.attacks.world import Actor, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

APPS = ("web", "batch", "south")
ROLES = "/latest/meta-data/iam/security-credentials"

roles = st.sampled_from(["web", "batch", "pair", "box", "reader"])
odd = st.sampled_from(
    ["/", "//", ".", "..", "%2e", "%2F", "%25", "%00", ";", "%77", "w", "W", "\\"]
)
ends = st.lists(roles | odd, max_size=4).map("".join)
beginnings = st.sampled_from(
    ["/credentials/", "//credentials/", "/credentials", "/x/../credentials/"]
)
quickly = settings(
    max_examples=max(200, INPUTS // 20),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _key_id(stream: bytes) -> str | None:
    """Give whose session came; None when none did."""
    head, _, body = stream.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 ") or b"AccessKeyId" not in body:
        return None
    key_id: str = json.loads(body)["AccessKeyId"]
    return key_id


def _own(actor: "Actor") -> set[str | None]:
    return {actor.session().access_key_id, None}


@quickly
@given(app=st.sampled_from(APPS), beginning=beginnings, end=ends)
async def test_the_credentials_door_gives_an_app_its_own_session_or_none(
    app: str, beginning: str, end: str, world: "World"
) -> None:
    me = world.actors[app]
    request = ask(world, "credentials", beginning + end, authorization(me.token))
    assert _key_id(await world.exchange("credentials", request)) in _own(me)


@quickly
@given(extended=st.booleans(), end=ends)
async def test_the_metadata_door_gives_the_session_of_its_app_or_none(
    extended: bool, end: str, world: "World"
) -> None:
    path = f"{ROLES}{'-extended' if extended else ''}/{end}"
    stream = await world.exchange("metadata", imds(world, path, world.imds_token))
    assert _key_id(stream) in _own(world.actors["box"])


@pytest.mark.parametrize("app", APPS)
async def test_the_plain_path_gives_it(app: str, world: "World") -> None:
    me = world.actors[app]
    request = ask(world, "credentials", f"/credentials/{me.role}", authorization(me.token))
    assert _key_id(await world.exchange("credentials", request)) == me.session().access_key_id
