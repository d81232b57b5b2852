"""What must hold of a wish before anything is made of it, every breach told at once."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sidecar.arn import Arn
from sidecar.errors import Problem
from sidecar.provision.sessions_part import session_policy_length
from sidecar.provision.wish import Chat, OwnAuthority, PrivateAuthority, Reach, Rotation, Wish
from sidecar.rotation.policy_document import read_statements
from sidecar.rotation.schedule import Schedule

_HOUR: Final = timedelta(hours=1)
_HOURS: Final = range(1, 8761)
_SECONDS: Final = range(900, 43201)
_YEARS: Final = range(1, 31)
_LONGEST_POLICY: Final = 2048
# What Roles Anywhere takes of each, as its service model has it.
_LONGEST_BUNDLE: Final = 204800
_LONGEST_LIST: Final = 300000
# The names of what is made begin with it, a bucket's among them, which has the least room.
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,22}[a-z0-9]")
_USER_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_SECRET_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_SECRET_PATTERN: Final = re.compile(r"[A-Za-z0-9/_+=.@*-]{1,512}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_FUNCTION: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# What AWS's own schema of the channel has.
_WORKSPACE: Final = re.compile(r"[0-9A-Z]{1,255}")
_CHANNEL: Final = re.compile(r"[A-Za-z0-9]+")
_IDENTITY: Final = re.compile(r"[A-Za-z0-9=,.@*_-]{2,64}")
_COMMON_NAME: Final = re.compile(r"[^\x00-\x1f*\"\\]{1,64}")


def breaches(wish: Wish) -> Iterator[Problem]:
    """Find all that AWS would refuse, or that would not work; fields are named by their path."""
    yield from _text("name", wish.name, _NAME, "2 to 24 small letters, digits and -")
    yield from _authority(wish.authority)
    if wish.revocation_list is not None:
        yield from _pem("revocation_list", wish.revocation_list, "X509 CRL", _LONGEST_LIST)
    yield from _number("sessions.duration_seconds", wish.sessions.duration_seconds, _SECONDS)
    yield from _session_policy(wish)
    for each in wish.sessions.common_names:
        yield from _text("sessions.common_names", each, _COMMON_NAME, "1 to 64 characters, no *")
    for each in wish.sessions.source_identities:
        yield from _text("sessions.source_identities", each, _IDENTITY, "such as CN=web-1")
    yield from _reach(wish.reach)
    if wish.rotation is not None:
        yield from _rotation(wish.rotation)
    if wish.events is not None and wish.events.chat is not None:
        yield from _chat(wish.events.chat)


def _authority(authority: OwnAuthority | PrivateAuthority) -> Iterator[Problem]:
    if isinstance(authority, OwnAuthority):
        yield from _pem("authority.bundle", authority.bundle, "CERTIFICATE", _LONGEST_BUNDLE)
        return
    yield from _text(
        "authority.common_name", authority.common_name, _COMMON_NAME, "1 to 64 characters"
    )
    yield from _text(
        "authority.organization", authority.organization, _COMMON_NAME, "1 to 64 characters"
    )
    yield from _number("authority.years", authority.years, _YEARS)


def _session_policy(wish: Wish) -> Iterator[Problem]:
    """STS counts a session policy's characters.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (Policy)
    """
    length = session_policy_length(wish)
    if length > _LONGEST_POLICY:
        yield Problem(
            "sessions.policy",
            f"has some {length} characters; sessions may have one of {_LONGEST_POLICY}",
            "name fewer secrets by patterns, or give a shorter session policy",
        )
    if wish.sessions.policy is not None:
        yield from _policy("sessions.policy", wish.sessions.policy)


def _reach(reach: Reach) -> Iterator[Problem]:
    hint = "letters, digits, /_+=.@- and *"
    for each in reach.secrets:
        yield from _text("reach.secrets", each, _SECRET_PATTERN, hint)
    for each in reach.buckets:
        yield from _text("reach.buckets", each, _BUCKET, "a bucket's name")
    for each in reach.functions:
        yield from _text("reach.functions", each, _FUNCTION, "a function's name, not its ARN")
    for each in reach.kms_keys:
        try:
            arn = Arn.parse(each)
            # Policies know keys only: where one names an alias it lets nobody use the key.
            usable = arn.service == "kms" and arn.resource.startswith("key/")
        except ValueError:
            usable = False
        if not usable or '"' in each or "*" in each:
            yield Problem("reach.kms_keys", f"is no key's ARN (got {each!r})", "aws kms list-keys")


def _rotation(rotation: Rotation) -> Iterator[Problem]:
    yield from _text(
        "rotation.user_name", rotation.user_name, _USER_NAME, "1 to 64 letters, digits, _+=,.@-"
    )
    yield from _text(
        "rotation.secret_name", rotation.secret_name, _SECRET_NAME, "letters, digits and /_+=.@-"
    )
    hours = {"grace_hours": rotation.grace_hours, "recovery_hours": rotation.recovery_hours}
    for name, value in hours.items():
        yield from _number(f"rotation.{name}", value, _HOURS)
    if rotation.user_policy is not None:
        yield from _policy("rotation.user_policy", json.dumps(rotation.user_policy))
    yield from _schedule(rotation)


def _schedule(rotation: Rotation) -> Iterator[Problem]:
    try:
        schedule = Schedule.parse(rotation.schedule)
    except ValueError as exc:
        hint = "such as rate(30 days) or cron(0 2 ? * SUN#1 *)"
        yield Problem("rotation.schedule", f"{exc} (got {rotation.schedule!r})", hint)
        return
    try:
        Schedule.parse(rotation.schedule, rotation.duration)
    except ValueError as exc:
        yield Problem("rotation.duration", f"{exc} (got {rotation.duration!r})", "such as 3h")
    kept = (rotation.grace_hours + rotation.recovery_hours) * _HOUR
    if schedule.shortest_interval() <= kept:
        apart = schedule.shortest_interval() // _HOUR
        yield Problem(
            "rotation.schedule",
            f"opens windows {apart} hours apart, and a previous key is kept for {kept // _HOUR}: "
            f"a user has no third key (got {rotation.schedule!r})",
            "rotate less often, or keep previous keys for a shorter time",
        )


def _chat(chat: Chat) -> Iterator[Problem]:
    yield from _text(
        "events.chat.workspace_id", chat.workspace_id, _WORKSPACE, "such as T0123456789"
    )
    yield from _text("events.chat.channel_id", chat.channel_id, _CHANNEL, "such as C0123456789")


def _policy(where: str, text: str) -> Iterator[Problem]:
    try:
        read_statements(text)
        plain = _is_plain(json.loads(text))
    except ValueError as exc:
        yield Problem(where, str(exc), "a JSON object with Version and Statement")
        return
    if not plain:
        what = "holds null or a number with a fraction, which IAM has not"
        yield Problem(where, what, 'write numbers as text, such as "1.5"')


def _is_plain(value: object) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return all(map(_is_plain, inner))
    return isinstance(value, str | int)


def _text(where: str, value: str, shape: re.Pattern[str], hint: str) -> Iterator[Problem]:
    if not shape.fullmatch(value):
        yield Problem(where, f"cannot be used (got {value!r})", hint)


def _number(where: str, value: int, allowed: range) -> Iterator[Problem]:
    if value not in allowed:
        limits = f"{allowed.start} to {allowed.stop - 1}"
        yield Problem(where, f"is out of range (got {value})", limits)


def _pem(where: str, text: str, label: str, longest: int) -> Iterator[Problem]:
    if "PRIVATE KEY" in text:
        yield Problem(where, "holds a private key, which nobody else may have", "leave it out")
    elif f"-----BEGIN {label}-----" not in text:
        yield Problem(where, f"holds no {label} in PEM", f"-----BEGIN {label}-----")
    elif len(text) > longest:
        what = f"has {len(text)} characters; Roles Anywhere takes {longest}"
        yield Problem(where, what, "leave out what stands beside the PEM, and what has ended")
