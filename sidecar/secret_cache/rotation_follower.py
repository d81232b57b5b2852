"""Following announced rotations: near one, the value is read again every half minute."""

import logging
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretDescription, SecretValue
from sidecar.clock import Clock
from sidecar.errors import SidecarError, UpstreamError, UpstreamRefused
from sidecar.secret_cache.pauses import pause_after
from sidecar.secret_cache.rotation_window import CURRENT, Expectation, current_version

log = logging.getLogger(__name__)

# Asks DescribeSecret for an ARN.
Describe = Callable[[Reader, str], Awaitable[SecretDescription]]

_RENEWED_EVERY_SECONDS: Final = 30.0
_LOOK_EVERY_SECONDS: Final = 5.0
# More than a cache may hold.
_MOST_FOLLOWED: Final = 20_000
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


class RotationFollower:
    """Asks once per secret when its next rotation is due, and renews the value often near it.

    Args:
        describe: asks AWS.
        renew: reads a secret again, given its ARN; returns how many entries that is.
        clock: the clock.
        jitter: gives a random number from 0 up to 1.

    """

    def __init__(
        self,
        describe: Describe,
        renew: Callable[[str], int],
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._describe = describe
        self._renew = renew
        self._clock = clock
        self._jitter = jitter
        # Kept in the order in which they were last read.
        self._followed: OrderedDict[tuple[Reader, str], Expectation] = OrderedDict()
        self._renew_at: dict[str, float] = {}
        self._denied: set[Reader] = set()
        self._failures = 0
        self._describe_from = 0.0

    def saw(self, reader: Reader, value: SecretValue) -> None:
        """Note what AWS has given; to be called with every answer of GetSecretValue and its kin."""
        if reader in self._denied or CURRENT not in value.version_stages:
            return
        key = (reader, value.arn)
        known = self._followed.get(key)
        self._followed[key] = (
            known.read(value.version_id) if known else Expectation(value.version_id)
        )
        self._followed.move_to_end(key)
        if len(self._followed) > _MOST_FOLLOWED:
            self._followed.popitem(last=False)

    async def run(self) -> None:
        """Follow for ever; ends only when cancelled."""
        while True:
            self._renew_what_is_due()
            await self._describe_what_is_new()
            await self._clock.sleep(_LOOK_EVERY_SECONDS)

    def _renew_what_is_due(self) -> None:
        now, elapsed = self._clock.now(), self._clock.elapsed()
        due = {key[1] for key, expected in self._followed.items() if expected.is_due(now)}
        self._renew_at = {arn: at for arn, at in self._renew_at.items() if arn in due}
        for arn in due:
            if elapsed >= self._renew_at.get(arn, 0):
                self._renew_at[arn] = elapsed + _RENEWED_EVERY_SECONDS
                self._renew_or_forget(arn)

    def _renew_or_forget(self, arn: str) -> None:
        if not self._renew(arn):
            for key in [key for key in self._followed if key[1] == arn]:
                del self._followed[key]

    async def _describe_what_is_new(self) -> None:
        """Ask for one description after the other, until one fails for a reason that may pass."""
        if self._clock.elapsed() < self._describe_from:
            return
        now = self._clock.now()
        for key in [key for key, each in self._followed.items() if each.must_describe(now)]:
            if key in self._followed and not await self._described(key):
                return

    async def _described(self, key: tuple[Reader, str]) -> bool:
        """Ask for one description; False when there is no use in asking for others now."""
        reader, arn = key
        try:
            description = await self._describe(reader, arn)
        except UpstreamRefused as exc:
            self._refused(key, exc)
            return True
        except SidecarError as exc:
            self._failed(exc.message)
            return False
        except Exception as exc:  # a bug must not end the following
            log.exception("asking for a rotation date failed unexpectedly")
            self._failed(f"unexpected {type(exc).__name__}; see the log")
            return False
        self._failures = 0
        expected = self._followed.get(key)
        if expected is not None:
            self._followed[key] = expected.described(description, self._clock.now())
            if current_version(description) not in (None, expected.version_id):
                self._renew_or_forget(arn)
        return True

    def _refused(self, key: tuple[Reader, str], exc: UpstreamError) -> None:
        self._followed.pop(key, None)
        reader = key[0]
        if exc.code in _DENIED and reader not in self._denied:
            self._denied.add(reader)
            for other in [other for other in self._followed if other[0] == reader]:
                del self._followed[other]
            log.warning(
                "rotations are not followed with the credentials of %s: they lack "
                "secretsmanager:DescribeSecret",
                reader.role,
            )

    def _failed(self, reason: str) -> None:
        self._failures += 1
        pause = pause_after(self._failures, jitter=self._jitter())
        self._describe_from = self._clock.elapsed() + pause
        log.info("no rotation dates: %s; next attempt in %.0f s", reason, pause)
