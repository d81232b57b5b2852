"""The calls of AWS that a rotation makes, as it wants to see them; `aws` makes them for real."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sidecar.redaction import Secret
from sidecar.rotation.seen import LastUse, SecretFacts, StoredKey, UserKey


@dataclass(frozen=True, slots=True)
class NewKey:
    """What CreateAccessKey gives, once."""

    access_key_id: str
    secret_access_key: Secret


class Calls(Protocol):
    """Every call is one request, unless its text says that botocore may try again.

    All raise UpstreamRefused when AWS says no, with its code, and UpstreamUnavailable when there
    was no answer or none that settles it; the call may have been carried out then.
    """

    def describe(self, secret: str) -> SecretFacts:
        """DescribeSecret; tried again."""
        ...

    def value(self, secret: str, *, stage: str, version_id: str | None = None) -> StoredKey | None:
        """GetSecretValue, the stage always named; None when there is none; tried again."""
        ...

    def text(
        self, secret: str, *, stage: str | None = None, version_id: str | None = None
    ) -> tuple[str, str, datetime] | None:
        """GetSecretValue of what is no key: its version, its text and when it was made.

        The stage or the version is named; None when there is no such version; tried again.
        """
        ...

    def put(self, secret: str, token: str, content: Secret, stages: tuple[str, ...]) -> None:
        """PutSecretValue; tried again, since the token makes it safe."""
        ...

    def move_label(
        self, secret: str, label: str, *, to: str | None, taken_from: str | None
    ) -> None:
        """UpdateSecretVersionStage."""
        ...

    def tag(self, secret: str, key: str, value: str) -> None:
        """TagResource; tried again."""
        ...

    def keys(self, user_name: str) -> tuple[UserKey, ...]:
        """ListAccessKeys; tried again."""
        ...

    def last_use(self, access_key_id: str) -> LastUse:
        """GetAccessKeyLastUsed; tried again."""
        ...

    def create_key(self, user_name: str) -> NewKey:
        """CreateAccessKey, never tried again: it would make a second key."""
        ...

    def set_active(self, user_name: str, access_key_id: str, *, active: bool) -> None:
        """UpdateAccessKey; not tried again: time may have passed, and another decided since."""
        ...

    def delete_key(self, user_name: str, access_key_id: str) -> None:
        """DeleteAccessKey; a key that is gone counts as deleted; not tried again, likewise."""
        ...

    def user_of(self, access_key_id: str, secret_access_key: Secret) -> str:
        """GetCallerIdentity with a key: the ARN of its user; not tried again."""
        ...
