"""Rotations that are killed and tried again, as Secrets Manager does it and as a sidecar does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sidecar.errors import SidecarError
from sidecar.rotation.calls import Calls
from sidecar.rotation.event import Step
from sidecar.rotation.goal import Goal, Retirement, Target
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.runner import Runner
from sidecar.rotation.trial import Pace
from tests.rotation.model import ARN, USER, Aws, Died, Process, Version

TARGET: Final = Target(ARN, USER)
MOST_ATTEMPTS: Final = 8
# Runs one step of a rotation with the calls of a process.
RunStep = Callable[[Calls, str, Step, Aws], object]


def run_ours(calls: Calls, token: str, step: Step, aws: Aws) -> object:
    """Run a step of ours."""
    pace = Pace(lambda: aws.now, lambda s: aws.pass_(seconds=s), aws.now + timedelta(seconds=120))
    return Runner(calls, Goal(TARGET, token), pace).run(step)


@dataclass
class Scenario:
    """One rotation with deaths, and how it is tried again.

    Args:
        aws: the state.
        deaths: at which calls the process dies.
        new_token: whether an operator gives up a rotation after a death, so that the next attempt
            has a token of its own.
        run_step: the code under test.

    """

    aws: Aws
    deaths: Mapping[int, str] = field(default_factory=dict)
    new_token: bool = False
    run_step: RunStep = run_ours
    counter: list[int] = field(default_factory=lambda: [0])
    tokens: int = 0
    failures: list[str] = field(default_factory=list)

    def process(self, at: Callable[[int], None] = lambda _: None) -> Process:
        """Start a process."""
        return Process(self.aws, self.deaths, self.counter, at)

    def by_secrets_manager(self) -> bool:
        """Rotate as Secrets Manager does: the same token again; True when it succeeded.

        An operator who gives a rotation up and starts another does not do so once it is through.
        """
        before = self.aws.labels["AWSCURRENT"]
        token = self._begin()
        for _ in range(MOST_ATTEMPTS):
            if self._attempt(partial(self._four_steps, token)):
                self.aws.labels.pop("AWSPENDING", None)
                self.aws.last_rotated = self.aws.now
                return True
            given_up = self.new_token and self.aws.labels["AWSCURRENT"] == before
            if given_up or self.aws.labels.get("AWSPENDING") != token:
                self.aws.labels.pop("AWSPENDING", None)
                token = self._begin()
        return False

    def by_a_sidecar(self) -> bool:
        """Rotate without Secrets Manager: another process goes on once the lease is over."""
        self.aws.rotation_enabled = False
        before = self.aws.labels["AWSCURRENT"]
        return any(
            self._attempt(lambda: self.keeper(self.process()).rotate())
            or self.aws.labels["AWSCURRENT"] != before
            for _ in range(MOST_ATTEMPTS)
        )

    def keeper(self, process: Process, holder: str = "") -> Keeper:
        """Make a keeper whose time is the model's."""
        return Keeper(
            process,
            TARGET,
            Retirement(),
            holder or f"host {self.counter[0]}",
            lambda: self.aws.now,
            lambda seconds: self.aws.pass_(seconds=seconds),
        )

    def _attempt(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except Died as death:
            self.failures.append(str(death))
            self.aws.pass_(minutes=16)
            return False
        except SidecarError as error:
            self.failures.append(str(error))
            self.aws.pass_(minutes=16)
            return False
        return True

    def _begin(self) -> str:
        """Make the empty version that is there before the first step."""
        self.tokens += 1
        token = str(UUID(int=self.counter[0] * 1000 + self.tokens))
        self.aws.versions[token] = Version(self.aws.now)
        self.aws.labels["AWSPENDING"] = token
        return token

    def _four_steps(self, token: str) -> None:
        process = self.process()
        for step in Step:
            self.run_step(process, token, step, self.aws)


def delete_the_oldest(calls: Calls, token: str, step: Step, aws: Aws) -> object:
    """Rotate as many samples do: with two keys, the oldest one goes."""
    pending = calls.value(ARN, stage="AWSPENDING", version_id=token)
    if step is Step.CREATE and pending is None:
        keys = sorted(calls.keys(USER), key=lambda each: each.created_at)
        if len(keys) > 1:
            calls.delete_key(USER, keys[0].access_key_id)
        new = calls.create_key(USER)
        current = calls.value(ARN, stage="AWSCURRENT")
        assert current is not None
        content = current.content.with_key(new.access_key_id, new.secret_access_key)
        calls.put(ARN, token, content.to_json(), ("AWSPENDING",))
    if step is Step.FINISH:
        current = calls.value(ARN, stage="AWSCURRENT")
        if current is not None and current.version_id != token:
            calls.move_label(ARN, "AWSCURRENT", to=token, taken_from=current.version_id)
    return None
