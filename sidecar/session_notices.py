"""Sessions that cannot be renewed, made into notices: few for a role, however many apps have it."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from sidecar.clock import Clock, iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import NotReady, SidecarError
from sidecar.notice import Kind, Notice, Severity, Tell
from sidecar.providers.refreshing import RefreshingRole

# What may pass by itself is told at this failure in a row, or as soon as little is left to serve.
_IN_A_ROW: Final = 3
_LITTLE: Final = timedelta(minutes=20)
# Reasons may differ from app to app, such as by a session's name: no more than so many are told.
MOST_REASONS: Final = 5


@dataclass(slots=True)
class _Course:
    """How one session fares: how often it failed in a row, and how severely that counted."""

    session: RefreshingRole
    app: str
    failures: int = 0
    counted: Severity | None = None


class SessionNotices:
    """Tells when sessions of a role cannot be renewed, and when all of them can be again.

    A reason is told once, whichever session it is of: an outage is one for all apps.

    Args:
        role: the role's name.
        tell: takes notices.
        clock: the wall clock.

    """

    def __init__(self, role: str, tell: Tell, clock: Clock) -> None:
        self._role, self._tell, self._clock = role, tell, clock
        self._courses: dict[str, _Course] = {}
        self._told: defaultdict[Severity, set[str]] = defaultdict(set)
        # Who was told of an app's failure is told of the end by the same name.
        self._apps: set[str] = set()

    def watch(self, session: RefreshingRole, app: str = "") -> None:
        """Begin to listen to one of the sessions.

        Args:
            session: the session.
            app: whose it is; empty for the sidecar's own.

        """
        course = self._courses[app] = _Course(session, app)
        session.on_failure(partial(self._failed, course))
        session.on_change(partial(self._renewed, course))

    def forget(self, app: str) -> None:
        """Take it that an app's session has ended and is missed by nobody."""
        self._courses.pop(app, None)
        said = f"no session of role {self._role} fails any more: that of app {app} is not needed"
        self._mended(said)

    def _failed(self, course: _Course, exc: SidecarError) -> None:
        if self._courses.get(course.app) is not course:
            return
        course.failures += 1
        left = self._left(course.session)
        severity = Severity.WARNING if left > timedelta(0) else Severity.ERROR
        # Who asks to be told of errors alone has not heard of it as long as it was a warning.
        if course.counted is not None and course.counted >= severity:
            return
        # At the start, when there is no session yet, none is about to end.
        runs_out = timedelta(0) < left < _LITTLE
        if exc.retryable and course.failures < _IN_A_ROW and not runs_out:
            return
        course.counted = severity
        if self._is_news(exc.message, severity):
            rest = "the last one still serves" if left > timedelta(0) else "there is none to serve"
            whose = f" for app {course.app}" if course.app else ""
            sentence = f"no new session of role {self._role}{whose}, and {rest}: {exc.message}"
            self._apps.add(course.app)
            known = {"app": course.app, "hint": exc.hint}
            self._say(Kind.SESSION_FAILING, severity, sentence, known)

    def _is_news(self, reason: str, severity: Severity) -> bool:
        """Whether a reason is to be told; of those told, no end is awaited but that of all."""
        if any(reason in told for known, told in self._told.items() if known >= severity):
            return False
        if len(self._told[severity]) >= MOST_REASONS:
            return False
        self._told[severity].add(reason)
        return True

    def _renewed(self, course: _Course, credentials: Credentials) -> None:
        course.failures, course.counted = 0, None
        until = iso_seconds(credentials.expires_at)
        self._mended(f"role {self._role} has a new session again, until {until}")

    def _mended(self, sentence: str) -> None:
        """Tell that it is over, if anything was told and no session is without its renewal."""
        if self._told and all(each.counted is None for each in self._courses.values()):
            known = {"app": ", ".join(sorted(filter(None, self._apps)))}
            self._told.clear()
            self._apps.clear()
            self._say(Kind.SESSION_RECOVERED, Severity.INFO, sentence, known)

    def _left(self, session: RefreshingRole) -> timedelta:
        try:
            return session.current().remaining(self._clock.now())
        except NotReady:
            return timedelta(0)

    def _say(self, kind: Kind, severity: Severity, sentence: str, known: dict[str, str]) -> None:
        facts = {"role": self._role, **{name: value for name, value in known.items() if value}}
        thread = f"session of role {self._role}"
        self._tell(Notice(kind, severity, sentence, self._clock.now(), facts, thread))


class AppSessionNotices:
    """Tells of every role's sessions: the sidecar's own, and those of apps as they come and go.

    Args:
        tell: takes notices.
        clock: the wall clock.

    """

    def __init__(self, tell: Tell, clock: Clock) -> None:
        self._make: Callable[[str], SessionNotices] = partial(
            SessionNotices, tell=tell, clock=clock
        )
        self._roles: dict[str, SessionNotices] = {}

    def began(self, role: str, app: str, session: RefreshingRole) -> None:
        """Listen to a session from now on."""
        if role not in self._roles:
            self._roles[role] = self._make(role)
        self._roles[role].watch(session, app)

    def ended(self, role: str, app: str) -> None:
        """Take it that an app has a session of its own no more."""
        self._roles[role].forget(app)
