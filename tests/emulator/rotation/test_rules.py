"""RotationRules: what is refused, and when the next rotation is due."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.rotation.rules import check_rules, next_rotation

# A Wednesday.
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "due"),
    [
        ({"AutomaticallyAfterDays": 30}, NOON + timedelta(days=30)),
        ({"ScheduleExpression": "rate(4 hours)"}, NOON + timedelta(hours=4)),
        ({"ScheduleExpression": "rate(1 day)"}, NOON + timedelta(days=1)),
        ({"ScheduleExpression": "rate(10 days)", "Duration": "24h"}, NOON + timedelta(days=10)),
        ({"ScheduleExpression": "cron(0 /8 * * ? *)"}, datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 8/8 * * ? *)"}, datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 2/10 * * ? *)"}, datetime(2026, 7, 1, 22, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 18 ? * SAT *)"}, datetime(2026, 7, 4, 18, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 1 ? 1/3 SUN#1 *)"}, datetime(2026, 7, 5, 1, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 17 L * ? *)"}, datetime(2026, 7, 31, 17, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 16 1,15 * ? *)"}, datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 8 ? * MON-FRI *)"}, datetime(2026, 7, 2, 8, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 0 ? * SUN#1 *)"}, datetime(2026, 7, 5, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 0 ? * SUNL *)"}, datetime(2026, 7, 26, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 0 ? JAN L *)"}, datetime(2027, 1, 2, tzinfo=UTC)),
        ({"ScheduleExpression": "cron(0 0 30 2 ? *)"}, None),
        ({"Duration": "2h"}, None),
    ],
)
def test_the_next_rotation(rules: dict[str, Any], due: datetime | None) -> None:
    check_rules(rules)
    assert next_rotation(rules, NOON) == due


@pytest.mark.parametrize(
    "rules",
    [
        {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
        {"ScheduleExpression": "rate(3 hours)"},
        {"ScheduleExpression": "rate(1001 days)"},
        {"ScheduleExpression": "rate(2 weeks)"},
        {"ScheduleExpression": "every day"},
        {"ScheduleExpression": "cron(0 8 * * ?)"},
        {"ScheduleExpression": "cron(5 8 * * ? *)"},
        {"ScheduleExpression": "cron(0 8 * * ? 2027)"},
        {"ScheduleExpression": "cron(0 8 * * * *)"},
        {"ScheduleExpression": "cron(0 8 ? * ? *)"},
        {"ScheduleExpression": "cron(0 24 * * ? *)"},
        {"ScheduleExpression": "cron(0 8 32 * ? *)"},
        {"ScheduleExpression": "cron(0 8 9-3 * ? *)"},
        {"ScheduleExpression": "cron(0 8 ? * MOO *)"},
        {"ScheduleExpression": "cron(0 8 ? * MON#6 *)"},
        {"ScheduleExpression": "cron(0 /0 * * ? *)"},
        {"ScheduleExpression": "cron(0 8 1, * ? *)"},
        {"AutomaticallyAfterDays": 1, "Duration": "25h"},
        {"AutomaticallyAfterDays": 1, "Duration": "0h"},
    ],
)
def test_rules_that_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as refused:
        check_rules(rules)
    assert refused.value.code == "InvalidParameterException"
