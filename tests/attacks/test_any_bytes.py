"""Whatever bytes come to a door: no crash, no hang, no server error, and nothing of a secret."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attacks.requests_gone_wrong import APP, Sent, to_door
from tests.attacks.world import DOORS, INPUTS

if TYPE_CHECKING:
    from tests.attacks.world import Actor, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATUS = re.compile(rb"HTTP/\d\.\d (\d{3}) ")
OK = 200
SERVER_ERROR = 500


class Errors(logging.Handler):
    """Keeps what is logged as an error, by whomever."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture(scope="module")
def errors() -> Iterator[Errors]:
    heard = Errors()
    logging.getLogger().addHandler(heard)
    yield heard
    logging.getLogger().removeHandler(heard)


def _forbidden(sent: Sent, statuses: list[int], actors: "Mapping[str, Actor]") -> list[bytes]:
    """List what an answer must not hold: all but what its token, if it counts, is good for."""
    owner = "box" if sent.door == "metadata" else APP
    given = sent.has_token and OK in statuses
    held = [
        canary
        for actor in actors.values()
        if not (given and actor.name == owner)
        for canary in actor.canaries()
    ]
    return [*held, actors[APP].token.encode()]


async def _check(world: "World", sent: Sent) -> None:
    stream = await world.pour(sent.door, sent.parts)
    assert not stream or STATUS.match(stream), (sent, stream)
    statuses = [int(each) for each in STATUS.findall(stream)]
    assert [each for each in statuses if each >= SERVER_ERROR] == [], (sent, stream)
    assert [each for each in _forbidden(sent, statuses, world.actors) if each in stream] == [], sent


# One connection an example: hypothesis then never makes up the same bytes twice.
@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=max(1, INPUTS // len(DOORS)), suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_any_bytes_get_an_answer_or_an_end(
    data: st.DataObject, door: str, world: "World", errors: Errors
) -> None:
    await _check(world, data.draw(to_door(world, door)))
    assert errors.texts == []
