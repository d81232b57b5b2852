"""The sessions that this process has handed out or may hand out, by access key id."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sidecar.credentials import Credentials

# Renewals come hours apart; only a role whose every session AWS doubts comes near this.
MOST_PER_ROLE: Final = 16
# How long an expired session is still told from one that never was.
_REMEMBERED: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class VendedSession:
    """A session and the role in the configuration that it is of."""

    role: str
    credentials: Credentials


class VendedSessions:
    """Finds the session that a request was signed with.

    A renewed session stays known for an hour after its own end, since SDKs use what they hold for
    as long as it lives, and are then to hear that it has expired. Of a role with too many, the one
    that came first goes.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, VendedSession] = {}

    def keep(self, role: str, credentials: Credentials, now: datetime) -> None:
        """Take in a role's new session."""
        self._sessions = {
            key_id: each
            for key_id, each in self._sessions.items()
            if each.credentials.expires_at + _REMEMBERED > now
        }
        self._sessions[credentials.access_key_id] = VendedSession(role, credentials)
        of_role = [key_id for key_id, each in self._sessions.items() if each.role == role]
        for key_id in of_role[:-MOST_PER_ROLE]:
            del self._sessions[key_id]

    def find(self, access_key_id: str) -> VendedSession | None:
        """Give the session of this key id, expired or not; None when it is not known."""
        return self._sessions.get(access_key_id)
