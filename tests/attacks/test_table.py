"""Two apps on one sidecar: neither gets what is the other's, whatever it sends."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.audit.event import AuditEvent, Result
from tests.attacks import (
    api_attacks,
    connection_attacks,
    credentials_attacks,
    metadata_attacks,
    secrets_attacks,
)
from tests.attacks.attack import Attack, denied
from tests.attacks.world import Actor

if TYPE_CHECKING:
    from tests.attacks.world import World

STATUS = re.compile(rb"HTTP/\d\.\d (\d{3}) ")
ATTACKS = (
    *credentials_attacks.ATTACKS,
    *secrets_attacks.ATTACKS,
    *api_attacks.ATTACKS,
    *metadata_attacks.ATTACKS,
    *connection_attacks.ATTACKS,
)
CASES = [
    pytest.param(attack, me, them, id=f"{attack.door}: {attack.name}, {me} on {them}")
    for attack in ATTACKS
    for me, them in attack.pairs
]
in_the_worlds_loop = pytest.mark.asyncio(loop_scope="session")
# What is no request at all is put down likewise, without a name.
MALFORMED: Final = "malformed request"
UNPARSED: Final = denied(MALFORMED)


def statuses_of(stream: bytes) -> tuple[int, ...]:
    return tuple(int(each) for each in STATUS.findall(stream))


def told(stream: bytes, owner: Actor) -> list[bytes]:
    """Find what is its owner's in what was received."""
    return [each for each in owner.canaries() if each in stream]


@in_the_worlds_loop
@pytest.mark.parametrize(("attack", "me", "them"), CASES)
async def test_an_attack_gets_nothing_and_is_put_down(
    attack: Attack, me: str, them: str, world: "World"
) -> None:
    attacker, victim = world.actors[me], world.actors[them]
    world.audit.taken()
    stream = await world.exchange(attack.door, attack.build(world, attacker, victim))
    events = world.audit.taken()
    assert told(stream, victim) == []
    assert statuses_of(stream) == attack.statuses, stream
    unparsed = UNPARSED if MALFORMED in stream.decode("latin-1") else ()
    _check(events, replace(attack, seen=(*attack.seen, *unparsed)), attacker, victim)


def _check(events: list[AuditEvent], attack: Attack, me: Actor, them: Actor) -> None:
    """See that the audit has what it must and no more; what was asked at once has no order."""
    left = list(events)
    for seen in attack.seen:
        fitting = [each for each in left if seen.fits(each, me, them)]
        assert fitting, (seen, events)
        left.remove(fitting[0])
    assert left == []
    for event in events:
        assert (event.door, bool(event.peer)) == (attack.door, True)
        assert bool(event.reason) == (event.result is not Result.GRANTED)


@in_the_worlds_loop
@pytest.mark.parametrize(("attack", "me", "them"), CASES)
async def test_the_honest_request_beside_an_attack_succeeds(
    attack: Attack, me: str, them: str, world: "World"
) -> None:
    attacker, victim = world.actors[me], world.actors[them]
    twin = attack.honest()
    stream = await world.exchange(twin.door, twin.build(world, attacker, victim))
    owner = world.actors["box"] if twin.door == "metadata" else victim
    assert 200 in statuses_of(stream), stream
    assert told(stream, owner)


def test_the_table_is_as_long_as_it_is_meant_to_be() -> None:
    assert len(ATTACKS) >= 80
    names = [(attack.door, attack.name) for attack in ATTACKS]
    assert sorted(names) == sorted(set(names))
