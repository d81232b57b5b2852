"""What is wrong with a wish, told in terms of the flags that it was made of."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from sidecar.errors import ConfigError

FLAG_OF: Final = {
    "name": "--name",
    "authority.bundle": "--ca-bundle",
    "revocation_list": "--crl",
    "sessions.duration_seconds": "--duration-seconds",
    "sessions.policy": "--session-policy",
    "sessions.common_names": "--allow-common-name",
    "sessions.source_identities": "--allow-source-identity",
    "reach.secrets": "--secret",
    "reach.buckets": "--bucket",
    "reach.functions": "--function",
    "reach.kms_keys": "--kms-key",
    "rotation.user_name": "--rotate-user",
    "rotation.secret_name": "--rotate-secret",
    "rotation.schedule": "--schedule",
    "rotation.duration": "--window",
    "rotation.grace_hours": "--grace-hours",
    "rotation.recovery_hours": "--recovery-hours",
    "rotation.user_policy": "--user-policy",
    "events.chat.workspace_id": "--slack-workspace",
    "events.chat.channel_id": "--slack-channel",
}


@contextmanager
def told_by_flag() -> Iterator[None]:
    """Name flags in place of the fields of a wish.

    Raises:
        ConfigError: the wish cannot be had.

    """
    try:
        yield
    except ConfigError as exc:
        problems = [
            replace(each, where=FLAG_OF.get(each.where, each.where)) for each in exc.problems
        ]
        raise ConfigError(problems, subject="command line") from None
