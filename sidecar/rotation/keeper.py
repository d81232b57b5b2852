"""Rotating without a Lambda: the same steps, begun here, by one sidecar at a time."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sidecar.errors import SidecarError
from sidecar.rotation.action import Action
from sidecar.rotation.adoption import adopt
from sidecar.rotation.calls import Calls, NewKey
from sidecar.rotation.event import Step
from sidecar.rotation.goal import Goal, Retirement, Target
from sidecar.rotation.lease import release, take_lease
from sidecar.rotation.observing import described, observe
from sidecar.rotation.reaper import Reaped, reap
from sidecar.rotation.restoring import restore
from sidecar.rotation.retirement import Wait, record_of
from sidecar.rotation.runner import Runner
from sidecar.rotation.seen import CURRENT, PENDING, SecretFacts
from sidecar.rotation.standing import Standing, first_action, standing
from sidecar.rotation.stuck import RotationStuck, no_value
from sidecar.rotation.trial import Pace

log = logging.getLogger(__name__)

# Less than the lease lasts, so that its end is never what stops a rotation.
_LONGEST: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the key of one secret.

    Args:
        calls: AWS, asked with credentials of a role, never with the key itself.
        target: the secret and the user.
        retirement: when the replaced key may go.
        holder: who takes the lease.
        now: tells the moment.
        sleep: waits so many seconds.
        begun: called with the token of a rotation once it may act.

    """

    calls: Calls
    target: Target
    retirement: Retirement
    holder: str
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    begun: Callable[[str], None] = lambda _: None

    def rotate(self) -> str:
        """Rotate once, or bring a rotation that was left to its end; returns the new version.

        Raises:
            RotationStuck: somebody must decide something.
            RotationNotYet: a later attempt can go on.
            UpstreamError: AWS did not answer, or said no.

        """
        self.first_action()  # so that a rotation that is stuck takes no lease, each being a version
        with self._lease() as (facts, may_act):
            goal = self._goal(_token(facts))
            self.begun(goal.token)
            runner = Runner(self.calls, goal, self._pace(), may_act)
            for step in Step:
                runner.run(step)
            self._tidy_up(goal.token, may_act)
            return goal.token

    def first_action(self) -> Action:
        """Say what a rotation would do first, and change nothing; raises as `rotate` does."""
        facts = self._own(described(self.calls, self.target))
        return first_action(self.calls, self._goal(_token(facts)), self.now())

    def standing(self) -> Standing:
        """Say how it stands; raises where not even that can be seen."""
        facts = described(self.calls, self.target)
        return standing(self.calls, self._goal(_token(facts)), self.now())

    def rotated_at(self) -> datetime | None:
        """Tell when the current version came to be current; None where it holds no key yet."""
        seen = observe(self.calls, self.target)
        if seen.current.content.access_key_id is None:
            return None
        record = record_of(seen)
        return max(seen.current.created_at, record.since if record else seen.current.created_at)

    def reap(self) -> Reaped:
        """Retire the replaced key as far as its time has come; raises as `rotate` does."""
        looked = reap(self.calls, self.target, self.retirement, self.now)
        if isinstance(looked.next, Wait):
            return looked
        with self._lease() as (_, may_act):
            return reap(self.calls, self.target, self.retirement, self.now, may_act)

    def restore(self) -> str:
        """Give applications the previous key again; returns the version that is current then."""
        with self._lease() as (_, may_act):
            return restore(self.calls, self.target, self._pace(), may_act)

    def adopt(self, key: NewKey) -> str:
        """Take a key of the user's into the secret; returns the version that holds it."""
        with self._lease() as (_, may_act):
            return adopt(self.calls, self.target, key, self._pace(), may_act)

    def _tidy_up(self, token: str, may_act: Callable[[], None]) -> None:
        """Take the label off and note since when the old key is replaced, if that can be done.

        A label that stayed would look like a rotation under way once AWSCURRENT is moved by hand.
        A version may be much older than the moment at which it became current.
        """
        try:
            # Moving AWSCURRENT may have taken it off: pages and reports of AWS's differ.
            if PENDING in described(self.calls, self.target).labels.get(token, ()):
                self.calls.move_label(self.target.secret, PENDING, to=None, taken_from=token)
            reap(self.calls, self.target, self.retirement, self.now, may_act)
        except SidecarError as exc:
            log.warning("the rotation is through, but was not tidied up after: %s", exc.message)

    @contextmanager
    def _lease(self) -> Iterator[tuple[SecretFacts, Callable[[], None]]]:
        """Hold the lease, and look at the secret again; also give what checks that it holds."""
        facts = self._own(described(self.calls, self.target))
        lease = take_lease(self.calls, facts, self.holder, self.now())
        try:
            yield self._own(described(self.calls, self.target)), lambda: lease.check(self.now())
        except SidecarError:
            release(self.calls, lease)
            raise
        release(self.calls, lease)

    def _own(self, facts: SecretFacts) -> SecretFacts:
        """See that there is a value, and that Secrets Manager does not rotate it as well."""
        if facts.version_with(CURRENT) is None:  # a lease would become the current version
            raise no_value(self.target.secret)
        if facts.rotation_enabled:
            raise RotationStuck(
                f"Secrets Manager rotates {self.target.secret} with a function of its own",
                hint="aws secretsmanager rotate-secret starts that; to rotate it here instead: "
                "aws secretsmanager cancel-rotate-secret",
            )
        return facts

    def _goal(self, token: str) -> Goal:
        return Goal(self.target, token, self.retirement, announced=False)

    def _pace(self) -> Pace:
        return Pace(self.now, self.sleep, self.now() + _LONGEST)

    def forced(self) -> "Keeper":
        """Give the same keeper, who gives up the previous key although it was used."""
        return replace(self, retirement=replace(self.retirement, force=True))


def _token(facts: SecretFacts) -> str:
    """Go on with the rotation that is under way, or begin one."""
    return facts.under_way or str(uuid4())
