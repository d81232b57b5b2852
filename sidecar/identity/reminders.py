"""What to say again of an identity in use: a finding is told when it appears, then once a day."""

from collections.abc import Iterable, Mapping
from typing import Final

from sidecar.identity.checks import Finding

CHECK_EVERY_SECONDS: Final = 60.0
_REMIND_AFTER_SECONDS: Final = 86400.0


def due_reminders(
    findings: Iterable[Finding], told: Mapping[str, float], elapsed: float
) -> tuple[list[Finding], dict[str, float]]:
    """Choose the findings to tell now.

    Args:
        findings: all that holds at this moment.
        told: when each was told last, by its sentence, in seconds of `Clock.elapsed`.
        elapsed: this moment.

    Returns:
        What to tell, and `told` for the next time; what no longer holds is forgotten, so that it is
        news when it comes back.

    """
    due: list[Finding] = []
    after: dict[str, float] = {}
    for each in findings:
        last = told.get(each.sentence)
        if last is None or elapsed - last >= _REMIND_AFTER_SECONDS:
            due.append(each)
            last = elapsed
        after[each.sentence] = last
    return due, after
