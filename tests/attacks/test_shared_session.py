"""Two apps that share one session: its signature opens only what both of them may have."""

from typing import TYPE_CHECKING

import pytest

from sidecar.audit.event import Result
from tests.attacks.requests import api, secret

if TYPE_CHECKING:
    from tests.attacks.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

GET = "secretsmanager.GetSecretValue"
PAIRS = [("east", "west"), ("west", "east")]


async def test_they_do_share_it(world: "World") -> None:
    east, west = world.actors["east"], world.actors["west"]
    assert east.session() is west.session()
    assert world.actors["north"].session() is not world.actors["south"].session()


@pytest.mark.parametrize(("me", "them"), PAIRS)
async def test_a_shared_signature_opens_neither_apps_own_secret(
    me: str, them: str, world: "World"
) -> None:
    for name in (me, them):
        world.audit.taken()
        request = api(world, world.actors[me], GET, {"SecretId": world.actors[name].secret})
        stream = await world.exchange("aws_api", request)
        assert b"AccessDeniedException" in stream
        assert world.actors[name].values[0].encode() not in stream
        (event,) = world.audit.taken()
        assert (event.result, event.app) == (Result.DENIED, "east, west")
        assert "no pattern of apps." in event.reason


@pytest.mark.parametrize("me", ["east", "west"])
async def test_a_shared_signature_opens_what_both_may_read(me: str, world: "World") -> None:
    request = api(world, world.actors[me], GET, {"SecretId": "attacks/both"})
    assert b"what everybody may read" in await world.exchange("aws_api", request)


@pytest.mark.parametrize(("me", "them"), PAIRS)
async def test_where_a_token_tells_them_apart_each_reads_its_own_and_not_the_others(
    me: str, them: str, world: "World"
) -> None:
    mine, theirs = world.actors[me], world.actors[them]
    answers = [
        await world.exchange("secrets", secret(world, mine.token, each.secret))
        for each in (mine, theirs)
    ]
    assert mine.values[0].encode() in answers[0]
    assert answers[1].startswith(b"HTTP/1.1 403 ")
    assert theirs.values[0].encode() not in answers[1]
