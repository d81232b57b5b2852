"""Roles that requests name: assumed when the first one does, let go when none has for long."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sidecar.arn import Arn, role_arn
from sidecar.clock import Clock
from sidecar.errors import NotReady
from sidecar.providers.refreshing import RefreshingRole, RoleSource

log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 3600.0
_LOOK_SECONDS: Final = 60.0
# Within this time the first attempt has ended, or the role that it goes through has no session.
_FIRST_SESSION_SECONDS: Final = 20.0
# How long a failure answers for the next request too: many that name the same role at once, or a
# client that tries again and again, must not become as many calls to STS.
_FAILURE_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Held:
    role: RefreshingRole
    renewing: "asyncio.Task[None]"
    used_at: float


class AssumedRoles:
    """Sessions of roles by ARN, each made once for all who name it.

    More than `most` are held only while more are in use at the same time: a further role takes the
    place of the one that has been idle for longest, so that there is always room.

    Args:
        source: gives where the sessions of a role come from.
        clock: the clock.
        most: how many roles are held.
        forget: told of the ARN of a role that had to make room.
        jitter: gives a random number from 0 up to 1.

    """

    def __init__(
        self,
        source: Callable[[Arn], RoleSource],
        clock: Clock,
        *,
        most: int,
        forget: Callable[[str], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._clock = clock
        self._most = most
        self._forget = forget
        self._jitter = jitter
        # Kept in the order of their last use.
        self._held: dict[str, _Held] = {}
        self._users = Counter[str]()
        self._failures: dict[str, tuple[float, NotReady]] = {}
        self._tasks = set[asyncio.Task[None]]()

    @contextmanager
    def using(self, arn: str) -> Iterator[None]:
        """Keep a role, held already or not, from being given up while the block lasts."""
        self._users[arn] += 1
        self._touch(arn)
        try:
            yield
        finally:
            self._users[arn] -= 1
            self._touch(arn)
            self._make_room()

    async def role(self, arn: str) -> RefreshingRole:
        """Give a role that has a session, assuming it if need be.

        Raises:
            NotReady: there is no session to be had, for whatever reason; the message says which.

        """
        with self.using(arn):
            held = self._held.get(arn) or self._begin(arn)
            await held.role.settled(_FIRST_SESSION_SECONDS)
            try:
                held.role.current()
            except NotReady as exc:
                self._failed(arn, held, exc)
                raise
            return held.role

    async def run(self) -> None:
        """Stop renewing what nobody has used for an hour; ends only when cancelled."""
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            latest = self._clock.elapsed() - IDLE_SECONDS
            for arn, held in list(self._held.items()):
                if held.used_at <= latest and not self._users[arn]:
                    log.info("role %s: not used for an hour, no longer renewed", arn)
                    self._end(arn)

    async def close(self) -> None:
        """End all renewing."""
        for arn in list(self._held):
            self._end(arn)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, arn: str) -> _Held:
        now = self._clock.elapsed()
        if failure := self._failures.pop(arn, None):
            until, why = failure
            if now < until:
                self._failures[arn] = failure
                raise NotReady(why.message, hint=why.hint)
        try:
            source = self._source(role_arn(arn))
        except ValueError as exc:
            raise NotReady(f"no session for role {arn}: {exc}") from None
        role = RefreshingRole(arn, source, self._clock, jitter=self._jitter)
        renewing = asyncio.create_task(role.run())
        self._tasks.add(renewing)
        renewing.add_done_callback(self._tasks.discard)
        held = self._held[arn] = _Held(role, renewing, now)
        self._make_room()
        return held

    def _failed(self, arn: str, held: _Held, why: NotReady) -> None:
        """Give up a role without a session: the next request shall not wait for its back-off."""
        if self._held.get(arn) is not held:
            return
        self._end(arn)
        now = self._clock.elapsed()
        self._failures = {
            each: failure for each, failure in self._failures.items() if now < failure[0]
        }
        self._failures[arn] = now + _FAILURE_SECONDS, why

    def _touch(self, arn: str) -> None:
        if held := self._held.pop(arn, None):
            held.used_at = self._clock.elapsed()
            self._held[arn] = held

    def _make_room(self) -> None:
        """Give up those idle for longest, as many as are too many."""
        self._users = +self._users
        idle = [arn for arn in self._held if not self._users[arn]]
        for arn in idle[: max(0, len(self._held) - self._most)]:
            log.info("role %s: made room for another, no longer renewed", arn)
            self._end(arn)
            self._forget(arn)

    def _end(self, arn: str) -> None:
        self._held.pop(arn).renewing.cancel()
