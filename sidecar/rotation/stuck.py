"""The states that a rotation does not leave by itself, each with what to do about it."""

from typing import Final

from sidecar.errors import OperatorError, SidecarError
from sidecar.redaction import masked_tail
from sidecar.rotation.seen import UserKey

_UNSTICK: Final = (
    "if it will not be finished: aws secretsmanager update-secret-version-stage --secret-id SECRET"
    " --version-stage AWSPENDING --remove-from-version-id VERSION"
)


class RotationStuck(OperatorError):
    """A rotation cannot go on until somebody has decided something."""


class RotationNotYet(SidecarError):
    """A rotation cannot go on at this moment; a later attempt can."""

    retryable = True


def shown(*keys: UserKey) -> str:
    """Name keys by the last four characters of their ids."""
    return " and ".join(masked_tail(each.access_key_id) for each in keys)


def no_value(secret: str) -> RotationStuck:
    """Say that the secret is empty."""
    return RotationStuck(
        f"secret {secret} has no value", hint='store {"user_name": "…"} in it first'
    )


def wrong_user(where: str, named: str, user_name: str) -> RotationStuck:
    """Say that a version names another user than the configured one."""
    return RotationStuck(
        f"the {where} version of the secret names user {named!r}, not {user_name!r}",
        hint="the user is pinned by configuration: correct the configuration or the secret",
    )


def unknown_keys(keys: tuple[UserKey, ...], user_name: str) -> RotationStuck:
    """Say that there are keys which may be somebody's."""
    return RotationStuck(
        f"user {user_name} has key {shown(*keys)} that no version of the secret names",
        hint="the user must be there for this secret only: delete the key if nobody uses it, or "
        "take it into a secret that names no live key with `sidecar rotate SECRET --adopt`; if an "
        "older version names it, move AWSPREVIOUS there and it is retired",
    )


def previous_in_use(key: UserKey, why: str, *, passes: bool) -> SidecarError:
    """Say that there is no place for a new key, since the previous one may not go.

    Args:
        key: the previous key.
        why: why it may not.
        passes: whether it may go after a known moment, so that waiting is enough.

    """
    kind = RotationNotYet if passes else RotationStuck
    return kind(
        f"there is no place for a new key: the previous one {shown(key)} {why}",
        hint="wait, or give it up with `sidecar rotate SECRET --force` (a Lambda function: with "
        "its variable FORCE)",
    )


def shut_out(key: UserKey) -> RotationStuck:
    """Say that the pending version names a key that was made inactive on purpose."""
    return RotationStuck(
        f"the pending version names key {shown(key)}, which somebody made inactive",
        hint="take AWSPENDING from that version, and rotate again",
    )


def elsewhere(version_id: str) -> RotationStuck:
    """Say that another rotation has not been completed."""
    return RotationStuck(
        f"another rotation is not complete: AWSPENDING is on version {version_id}", hint=_UNSTICK
    )


def pending_gone(version_id: str) -> RotationStuck:
    """Say that a pending version is useless."""
    return RotationStuck(
        f"the key that pending version {version_id} names was deleted, so AWSPENDING was taken "
        "from it",
        hint="rotate again: the next rotation makes a new key",
    )


def not_announced(what: str) -> RotationStuck:
    """Say that Secrets Manager did not begin this rotation."""
    return RotationStuck(
        what, hint="only Secrets Manager starts this function: aws secretsmanager rotate-secret"
    )
