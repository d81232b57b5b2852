"""RotateSecret, what other requests do to a rotation, and the schedule that starts one.

Rules: Secrets Manager API reference, "RotateSecret", "CancelRotateSecret" and "PutSecretValue";
user guide, "Rotation by Lambda function".
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from moto.secretsmanager.models import ReplicaSecret, secretsmanager_backends

from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError, Response, json_response
from sidecar.emulator.resources import Touch
from sidecar.emulator.rotation.event_log import RotationEvent
from sidecar.emulator.rotation.functions import Functions
from sidecar.emulator.rotation.rules import check_rules
from sidecar.emulator.rotation.runs import Rotation, Runs
from sidecar.emulator.rotation.schedule import is_due, plan, postpone
from sidecar.emulator.rotation.versions import CURRENT, PENDING, drop_label, holder, unfinished
from sidecar.emulator.service_clock import ServiceClock

_NO_FUNCTION: Final = "No Lambda rotation function ARN is associated with this secret."
_INCOMPLETE: Final = "A previous rotation isn't complete. That rotation will be reattempted."
_REPLICA: Final = (
    "Operation not permitted on a replica secret. Call must be made in primary secret's region."
)
_PUTS: Final = frozenset({"PutSecretValue", "UpdateSecret"})


class RotationService:
    """What Secrets Manager does about rotation, for the secrets of one account."""

    def __init__(self, account: str, functions: Functions, clock: ServiceClock) -> None:
        self._account, self._clock = account, clock
        self.functions = functions
        self.runs = Runs(functions, clock)

    def rotate(self, caller: Caller) -> Response:
        """Answer RotateSecret: the rotation goes on after the answer.

        Raises:
            AwsError: no function, one that cannot be invoked, bad rules, a rotation not complete.
            NotLetIn: the caller may not invoke the function.
        """
        with self.runs.lock:
            touch = caller.touch
            secret = _secret(touch)
            function = touch.text("RotationLambdaARN") or secret.rotation_lambda_arn
            if not function:
                raise AwsError(400, "InvalidRequestException", _NO_FUNCTION)
            rules = touch.parameters.get("RotationRules")
            check_rules(rules or {})
            caller.demand("lambda:InvokeFunction", function)
            self.functions.check(function, secret.arn)
            version_id = touch.text("ClientRequestToken") or str(uuid.uuid4())
            if not self._is_repeated(secret, version_id):
                is_test = touch.parameters.get("RotateImmediately") is False
                rotation = self._new(secret, version_id, function, is_test=is_test)
                self._check_complete(secret, rotation)
                _configure(secret, function, rules)
                plan(secret, self._clock.now())
                self.runs.start(rotation)
                version_id = "" if is_test else version_id
        answer = {"ARN": secret.arn, "Name": secret.name, "VersionId": version_id}
        return json_response(200, {key: text for key, text in answer.items() if text})

    def _is_repeated(self, secret: Any, version_id: str) -> bool:
        """Whether this is the same request again, whose rotation runs or has ended well."""
        if version_id not in secret.versions:
            return False
        running = self.runs.under_way(secret.arn)
        if running is not None and running.version_id == version_id:
            return True
        if version_id == holder(secret, CURRENT):
            return True
        if version_id == unfinished(secret):
            return False
        message = f"The version {version_id} of this secret exists already."
        raise AwsError(400, "InvalidParameterException", message)

    def _new(
        self, secret: Any, version_id: str, function: str, *, is_test: bool = False
    ) -> Rotation:
        return Rotation(self._account, secret.region, secret.arn, version_id, function, is_test)

    def _check_complete(self, secret: Any, wanted: Rotation) -> None:
        pending, running = unfinished(secret), self.runs.under_way(secret.arn)
        if pending is None and running is None:
            return
        if pending is not None and running is None:
            self.runs.start(self._new(secret, pending, wanted.function_arn))
        raise AwsError(400, "InvalidRequestException", _INCOMPLETE)

    @contextmanager
    def watching(self, caller: Caller) -> Iterator[None]:
        """See what a request for a secret does to its rotation; requests go one after another."""
        touch = caller.touch
        if touch.address.service != "secretsmanager":
            yield
            return
        with self.runs.lock:
            secret = _find(touch)
            before = holder(secret, CURRENT) if secret else None
            yield
            if secret is None or isinstance(secret, ReplicaSecret):
                return
            if touch.address.operation in _PUTS and holder(secret, CURRENT) != before:
                self._put(secret)
            elif touch.address.operation == "CancelRotateSecret":
                self.runs.drop(secret.arn)
                plan(secret, self._clock.now())

    def _put(self, secret: Any) -> None:
        """A new value by hand abandons a rotation, and counts as one for the schedule."""
        pending = unfinished(secret) if secret.rotation_requested else None
        if pending:
            drop_label(secret, PENDING)
            self.runs.drop(secret.arn)
            now = self._clock.now()
            self.runs.log.add(RotationEvent("RotationAbandoned", secret.arn, pending, now))
        plan(secret, self._clock.now())

    def start_due(self) -> None:
        """Start every rotation whose time has come; one that was missed often, once."""
        with self.runs.lock:
            now = self._clock.now()
            for backend in list(secretsmanager_backends[self._account].values()):
                for secret in list(backend.secrets.values()):
                    if not isinstance(secret, ReplicaSecret) and is_due(secret, now):
                        postpone(secret, now)
                        self._start_scheduled(secret)

    def _start_scheduled(self, secret: Any) -> None:
        if self.runs.under_way(secret.arn) is None:
            version_id = unfinished(secret) or str(uuid.uuid4())
            self.runs.start(self._new(secret, version_id, secret.rotation_lambda_arn))


def _find(touch: Touch) -> Any:
    backend = secretsmanager_backends[touch.principal.account][touch.address.region]
    secret_id = touch.text("SecretId")
    return backend.secrets.get(secret_id) if secret_id else None


def _secret(touch: Touch) -> Any:
    secret = _find(touch)
    if secret is None:
        message = "Secrets Manager can't find the specified secret."
        raise AwsError(400, "ResourceNotFoundException", message)
    if isinstance(secret, ReplicaSecret):
        raise AwsError(400, "InvalidParameterException", _REPLICA)
    return secret


def _configure(secret: Any, function: str, rules: dict[str, Any] | None) -> None:
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = function
    if rules:
        secret.rotation_rules = dict(rules)
