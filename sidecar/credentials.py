"""One set of temporary AWS credentials, always passed whole."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from sidecar.arn import Arn
from sidecar.redaction import Secret, masked_tail

# Together with the rest of the answer these stay under the 10,000 bytes that one SDK reads.
_LONGEST: Final = {"AccessKeyId": 128, "SecretAccessKey": 256, "SessionToken": 8192}
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
# How far this machine's clock may be behind AWS's; signatures are refused sooner.
_CLOCK_TOLERANCE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a role source gives: the three strings, their life, and who they are.

    ``issued_at`` and ``expires_at`` are aware datetimes in UTC; ``role_arn`` is the role that was
    assumed, or the IAM user whose key it is, and ``account_id`` the account it lives in.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    issued_at: datetime
    expires_at: datetime
    role_arn: str
    account_id: str

    @classmethod
    def received(
        cls,
        parts: Mapping[str, str],
        *,
        role: Arn,
        expires_at: datetime,
        longest: timedelta,
        now: datetime,
    ) -> Self:
        """Make a set of what AWS answered, if that can be used.

        Not checked: whether the answer is for that role.

        Args:
            parts: AccessKeyId, SecretAccessKey and SessionToken.
            role: the role that was asked for.
            expires_at: when AWS says that the set ends, aware.
            longest: how long a life was asked for.
            now: when the answer came; the set counts as issued then.

        Raises:
            ValueError: a part cannot be served, or the life is over or too long; the sentence
                quotes nothing of the answer.
            KeyError: a part is missing.
            TypeError: a part is no text.

        """
        for name, limit in _LONGEST.items():
            if not _VISIBLE.fullmatch(parts[name]) or len(parts[name]) > limit:
                raise ValueError(f"{name} is empty, too long or not plain text")
        if expires_at <= now:
            raise ValueError("already expired")
        if expires_at > now + longest + _CLOCK_TOLERANCE:
            raise ValueError("it claims to last longer than was asked")
        return cls(
            access_key_id=parts["AccessKeyId"],
            secret_access_key=Secret(parts["SecretAccessKey"]),
            session_token=Secret(parts["SessionToken"]),
            issued_at=now,
            expires_at=expires_at,
            role_arn=str(role),
            account_id=role.account,
        )

    @classmethod
    def of_user(
        cls,
        access_key_id: str,
        secret_access_key: Secret,
        *,
        user: Arn,
        lifetime: timedelta,
        now: datetime,
    ) -> Self:
        """Make a set of an IAM user's own key, whose session token is empty.

        SDKs take a set without a token for one that signs without it. Such a key has no end; it is
        given one, or nobody would come back for the next.

        Args:
            access_key_id: the key's id.
            secret_access_key: its secret half.
            user: the user.
            lifetime: after which time to come back.
            now: when the set is handed out first.

        """
        return cls(
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            session_token=Secret(""),
            issued_at=now,
            expires_at=now + lifetime,
            role_arn=str(user),
            account_id=user.account,
        )

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
