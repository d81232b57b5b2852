"""However many apps have a role, what ails its sessions is told a few times, and its end once."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.access.policy import App
from sidecar.app_sessions import AppSessions
from sidecar.background import Background
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.notice import Kind, Notice, Severity
from sidecar.providers.refreshing import RefreshingRole
from sidecar.redaction import Secret
from sidecar.role_graph import RoleGraph
from sidecar.session_notices import MOST_REASONS, AppSessionNotices

if TYPE_CHECKING:
    from tests.conftest import ManualClock

# Of a session: short ones, since every five seconds of each session cost the test something.
LIFE = timedelta(minutes=16)
LIVES = LIFE.total_seconds()
APPS = tuple(App(f"app-{number}", ("default",), ()) for number in range(8))
OWN, OTHER = "default", "default of app app-1"
DOWN = UpstreamUnavailable("no answer from AWS", hint="check the network")
NO = UpstreamRefused("access denied", hint="look at the profile")


class Upstream:
    """Gives sessions, but to those that it has a failure for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failures: defaultdict[str, SidecarError | None] = defaultdict(lambda: None)

    def fails(self, failure: SidecarError | None) -> None:
        """Fail, or not, whoever asks."""
        self.failures = defaultdict(lambda: failure)

    def session(self, label: str) -> RefreshingRole:
        return RefreshingRole(label, Asking(self, label), self._clock, jitter=lambda: 0.5)

    def give(self, label: str) -> Credentials:
        if (failure := self.failures[label]) is not None:
            raise failure
        now = self._clock.now()
        return Credentials(
            access_key_id=f"ASIA of {label}",
            secret_access_key=Secret("secret"),
            session_token=Secret("token"),
            issued_at=now,
            expires_at=now + LIFE,
            role_arn="arn:aws:iam::123456789012:role/web",
            account_id="123456789012",
        )


class Asking:
    """The source of one session."""

    def __init__(self, upstream: Upstream, label: str) -> None:
        self._upstream, self._label = upstream, label

    async def fetch(self) -> Credentials:
        return self._upstream.give(self._label)


@pytest.fixture
def upstream(clock: "ManualClock") -> Upstream:
    return Upstream(clock)


@pytest.fixture
def told() -> list[Notice]:
    return []


@pytest.fixture
async def sessions(
    upstream: Upstream, clock: "ManualClock", told: list[Notice]
) -> AsyncIterator[AppSessions]:
    """Give the sessions of many apps, of which is told."""
    background = Background()
    graph = RoleGraph({OWN: upstream.session(OWN)}, lambda _, label: upstream.session(label))
    made = AppSessions(graph, (), background, clock)
    made.watched_by(AppSessionNotices(told.append, clock))
    made.start(APPS)
    await clock.advance(0)
    yield made
    await background.close()


Kinds = Callable[[], list[tuple[Kind, Severity]]]
FAILING, RECOVERED = Kind.SESSION_FAILING, Kind.SESSION_RECOVERED


@pytest.fixture
def kinds(told: list[Notice]) -> Kinds:
    return lambda: [(each.kind, each.severity) for each in told]


@pytest.mark.usefixtures("sessions")
async def test_one_app_s_session_that_is_refused_is_told_and_so_is_its_end(
    upstream: Upstream, clock: "ManualClock", told: list[Notice]
) -> None:
    upstream.failures[OTHER] = NO
    await clock.advance(LIVES * 0.9)
    [failing] = told
    assert failing.sentence == (
        "no new session of role default for app app-1, and the last one still serves: access denied"
    )
    known = {"role": "default", "app": "app-1", "hint": "look at the profile"}
    assert failing.facts == known
    upstream.fails(None)
    await clock.advance(LIVES)
    assert [each.kind for each in told] == [FAILING, RECOVERED]
    assert told[1].thread == failing.thread
    assert told[1].facts == {"role": "default", "app": "app-1"}


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize("failure", [DOWN, NO])
async def test_an_outage_of_eight_apps_is_a_warning_an_error_and_an_end(
    failure: SidecarError, upstream: Upstream, clock: "ManualClock", kinds: Kinds
) -> None:
    upstream.fails(failure)
    await clock.advance(2 * LIVES)
    failing = [(FAILING, Severity.WARNING), (FAILING, Severity.ERROR)]
    assert kinds() == failing
    upstream.fails(None)
    await clock.advance(LIVES)
    assert kinds() == [*failing, (RECOVERED, Severity.INFO)]


@pytest.mark.usefixtures("sessions")
async def test_it_is_over_only_when_every_session_is_renewed(
    upstream: Upstream, clock: "ManualClock", kinds: Kinds
) -> None:
    upstream.fails(NO)
    await clock.advance(2 * LIVES)
    upstream.fails(None)
    upstream.failures[OTHER] = NO
    await clock.advance(LIVES)
    assert (RECOVERED, Severity.INFO) not in kinds()
    upstream.fails(None)
    await clock.advance(2 * LIVES)
    assert kinds()[-1] == (RECOVERED, Severity.INFO)


@pytest.mark.usefixtures("sessions")
async def test_another_app_s_other_reason_is_told_and_no_more_than_a_few_of_them(
    upstream: Upstream, clock: "ManualClock", told: list[Notice]
) -> None:
    for app in APPS[1:]:
        upstream.failures[f"default of app {app.name}"] = UpstreamRefused(f"not {app.name}")
    await clock.advance(2 * LIVES)
    warnings = [each for each in told if each.severity is Severity.WARNING]
    assert len({each.facts["app"] for each in warnings}) == len(warnings) == MOST_REASONS
    # Whoever hears of errors alone must hear of them, whatever warnings there were.
    assert sum(each.severity is Severity.ERROR for each in told) == MOST_REASONS
    upstream.fails(None)
    await clock.advance(2 * LIVES)
    assert set(told[-1].facts["app"].split(", ")) == {each.facts["app"] for each in warnings}


async def test_a_failing_session_that_nobody_needs_any_more_is_over(
    sessions: AppSessions, upstream: Upstream, clock: "ManualClock", told: list[Notice]
) -> None:
    upstream.failures[OTHER] = NO
    await clock.advance(LIVES * 0.9)
    sessions.assign((APPS[0], *APPS[2:]))
    await clock.advance(LIVES)
    assert told[-1].kind is RECOVERED
    assert told[-1].sentence == (
        "no session of role default fails any more: that of app app-1 is not needed"
    )


async def test_an_app_that_comes_later_is_told_of_like_the_others_and_its_healthy_end_is_no_news(
    sessions: AppSessions, upstream: Upstream, clock: "ManualClock", told: list[Notice]
) -> None:
    upstream.failures["default of app late"] = NO
    sessions.assign((*APPS[:1], App("late", ("default",), ())))
    await clock.advance(1)
    assert [each.facts["app"] for each in told] == ["late"]


@pytest.mark.usefixtures("sessions")
async def test_sessions_that_are_renewed_are_no_news(
    clock: "ManualClock", told: list[Notice]
) -> None:
    await clock.advance(2 * LIVES)
    assert told == []
