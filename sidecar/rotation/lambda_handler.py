"""The same rotation as an AWS Lambda function, which Secrets Manager calls for each step.

The function's environment says which secret and which user: ``SECRET_ARN``, ``USER_NAME``, and
``GRACE_HOURS``, ``RECOVERY_HOURS`` and ``FORCE`` where the defaults do not do. An event never has a
say in that: whoever may invoke the function must not be able to turn it on another user.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import uuid4

from sidecar.arn import Arn
from sidecar.aws.endpoints import service_endpoint
from sidecar.aws.key_clients import KeyClients, Place
from sidecar.clock import SystemClock
from sidecar.credentials import Credentials
from sidecar.errors import BadRequest, ConfigError, Forbidden, Problem, SidecarError
from sidecar.redaction import Secret
from sidecar.rotation.aws_calls import AwsCalls
from sidecar.rotation.calls import Calls
from sidecar.rotation.event import RotationEvent
from sidecar.rotation.goal import Goal, Retirement, Target
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.observing import described
from sidecar.rotation.reaper import Reaped, reap
from sidecar.rotation.runner import Runner
from sidecar.rotation.trial import Pace

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)

# Kept of the function's own time, so that a step ends with a sentence and not with its timeout.
_MARGIN: Final = timedelta(seconds=5)
# Where the context says nothing, as when a test calls.
_TIME: Final = timedelta(seconds=60)
# The runtime gives new credentials long before these are over.
_SESSION: Final = timedelta(hours=1)
_HOURS: Final = range(1, 24 * 366)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the function's environment says."""

    target: Target
    retirement: Retirement
    region: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises:
            ConfigError: a variable is missing or cannot be used; every one is named.

        """
        problems: list[Problem] = []
        target = Target(environment.get("SECRET_ARN", ""), environment.get("USER_NAME", ""))
        try:
            region = Arn.parse(target.secret).region
        except ValueError:
            problems.append(Problem("SECRET_ARN", f"not an ARN (got {target.secret!r})"))
            region = ""
        if not target.user_name:
            problems.append(Problem("USER_NAME", "is missing", "name the IAM user"))
        hours = {
            name: _hours(environment, name, default, problems)
            for name, default in (("GRACE_HOURS", 24), ("RECOVERY_HOURS", 168))
        }
        if problems:
            raise ConfigError(problems, hint="set the function's environment variables")
        retirement = Retirement(
            grace=timedelta(hours=hours["GRACE_HOURS"]),
            recovery=timedelta(hours=hours["RECOVERY_HOURS"]),
            force=environment.get("FORCE", "").lower() == "true",
        )
        return cls(target, retirement, region)


def handler(event: Mapping[str, Any], context: object) -> None:
    """Perform the step that Secrets Manager asks for; its return value is ignored by AWS.

    Raises:
        SidecarError: the step did not succeed, which Secrets Manager is to see.

    """
    settings = Settings.read(os.environ)
    asked = RotationEvent.parse(event)
    if asked.secret_id != settings.target.secret:
        raise Forbidden(
            "this function does not rotate the secret of the event",
            hint="it rotates the one in SECRET_ARN, given as a whole ARN",
        )
    calls = _calls(settings, asked.rotation_token)
    goal = Goal(settings.target, asked.token, settings.retirement)
    _told(lambda: Runner(calls, goal, _pace(context)).run(asked.step), asked.step.value)


def reap_handler(event: object, context: object) -> None:
    """Retire the replaced key as far as its time has come; to be called by a schedule.

    Raises:
        SidecarError: it did not succeed.

    """
    del event, context
    settings = Settings.read(os.environ)
    calls = _calls(settings, None)
    _told(lambda: reap_as_function(calls, settings, SystemClock().now), "reap")


def reap_as_function(calls: Calls, settings: Settings, now: Callable[[], datetime]) -> Reaped:
    """Retire the replaced key; under the lease once Secrets Manager no longer rotates the secret.

    Somebody may restore a key by hand then, and only then.

    Args:
        calls: AWS.
        settings: of the function.
        now: tells the moment.

    Raises:
        SidecarError: it did not succeed.

    """
    if described(calls, settings.target).rotation_enabled:
        return reap(calls, settings.target, settings.retirement, now, may_act=lambda: None)
    holder = f"reaping function {uuid4().hex[:8]}"
    target, rules = settings.target, settings.retirement
    return Keeper(calls, target, rules, holder, now, time.sleep).reap()


def _told(work: Callable[[], object], what: str) -> None:
    """Log how it ended; the event itself is not logged, since it holds a token."""
    try:
        log.info("%s: %s", what, work())
    except SidecarError as exc:
        log.error("%s failed: %s; hint: %s", what, exc.message, exc.hint)  # noqa: TRY400 - told
        raise


def _calls(settings: Settings, rotation_token: Secret | None) -> Calls:
    clock = SystemClock()
    environment = dict(os.environ)

    def credentials() -> Credentials:
        try:
            access_key_id = environment["AWS_ACCESS_KEY_ID"]
            secret = Secret(environment["AWS_SECRET_ACCESS_KEY"])
        except KeyError as exc:
            raise BadRequest(f"{exc.args[0]} is missing; this runs as a Lambda function") from None
        token = Secret(environment.get("AWS_SESSION_TOKEN", ""))
        now = clock.now()
        return Credentials(access_key_id, secret, token, now, now + _SESSION, "", "")

    kept = credentials()

    def endpoint_of(service: str, region: str) -> str:
        named = {"secretsmanager": "SECRETS_MANAGER"}.get(service, service.upper())
        own = environment.get(f"AWS_ENDPOINT_URL_{named}")
        common = environment.get("AWS_ENDPOINT_URL")
        return own or common or service_endpoint(service, region)

    place = Place(settings.region, endpoint_of)
    return AwsCalls(KeyClients(place, lambda: kept), clock.now, rotation_token)


def _pace(context: object) -> Pace:
    clock = SystemClock()
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    left = _TIME if remaining is None else timedelta(milliseconds=remaining())
    return Pace(clock.now, time.sleep, clock.now() + left - _MARGIN)


def _hours(environment: Mapping[str, str], name: str, default: int, problems: list[Problem]) -> int:
    text = environment.get(name, "") or str(default)
    if not text.isdecimal() or int(text) not in _HOURS:
        problems.append(
            Problem(name, f"not a number of hours (got {text!r})", f"1 to {_HOURS.stop - 1}")
        )
        return default
    return int(text)
