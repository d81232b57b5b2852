"""What is said again of an identity: news at once, the rest once a day."""

import pytest

from sidecar.identity.checks import Finding, Severity
from sidecar.identity.reminders import due_reminders

DAY = 86400.0
SOON = Finding("expires-soon", Severity.WARNING, "it expires soon", "renew it")
EXPIRED = Finding("expired", Severity.ERROR, "it has expired", "renew it")


@pytest.mark.parametrize(
    ("findings", "told", "elapsed", "due"),
    [
        pytest.param([], {}, 0, [], id="nothing"),
        pytest.param([SOON], {}, 5, [SOON], id="news"),
        pytest.param([SOON], {SOON.sentence: 5}, 65, [], id="told a minute ago"),
        pytest.param([SOON], {SOON.sentence: 5}, 5 + DAY, [SOON], id="told a day ago"),
        pytest.param([EXPIRED, SOON], {SOON.sentence: 5}, 65, [EXPIRED], id="news beside the old"),
    ],
)
def test_a_finding_is_told_when_it_is_news_or_a_day_old(
    findings: list[Finding], told: dict[str, float], elapsed: float, due: list[Finding]
) -> None:
    assert due_reminders(findings, told, elapsed)[0] == due


def test_a_finding_that_went_away_is_news_when_it_comes_back() -> None:
    _, told = due_reminders([SOON], {}, 0)
    _, told = due_reminders([], told, 60)
    assert due_reminders([SOON], told, 120)[0] == [SOON]


def test_all_year_a_finding_is_told_once_a_day() -> None:
    told: dict[str, float] = {}
    count = 0
    for minute in range(3 * 24 * 60):
        due, told = due_reminders([SOON], told, minute * 60.0)
        count += len(due)
    assert count == 3
