"""Applications and strangers that are denied again and again, made into notices."""

from typing import Final

from sidecar.audit.denials import WITHIN_SECONDS, Burst, Denials, denied_in
from sidecar.audit.event import AuditEvent, AuditLog, Result
from sidecar.clock import Clock
from sidecar.notice import Kind, Notice, Severity, Tell

_LOOK_SECONDS: Final = 30.0
_HINT: Final = "the audit says what was asked for and why it was denied"


class DenialNotices:
    """The audit, with a notice when the same is denied again and again.

    Args:
        audit: where events go.
        tell: takes notices.
        clock: the clock.

    """

    def __init__(self, audit: AuditLog, tell: Tell, clock: Clock) -> None:
        self._audit, self._tell, self._clock = audit, tell, clock
        self._denials = Denials()

    def record(self, event: AuditEvent) -> None:
        """Hand an event on, and look at it if it is a denial."""
        self._audit.record(event)
        if event.result is not Result.DENIED:
            return
        burst = self._denials.seen(denied_in(event), self._clock.elapsed())
        if burst is not None:
            self._tell(_notice(burst, self._clock))

    async def run(self) -> None:
        """Tell what followed bursts, for ever; ends only when cancelled."""
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            for burst in self._denials.followed(self._clock.elapsed()):
                self._tell(_notice(burst, self._clock))


def _notice(burst: Burst, clock: Clock) -> Notice:
    """Tell of a burst; a caller's own words are in the audit alone."""
    denied = burst.denied
    who = f"app {denied.app}" if denied.app else "somebody who is no app"
    minutes = max(2, round(burst.seconds / 60))
    within = "a minute" if burst.seconds <= WITHIN_SECONDS else f"{minutes} minutes"
    times = f"{burst.count} more times" if burst.further else f"{burst.count} times"
    why = f": {denied.reason}" if denied.reason else ""
    sentence = f"{who} was denied {times} within {within} at the {denied.door} door{why}"
    facts = {
        "app": denied.app,
        "door": denied.door,
        "peer": denied.peer,
        "reason": denied.reason,
        "count": str(burst.count),
        "hint": _HINT,
    }
    known = {name: value for name, value in facts.items() if value}
    thread = f"denials of {denied.app or 'nobody known'}"
    return Notice(Kind.DENIAL_BURST, Severity.WARNING, sentence, clock.now(), known, thread)
