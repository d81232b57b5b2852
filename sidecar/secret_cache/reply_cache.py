"""The cache of raw replies, such as DescribeSecret's, which are sent on as they came."""

import random
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sidecar.clock import Clock
from sidecar.secret_cache.answer import Answer
from sidecar.secret_cache.holding import Holding
from sidecar.secret_cache.kind import Kind
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.statistics import Statistics

FetchReply = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class _ReplyQuestion:
    """A key, and how AWS is asked for it."""

    key: Hashable
    fetch: FetchReply = field(compare=False, repr=False)


class _ReplyKind:
    """Replies: each key is a subject of its own, with one value."""

    def canonical(self, question: _ReplyQuestion) -> _ReplyQuestion:
        return question

    def identity(self, question: _ReplyQuestion) -> Hashable:
        return question.key

    def selector(self, question: _ReplyQuestion) -> Hashable:  # noqa: ARG002 - one value
        return None

    def subject(self, question: _ReplyQuestion, value: bytes) -> Hashable:  # noqa: ARG002 - opaque
        return question.key

    def identities(self, question: _ReplyQuestion, value: bytes) -> Iterable[Hashable]:  # noqa: ARG002 - opaque
        return (question.key,)

    def version(self, selector: Hashable, value: bytes) -> Hashable:  # noqa: ARG002 - one value
        return None

    def answers(self, selector: Hashable, value: bytes) -> bool:  # noqa: ARG002 - one value
        return False

    def label(self, question: _ReplyQuestion) -> str:
        return f"reply to {question.key}"

    def same(self, value: bytes, other: bytes) -> bool:
        return value == other

    def size(self, value: bytes) -> int:
        return len(value)

    def agent_body(self, value: bytes) -> bytes:
        return value

    def api_body(self, value: bytes) -> bytes:
        return value


class ReplyCache:
    """Replies by whatever key tells one question from another.

    Args:
        clock: the clock.
        limits: see `Limits`.
        jitter: random, 0 up to 1.

    """

    def __init__(
        self, clock: Clock, limits: Limits, jitter: Callable[[], float] = random.random
    ) -> None:
        kind: Kind[_ReplyQuestion, bytes] = _ReplyKind()
        self._holding = Holding(kind, lambda question: question.fetch(), clock, limits, jitter)

    async def get(self, key: Hashable, fetch: FetchReply) -> Answer[bytes]:
        """Answer a read.

        Args:
            key: what tells this question from all others, whose credentials ask it included.
            fetch: asks AWS, now or when the reply is renewed.

        Raises:
            SidecarError: AWS said no, or cannot be asked and nothing young enough is held.

        """
        return await self._holding.get(_ReplyQuestion(key, fetch))

    def invalidate(self, matches: Callable[[Any], bool]) -> None:
        """Drop the replies whose key matches; the next read of each waits for AWS."""
        self._holding.forget(lambda question: matches(question.key))

    def doubt(self, matches: Callable[[Any], bool]) -> None:
        """Have the replies whose key matches read again; until AWS answers they may still serve."""
        self._holding.doubt(lambda question: matches(question.key))

    def renew_all(self) -> None:
        """Have all replies read again; they stay as fresh as they are, so no read waits."""
        self._holding.renew(lambda _: True)

    def statistics(self) -> Statistics:
        """Count."""
        return self._holding.statistics()

    async def run(self) -> None:
        """Renew what is in use before its time is over; it never returns."""
        await self._holding.run()

    async def close(self) -> None:
        """End what is under way and forget every reply."""
        await self._holding.close()
