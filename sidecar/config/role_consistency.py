"""What must hold between the options of a role, and between roles."""

from collections.abc import Iterator
from typing import Final

from sidecar.config.chaining import Roles, arn_behind, cycles
from sidecar.config.role_sources import (
    NO_EXCHANGE,
    AccessKeySecretSection,
    AssumeRoleSection,
    RolesAnywhereSection,
    StsSection,
    ViaSection,
)
from sidecar.config.schema import IdentitySection
from sidecar.errors import Problem
from sidecar.session_name import CERTIFICATE_FIELDS

# Less than 1800 would leave SDKs no 20 minutes; more would keep them from a new key too long.
_KEY_SECONDS: Final = range(1800, 43200 + 1)


def role_inconsistencies(
    roles: Roles, sound: Roles, identity: IdentitySection | None
) -> Iterator[Problem]:
    """Find every contradiction in and between roles.

    Args:
        roles: every role.
        sound: those whose values could all be read; nothing is said of the others.
        identity: the certificate's section, if there is one.

    """
    for name, role in sound.items():
        where = f"roles.{name}"
        if isinstance(role, ViaSection):
            yield from _via(where, role, roles)
        if isinstance(role, AccessKeySecretSection):
            yield from _lifetime(where, role)
            continue
        yield from _session_name(where, role, identity)
        if isinstance(role, RolesAnywhereSection):
            yield from _arns(where, role)
        else:
            yield from _policy(where, role)
        if isinstance(role, AssumeRoleSection):
            yield from _partition(where, role, sound)
            yield from _tags(where, role)
    yield from _one_key_twice(sound)
    for cycle in cycles(roles):
        yield Problem(
            f"roles.{cycle[0]}.via",
            f"the role would be assumed through itself: {' → '.join(cycle)}",
            "let one of them come from roles-anywhere or web-identity",
        )


def _lifetime(where: str, role: AccessKeySecretSection) -> Iterator[Problem]:
    seconds = role.session_duration_seconds
    if role.exchange == NO_EXCHANGE and seconds not in _KEY_SECONDS:
        yield Problem(
            f"{where}.session_duration_seconds",
            f"must be {_KEY_SECONDS[0]} to {_KEY_SECONDS[-1]} without exchange (got {seconds})",
            "SDKs come back for the key some minutes before that; 3600 suits most",
        )


def _one_key_twice(sound: Roles) -> Iterator[Problem]:
    """Find two roles that hand out one key: who signs with it would be of neither."""
    first: dict[str, str] = {}
    for name, role in sound.items():
        if isinstance(role, AccessKeySecretSection) and role.exchange == NO_EXCHANGE:
            other = first.setdefault(role.secret_id, name)
            if other != name:
                yield Problem(
                    f"roles.{name}.secret_id",
                    f"is that of role {other} too, and both hand out its key as it is",
                    "give applications one of the two roles, or set exchange = session-token",
                )


def _session_name(
    where: str, role: RolesAnywhereSection | StsSection, identity: IdentitySection | None
) -> Iterator[Problem]:
    template = role.role_session_name
    used = template.fields & CERTIFICATE_FIELDS if template is not None else ()
    if used and identity is None:
        yield Problem(
            f"{where}.role_session_name",
            f"uses {{{min(used)}}}, and there is no certificate",
            "add [identity], or use {hostname} and {role}",
        )


def _policy(where: str, role: StsSection) -> Iterator[Problem]:
    if role.policy is not None and role.policy_file is not None:
        yield Problem(f"{where}.policy_file", f"cannot go with {where}.policy", "keep one")


def _via(where: str, role: ViaSection, roles: Roles) -> Iterator[Problem]:
    if role.via not in roles:
        yield Problem(
            f"{where}.via", f"there is no role {role.via!r}", f"configured are {', '.join(roles)}"
        )


def _partition(where: str, role: AssumeRoleSection, sound: Roles) -> Iterator[Problem]:
    parent = arn_behind(role.via, sound) if role.via in sound else None
    if parent is not None and parent.partition != role.role_arn.partition:
        yield Problem(
            f"{where}.role_arn",
            f"is of partition {role.role_arn.partition}, role {role.via} of {parent.partition}",
            "a role can only be assumed within its own partition",
        )


def _tags(where: str, role: AssumeRoleSection) -> Iterator[Problem]:
    tags = dict(role.session_tags)
    for key in role.transitive_tag_keys:
        if key not in tags:
            yield Problem(
                f"{where}.transitive_tag_keys",
                f"there is no session tag {key!r}",
                "only tags in session_tags can be inherited",
            )


def _arns(where: str, role: RolesAnywhereSection) -> Iterator[Problem]:
    anchor, profile, target = role.trust_anchor_arn, role.profile_arn, role.role_arn
    if anchor.region != profile.region:
        yield Problem(
            f"{where}.profile_arn",
            f"is in {profile.region}, the trust anchor in {anchor.region}",
            "CreateSession needs both in one region",
        )
    if anchor.account != profile.account:
        yield Problem(
            f"{where}.profile_arn",
            f"is in account {profile.account}, the trust anchor in {anchor.account}",
            "CreateSession needs both in one account",
        )
    if target.account != profile.account:
        yield Problem(
            f"{where}.role_arn",
            f"is in account {target.account}, the profile in {profile.account}",
            "a profile can only hold roles of its own account",
        )
    if len({anchor.partition, profile.partition, target.partition}) > 1:
        yield Problem(where, "its ARNs are of different partitions", "they must agree")
