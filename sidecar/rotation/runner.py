"""The runner: looks, lets the decision be made, carries out one action, and looks again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sidecar.access_key_secret import AccessKeySecret
from sidecar.errors import SidecarError, UpstreamError, UpstreamRefused
from sidecar.redaction import masked_tail
from sidecar.rotation.action import (
    Action,
    CreateKey,
    DeleteKey,
    Done,
    DropPending,
    MoveCurrent,
    SetActive,
    TryKey,
)
from sidecar.rotation.attempt import ATTEMPT_TAG, Attempt
from sidecar.rotation.calls import Calls, NewKey
from sidecar.rotation.event import Step
from sidecar.rotation.goal import Goal
from sidecar.rotation.observing import observe
from sidecar.rotation.seen import CURRENT, PENDING
from sidecar.rotation.steps import next_action
from sidecar.rotation.stuck import RotationNotYet, pending_gone
from sidecar.rotation.trial import Pace, try_key

log = logging.getLogger(__name__)

# A step takes at most five in one run; more only where somebody else works against it.
_MOST_ACTIONS: Final = 12
_QUOTA: Final = "LimitExceeded"
# A key that is made later than this after its note may not be known again.
_STALLED: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Runner:
    """Performs the steps of one rotation.

    Args:
        calls: AWS.
        goal: the rotation.
        pace: time and its end.
        may_act: raises if this rotator has lost its right; asked right before whatever changes
            something.

    """

    calls: Calls
    goal: Goal
    pace: Pace
    may_act: Callable[[], None] = lambda: None

    def run(self, step: Step) -> str:
        """Perform one step, from wherever an earlier attempt left it.

        Returns:
            What came of it, for the log.

        Raises:
            RotationStuck: somebody must decide something.
            RotationNotYet: a later attempt can go on.
            UpstreamError: AWS did not answer, or said no.

        """
        for _ in range(_MOST_ACTIONS):
            self._check_deadline(step)
            seen = observe(self.calls, self.goal.target, self.goal.token)
            action = next_action(step, self.goal, seen, self.pace.now())
            came = action.why if isinstance(action, Done) else self._perform(action)
            if came:
                log.info("rotation %s: %s: %s", self.goal.token, step.value, came)
                return came
        raise RotationNotYet(f"{step.value} comes to no end: something works against this rotation")

    def _check_deadline(self, step: Step) -> None:
        if self.pace.now() >= self.pace.deadline:
            raise RotationNotYet(f"no time is left for {step.value}")

    def _perform(self, action: Action) -> str | None:
        """Carry an action out; tells what came of one that ends its step."""
        user, secret = self.goal.target.user_name, self.goal.target.secret
        if not isinstance(action, TryKey):
            self.may_act()
        match action:
            case CreateKey(content, attempt):
                # What was stored is not looked for at once: a read that lags would show an orphan.
                return "a new key is stored" if self._create(content, attempt) else None
            case SetActive(key, active, why):
                log.warning("%s is made %s: %s", masked_tail(key), _state(active), why)
                self.calls.set_active(user, key, active=active)
            case DeleteKey(key, why):
                log.warning("%s is deleted: %s", masked_tail(key), why)
                self.calls.delete_key(user, key)
            case TryKey(content):
                try_key(self.calls, content, self.pace)
                return "the key works"
            case MoveCurrent(to, taken_from):
                self.calls.move_label(secret, CURRENT, to=to, taken_from=taken_from)
                self._note(Attempt(self.pace.now()).over())
            case DropPending(version, _):
                self.calls.move_label(secret, PENDING, to=None, taken_from=version)
                raise pending_gone(version)
        return None

    def _create(self, content: AccessKeySecret, attempt: Attempt) -> bool:
        """Create and store a key, if there is a place; what cannot be stored is deleted again."""
        self._note(attempt)
        if self.pace.now() >= attempt.at + _STALLED:
            raise RotationNotYet("this attempt was held up: its key would not be known again")
        self.may_act()
        try:
            new = self.calls.create_key(self.goal.target.user_name)
        except UpstreamRefused as exc:  # surely none was made
            self._note(attempt.over())
            if exc.code != _QUOTA:
                raise
            # Somebody created one since the keys were listed: the next look shows it.
            log.info("there is no place for a new key any more")
            return False
        stored = content.with_key(new.access_key_id, new.secret_access_key)
        try:
            self.may_act()
            self.calls.put(self.goal.target.secret, self.goal.token, stored.to_json(), (PENDING,))
        except SidecarError as exc:
            if not isinstance(exc, UpstreamError) or not exc.retryable:
                self._undo(new)
            raise
        self._note(attempt.with_key(new.access_key_id))
        return True

    def _note(self, attempt: Attempt) -> None:
        """Note an attempt; who cannot do that knows no orphan again, and is stopped by one."""
        try:
            self.calls.tag(self.goal.target.secret, ATTEMPT_TAG, str(attempt))
        except UpstreamRefused as exc:
            log.warning("the attempt is not noted: %s (hint: %s)", exc.message, exc.hint)

    def _undo(self, new: NewKey) -> None:
        """Delete a key that was surely not stored."""
        try:
            self.calls.delete_key(self.goal.target.user_name, new.access_key_id)
        except SidecarError as exc:
            log.warning(
                "%s is left over: %s; the next rotation deletes it",
                masked_tail(new.access_key_id),
                exc.message,
            )


def _state(active: bool) -> str:
    return "active" if active else "inactive"
