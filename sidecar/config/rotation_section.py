"""The options of `[rotation."<name>"]`: IAM access keys that are replaced, and when."""

import re
from dataclasses import dataclass
from typing import Final

from sidecar.arn import Arn
from sidecar.config.option import flag, option, text, whole_number
from sidecar.rotation.schedule import Schedule
from sidecar.rotation.window import parse_duration

# CreateSecret's Name, and CreateAccessKey's UserName.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
_SECRET_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_USER_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")


def is_secret_id(value: str) -> bool:
    """Whether it is a secret's name or ARN."""
    try:
        arn = Arn.parse(value)
    except ValueError:
        return _SECRET_NAME.fullmatch(value) is not None
    prefix, _, name = arn.resource.partition(":")
    named = prefix == "secret" and _SECRET_NAME.fullmatch(name) is not None
    return named and arn.service == "secretsmanager" and bool(arn.region)


def _user_name(value: object) -> str:
    name = text(value)
    if not _USER_NAME.fullmatch(name):
        raise ValueError("must be a user's name without its path: 1 to 64 letters, digits, _+=,.@-")
    return name


def _schedule(value: object) -> str:
    return Schedule.parse(text(value)).expression


def _duration(value: object) -> str:
    said = text(value)
    parse_duration(said)
    return said


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationSection:
    """An IAM user's access keys, kept in the secret that the section is named by: name or ARN."""

    user_name: str = option(
        _user_name,
        "The IAM user; all of its keys belong to this secret.",
        example="backup",
        hint="aws iam list-users shows it",
    )
    via: str | None = option(
        text,
        "Role whose credentials rotate. Default: that of `[secrets]`.",
        default=None,
        example="default",
    )
    schedule: str | None = option(
        _schedule,
        "When, in the grammar of Secrets Manager: `rate(…)` or `cron(…)`, in UTC. Default: only "
        "by hand.",
        default=None,
        example="cron(0 2 ? * SUN#1 *)",
        hint="such as rate(30 days) or cron(0 2 ? * SUN#1 *)",
    )
    duration: str | None = option(
        _duration,
        "How long after that a rotation may still begin. Default: an hour for schedules in hours, "
        "else until the UTC day ends.",
        default=None,
        example="3h",
        hint="such as 3h",
    )
    grace_hours: int = option(
        whole_number(1, 8760),
        "How long the previous key stays active after a rotation.",
        default=24,
        example="24",
    )
    recovery_hours: int = option(
        whole_number(1, 8760),
        "How long it is then kept, deactivated, before it is deleted.",
        default=168,
        example="168",
    )
    delete: bool = option(
        flag,
        "Whether it is deleted at last; a user has no more than two keys.",
        default=True,
        example="true",
    )
    force: bool = option(
        flag,
        "Whether a previous key is deactivated and deleted even if it was used meanwhile.",
        default=False,
        example="false",
    )

    def parsed_schedule(self) -> Schedule | None:
        """Give the schedule with its windows; None when there is none.

        Raises:
            ValueError: the windows of this duration would meet another window or the next day.

        """
        return Schedule.parse(self.schedule, self.duration) if self.schedule is not None else None
