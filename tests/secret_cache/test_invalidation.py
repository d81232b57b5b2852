"""Word of a change reaches the values, and the raw replies about them."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from sidecar.secret_cache.invalidation import Invalidation
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.reply_cache import ReplyCache

if TYPE_CHECKING:
    from tests.conftest import ManualClock


class Values:
    """Notes what it is told."""

    def __init__(self, entries: int) -> None:
        self.told: list[str] = []
        self._entries = entries

    def invalidate(self, value_id: str, /) -> int:
        self.told.append(value_id)
        return self._entries

    def invalidate_all(self) -> int:
        self.told.append("all")
        return self._entries

    def renew_all(self) -> int:
        self.told.append("perhaps all")
        return self._entries


def test_parameters_that_refer_to_a_secret_are_read_again_with_it(clock: "ManualClock") -> None:
    parameters = Values(1)
    replies = ReplyCache(clock, Limits(ttl_seconds=300, max_stale_seconds=600, size=10))
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/web-AbCdEf"
    Invalidation(Values(1), parameters, replies).secret(arn)
    ids = {each.removeprefix("/aws/reference/secretsmanager/") for each in parameters.told}
    assert {"prod/web", arn, arn.removesuffix("-AbCdEf")} <= ids


@pytest.mark.parametrize(
    ("tell", "entries", "of_secrets", "of_parameters"),
    [
        (
            lambda it: it.secret("prod/web"),
            5,
            ["prod/web"],
            ["/aws/reference/secretsmanager/prod/web"],
        ),
        (lambda it: it.parameter("/prod/web"), 3, [], ["/prod/web"]),
        (lambda it: it.everything(), 5, ["all"], ["all"]),
    ],
    ids=["secret", "parameter", "everything"],
)
async def test_whom_it_concerns_is_told_and_replies_are_asked_for_again(
    tell: Callable[[Invalidation], int],
    entries: int,
    of_secrets: list[str],
    of_parameters: list[str],
    clock: "ManualClock",
) -> None:
    secrets, parameters = Values(2), Values(3)
    replies = ReplyCache(clock, Limits(ttl_seconds=300, max_stale_seconds=600, size=10))
    asked: list[int] = []

    async def describe() -> bytes:
        asked.append(1)
        return b"{}"

    await replies.get("key", describe)
    await replies.get("key", describe)
    assert len(asked) == 1
    assert tell(Invalidation(secrets, parameters, replies)) == entries
    assert (secrets.told, parameters.told) == (of_secrets, of_parameters)
    await replies.get("key", describe)
    assert len(asked) == 2
    await replies.close()


async def test_what_has_perhaps_changed_is_read_again_and_meanwhile_served(
    clock: "ManualClock",
) -> None:
    secrets, parameters = Values(2), Values(3)
    replies = ReplyCache(clock, Limits(ttl_seconds=300, max_stale_seconds=600, size=10))
    gate, asked = asyncio.Event(), []

    async def describe() -> bytes:
        asked.append(1)
        if len(asked) > 1:
            await gate.wait()
        return b"{}"

    await replies.get("key", describe)
    assert Invalidation(secrets, parameters, replies).whatever_changed() == 5
    assert (secrets.told, parameters.told) == (["perhaps all"], ["perhaps all"])
    assert (await replies.get("key", describe)).state == "hit"
    await asyncio.sleep(0)
    assert len(asked) == 2
    await replies.close()
