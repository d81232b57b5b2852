"""RotationRules: what Secrets Manager takes, and when the next rotation is due.

Rules: Secrets Manager API reference, "RotationRulesType", and user guide, "Schedule expressions".
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.rotation.cron import parse_cron

_RATE: Final = re.compile(r"rate\(([0-9]{1,6}) (hour|day)s?\)")
_CRON: Final = re.compile(r"cron\((.+)\)")
_SHORTEST: Final = timedelta(hours=4)
_LONGEST: Final = timedelta(days=1000)
_HOURS_OF_A_DAY: Final = 24


def check_rules(rules: Mapping[str, Any]) -> None:
    """Refuse rules that Secrets Manager refuses; lengths and patterns have been checked before.

    Does not check that windows do not overlap.

    Raises:
        AwsError: InvalidParameterException.
    """
    expression = rules.get("ScheduleExpression")
    if expression is not None and rules.get("AutomaticallyAfterDays") is not None:
        raise _invalid("You can't specify both AutomaticallyAfterDays and ScheduleExpression.")
    if expression is not None:
        _check_expression(expression)
    duration = str(rules.get("Duration") or "1h")
    if not 0 < int(duration.removesuffix("h")) <= _HOURS_OF_A_DAY:
        raise _invalid(f"The rotation window {duration} is not from 1h to 24h.")


def next_rotation(rules: Mapping[str, Any], after: datetime) -> datetime | None:
    """When a rotation is due next; None without a schedule.

    For days and rate() that is so long after the latest rotation, for cron() the beginning of the
    next window: AWS names the day's end, or a moment within the window.
    """
    if days := rules.get("AutomaticallyAfterDays"):
        return after + timedelta(days=days)
    expression = rules.get("ScheduleExpression") or ""
    if rate := _RATE.fullmatch(expression):
        return after + _interval(rate)
    cron = _CRON.fullmatch(expression)
    return parse_cron(cron[1]).next(after) if cron else None


def _check_expression(expression: str) -> None:
    if rate := _RATE.fullmatch(expression):
        if not _SHORTEST <= _interval(rate) <= _LONGEST:
            raise _invalid(f"{expression} is not from 4 hours to 1000 days.")
        return
    cron = _CRON.fullmatch(expression)
    try:
        # What is neither rate(…) nor cron(…) has not six fields either.
        parse_cron(cron[1] if cron else "")
    except ValueError as error:
        raise _invalid(f"Invalid schedule expression {expression}: {error}.") from None


def _interval(rate: re.Match[str]) -> timedelta:
    number = int(rate[1])
    return timedelta(hours=number) if rate[2] == "hour" else timedelta(days=number)


def _invalid(message: str) -> AwsError:
    return AwsError(400, "InvalidParameterException", message)
