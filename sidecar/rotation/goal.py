"""What a rotation is for: one secret and one user, pinned by configuration."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_GRACE: Final = timedelta(hours=24)
_RECOVERY: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Target:
    """Which secret holds which user's key; never taken from an event.

    Args:
        secret: the secret's ARN, or its name where only the configuration has a say.
        user_name: the IAM user, who is there for this secret only.

    """

    secret: str
    user_name: str


@dataclass(frozen=True, slots=True)
class Retirement:
    """When the key that was replaced may go.

    Args:
        grace: how long it stays active, which is longer than any cache holds it.
        recovery: how long it can be restored after it was made inactive.
        delete: whether it is deleted then.
        force: whether it goes although it was used meanwhile, or before its time when its place
            is needed.

    """

    grace: timedelta = _GRACE
    recovery: timedelta = _RECOVERY
    delete: bool = True
    force: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """One rotation: its target, its token and the rules for the key that it replaces.

    Args:
        target: the secret and the user.
        token: the id of the version that will hold the new key.
        retirement: when the replaced key may go.
        announced: whether Secrets Manager has made the version and labelled it ``AWSPENDING``
            before the first step, as it does for a Lambda.

    """

    target: Target
    token: str
    retirement: Retirement = Retirement()
    announced: bool = True
