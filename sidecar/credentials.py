"""One set of temporary AWS credentials, always passed whole."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sidecar.redaction import Secret, masked_tail


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a role source gives: the three strings, their life, and who they are.

    ``issued_at`` and ``expires_at`` are aware datetimes in UTC; ``role_arn`` is the role that was
    assumed and ``account_id`` the account it lives in.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    issued_at: datetime
    expires_at: datetime
    role_arn: str
    account_id: str

    @property
    def lifetime(self) -> timedelta:
        """How long this set was good for when it was issued."""
        return self.expires_at - self.issued_at

    def remaining(self, now: datetime) -> timedelta:
        """How long this set is still good for; negative once expired."""
        return self.expires_at - now

    def expired(self, now: datetime) -> bool:
        """Whether AWS would refuse this set at `now`."""
        return self.remaining(now) <= timedelta(0)

    def __repr__(self) -> str:
        return (
            f"Credentials({masked_tail(self.access_key_id)}, {self.role_arn}, "
            f"expires {self.expires_at.isoformat()})"
        )
