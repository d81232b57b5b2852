"""The sessions that this process has handed out or may hand out, by access key id."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sidecar.access.policy import App
from sidecar.credentials import Credentials

# Renewals come hours apart; only a role whose every session AWS doubts comes near this.
MOST_PER_ROLE: Final = 16
# How long an expired session is still told from one that never was.
_REMEMBERED: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class VendedSession:
    """A session, the role in the configuration that it is of, and the app that it was made for.

    ``app`` is None where all that may have the role share it; ``former`` are those that may have it
    no more, and may hold this session still.
    """

    role: str
    credentials: Credentials
    app: str | None = None
    former: tuple[App, ...] = ()


class VendedSessions:
    """Finds the session that a request was signed with.

    A renewed session stays known for an hour after its own end, since SDKs use what they hold for
    as long as it lives, and are then to hear that it has expired. Of a role and an app with too
    many, the one that came first goes.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, VendedSession] = {}
        self._of_several: set[str] = set()

    def keep(
        self, role: str, credentials: Credentials, now: datetime, *, app: str | None = None
    ) -> None:
        """Take in a role's new session, which was made for an app, or for all with the role."""
        self._sessions = {
            key_id: each
            for key_id, each in self._sessions.items()
            if each.credentials.expires_at + _REMEMBERED > now
        }
        before = self._sessions.get(credentials.access_key_id)
        former: tuple[App, ...] = ()
        if before is not None and not credentials.session_token:  # a user's key, which stays
            former = before.former
            if before.role != role:
                self._of_several.add(credentials.access_key_id)
        self._sessions[credentials.access_key_id] = VendedSession(role, credentials, app, former)
        of_both = [
            key_id
            for key_id, each in self._sessions.items()
            if (each.role, each.app) == (role, app)
        ]
        for key_id in of_both[:-MOST_PER_ROLE]:
            del self._sessions[key_id]

    def give_to(self, role: str, app: str) -> None:
        """Note that a role's sessions, which nobody was given so far, are an app's from now on."""
        self._sessions = {
            key_id: replace(each, app=app) if (each.role, each.app) == (role, None) else each
            for key_id, each in self._sessions.items()
        }

    def left(self, role: str, apps: Iterable[App]) -> None:
        """Note that apps may have a role no more, of which they share sessions with others."""
        left = tuple(apps)
        self._sessions = {
            key_id: replace(each, former=(*each.former, *left))
            if (each.role, each.app) == (role, None)
            else each
            for key_id, each in self._sessions.items()
        }

    def find(self, access_key_id: str) -> VendedSession | None:
        """Give the session of this key id, expired or not; None when it is not known.

        A user's key that two roles hand out says of nobody which of them he has.
        """
        return None if access_key_id in self._of_several else self._sessions.get(access_key_id)
