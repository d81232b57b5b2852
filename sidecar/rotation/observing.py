"""Looking: the calls that only read, which are made before each decision."""

from sidecar.errors import UpstreamRefused
from sidecar.rotation.calls import Calls
from sidecar.rotation.goal import Target
from sidecar.rotation.seen import (
    CURRENT,
    PENDING,
    PREVIOUS,
    SecretFacts,
    Seen,
    StoredKey,
    UserKey,
    unknown_among,
)
from sidecar.rotation.stuck import RotationNotYet, RotationStuck, no_value


def observe(calls: Calls, target: Target, token: str | None = None) -> Seen:
    """Look at the secret, its user and the user's keys.

    Args:
        calls: AWS.
        target: which secret and whose keys.
        token: the version of the rotation under way, if there is one.

    Raises:
        RotationStuck: the secret or the user is gone, or the secret holds no key's members.
        UpstreamError: AWS did not answer, or said no.

    """
    facts = described(calls, target)
    current = _current(calls, target)
    if current.version_id != facts.version_with(CURRENT):
        raise RotationNotYet("AWSCURRENT is being moved: what AWS says of it differs")
    previous = _previous(calls, target, facts)
    pending = None
    if token is not None and PENDING in facts.labels.get(token, ()):
        pending = _value(calls, target, PENDING, token)
    keys = user_keys(calls, target)
    unknown = unknown_among(keys, (current, previous, pending))
    replaced = previous.content.access_key_id if previous else None
    is_there = replaced != current.content.access_key_id and any(
        each.access_key_id == replaced for each in keys
    )
    return Seen(
        facts,
        current,
        previous,
        pending,
        keys,
        unknown_use={each.access_key_id: calls.last_use(each.access_key_id) for each in unknown},
        previous_use=calls.last_use(replaced) if replaced and is_there else None,
    )


def described(calls: Calls, target: Target) -> SecretFacts:
    """Describe the secret.

    Raises:
        RotationStuck: there is no such secret any more.
        UpstreamError: see `observe`.

    """
    try:
        facts = calls.describe(target.secret)
    except UpstreamRefused as exc:
        if exc.code == "ResourceNotFoundException":
            raise RotationStuck(
                f"there is no secret {target.secret} in this account and region",
                hint="create it with the member user_name, or correct the configuration",
            ) from exc
        raise
    if facts.deleted:
        raise RotationStuck(
            f"secret {target.secret} is being deleted",
            hint="aws secretsmanager restore-secret brings it back; else remove its rotation",
        )
    return facts


def user_keys(calls: Calls, target: Target) -> tuple[UserKey, ...]:
    """List the user's keys.

    Raises:
        RotationStuck: there is no such user any more.
        UpstreamError: see `observe`.

    """
    try:
        return calls.keys(target.user_name)
    except UpstreamRefused as exc:
        if exc.code == "NoSuchEntity":
            raise RotationStuck(
                f"there is no IAM user {target.user_name}",
                hint="create the user again, or remove the rotation and the secret",
            ) from exc
        raise


def _current(calls: Calls, target: Target) -> StoredKey:
    found = _value(calls, target, CURRENT)
    if found is None:
        raise no_value(target.secret)
    return found


def _previous(calls: Calls, target: Target, facts: SecretFacts) -> StoredKey | None:
    """Read the previous version; one that is no key's is of no use to anybody here."""
    version = facts.version_with(PREVIOUS)
    if version is None or version == facts.version_with(CURRENT):
        return None
    try:
        return calls.value(target.secret, stage=PREVIOUS, version_id=version)
    except ValueError:
        return None


def _value(
    calls: Calls, target: Target, stage: str, version_id: str | None = None
) -> StoredKey | None:
    try:
        return calls.value(target.secret, stage=stage, version_id=version_id)
    except ValueError as exc:
        raise RotationStuck(
            f"the {stage} version of secret {target.secret} {exc}",
            hint="its value must be JSON with user_name, aws_access_key_id and "
            "aws_secret_access_key",
        ) from None
