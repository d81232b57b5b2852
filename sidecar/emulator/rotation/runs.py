"""Rotations under way: one thread each, the function's steps in order, and again when one fails."""

import logging
import uuid
from dataclasses import dataclass, field
from threading import Condition, RLock, Thread
from typing import Any, Final

from moto.secretsmanager.models import secretsmanager_backends

from sidecar.emulator.rotation.event_log import RotationEvent, RotationLog
from sidecar.emulator.rotation.functions import Functions
from sidecar.emulator.rotation.schedule import plan
from sidecar.emulator.rotation.versions import (
    CURRENT,
    PENDING,
    drop_label,
    holder,
    place_empty,
    unfinished,
)
from sidecar.emulator.service_clock import ServiceClock

_log = logging.getLogger(__name__)

_STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation of one secret; a test runs nothing but testSecret."""

    account: str
    region: str
    secret_arn: str
    version_id: str
    function_arn: str
    is_test: bool = False
    token: str = field(default_factory=lambda: str(uuid.uuid4()), repr=False)

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that are run."""
        return ("testSecret",) if self.is_test else _STEPS

    @property
    def prefix(self) -> str:
        """How the names of its events begin."""
        return "TestRotation" if self.is_test else "Rotation"

    def event(self, step: str) -> dict[str, str]:
        """What the function is handed (user guide, "Rotation by Lambda function")."""
        return {
            "Step": step,
            "SecretId": self.secret_arn,
            "ClientRequestToken": self.version_id,
            "RotationToken": self.token,
        }

    def secret(self) -> Any:
        """The secret, as moto keeps it; None once it is deleted."""
        secret = secretsmanager_backends[self.account][self.region].secrets.get(self.secret_arn)
        return None if secret is None or secret.is_deleted() else secret


class StepFailed(Exception):
    """A step of the function raised; the text is CloudTrail's sentence about it."""


class Abandoned(Exception):
    """Nobody wants the rotation any more."""


class Runs:
    """The rotations under way. `lock` is held while labels change, by requests too."""

    def __init__(self, functions: Functions, clock: ServiceClock) -> None:
        self._functions, self._clock = functions, clock
        self.log = RotationLog()
        self.attempts = _ATTEMPTS
        self.lock = RLock()
        self._ended = Condition(self.lock)
        self._threads = 0
        self._wanted: dict[str, Rotation] = {}

    def start(self, rotation: Rotation) -> None:
        """Place the empty version unless there is one, and begin; the caller holds the lock."""
        secret = rotation.secret()
        if rotation.version_id not in secret.versions:
            place_empty(secret, rotation.version_id, self._clock.now())
        self._wanted[rotation.secret_arn] = rotation
        self._threads += 1
        self._note(rotation, "Started")
        Thread(target=self._run, args=(rotation,), name="rotation", daemon=True).start()

    def under_way(self, secret_arn: str) -> Rotation | None:
        """The rotation that a secret is in."""
        with self.lock:
            return self._wanted.get(secret_arn)

    def drop(self, secret_arn: str) -> None:
        """Run no further step of the rotation that a secret is in."""
        with self.lock:
            self._wanted.pop(secret_arn, None)

    def wait(self, timeout_seconds: float) -> None:
        """Return once no rotation is under way.

        Raises:
            TimeoutError: one still is.
        """
        with self._ended:
            if not self._ended.wait_for(lambda: self._threads == 0, timeout_seconds):
                raise TimeoutError(f"still rotating after {timeout_seconds} seconds")

    def stop(self) -> None:
        """Run no further step of anything."""
        with self.lock:
            self._wanted.clear()

    def _run(self, rotation: Rotation) -> None:
        try:
            self._attempt_all(rotation)
            self._finish(rotation)
        except StepFailed as failed:
            self._note(rotation, "Failed", str(failed))
        except Abandoned:
            _log.info("the rotation of %s was abandoned", rotation.secret_arn)
        finally:
            with self._ended:
                self._clean(rotation)
                self._threads -= 1
                self._ended.notify_all()

    def _attempt_all(self, rotation: Rotation) -> None:
        attempts = 1 if rotation.is_test else self.attempts
        for left in range(attempts - 1, -1, -1):
            try:
                return self._attempt(rotation)
            except StepFailed:
                if not left:
                    raise
        return None

    def _attempt(self, rotation: Rotation) -> None:
        for step in rotation.steps:
            with self.lock:
                self._check_wanted(rotation)
            try:
                self._functions.invoke(
                    rotation.function_arn, rotation.event(step), str(uuid.uuid4())
                )
            except Exception:  # noqa: BLE001 - whatever a function raises is a failed step
                _log.warning("%s failed during %s", rotation.function_arn, step, exc_info=True)
                raise StepFailed(
                    f"Error when executing lambda {rotation.function_arn} during {step} step"
                ) from None

    def _check_wanted(self, rotation: Rotation) -> Any:
        secret = rotation.secret()
        if secret is None or self._wanted.get(rotation.secret_arn) is not rotation:
            raise Abandoned
        return secret

    def _finish(self, rotation: Rotation) -> None:
        """Clean the labels up, as Secrets Manager does itself after the last step."""
        with self.lock:
            secret = self._check_wanted(rotation)
            if not rotation.is_test:
                if unfinished(secret) or holder(secret, CURRENT) != rotation.version_id:
                    raise StepFailed("AWSCURRENT was not moved to the new version")
                drop_label(secret, PENDING)
                now = self._clock.now()
                secret.last_rotation_date = secret.last_changed_date = int(now.timestamp())
                plan(secret, now)
            self._note(rotation, "Succeeded")

    def _clean(self, rotation: Rotation) -> None:
        if self._wanted.get(rotation.secret_arn) is rotation:
            del self._wanted[rotation.secret_arn]
        secret = rotation.secret()
        if rotation.is_test and secret and holder(secret, PENDING) == rotation.version_id:
            del secret.versions[rotation.version_id]

    def _note(self, rotation: Rotation, what: str, error: str = "") -> None:
        name, now = f"{rotation.prefix}{what}", self._clock.now()
        event = RotationEvent(name, rotation.secret_arn, rotation.version_id, now, error)
        self.log.add(event)
