"""Temporary credentials of users, as GetSessionToken gives them."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from sidecar.redaction import Secret

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True)
class UserSession:
    """Credentials that stand for a user until they expire."""

    user_name: str
    account: str
    partition: str
    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime


class UserSessions:
    """Every session of a user that this emulator has made, expired ones included."""

    def __init__(self) -> None:
        self._sessions: dict[str, UserSession] = {}
        self._lock = Lock()

    def mint(
        self, user_name: str, account: str, partition: str, *, duration: timedelta, now: datetime
    ) -> UserSession:
        """Make credentials for a user, for so long from `now` on."""
        session = UserSession(
            user_name,
            account,
            partition,
            "ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16)),
            Secret(secrets.token_urlsafe(30)),
            Secret(secrets.token_urlsafe(192)),
            now + duration,
        )
        with self._lock:
            self._sessions[session.access_key_id] = session
        return session

    def find(self, access_key_id: str) -> UserSession | None:
        """The session with this access key id."""
        with self._lock:
            return self._sessions.get(access_key_id)
