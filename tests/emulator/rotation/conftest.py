"""Builders of secrets and of rotation functions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from sidecar.emulator.rotation.functions import Handler
from sidecar.emulator.server import Emulator

_numbers = count(1)


@dataclass
class Rotating:
    """A secret and the function that rotates it."""

    client: Any
    name: str
    arn: str
    function: str
    emulator: Emulator
    seen: list[dict[str, Any]] = field(default_factory=list)

    def rotate(self, **members: Any) -> dict[str, Any]:
        """Ask for a rotation, and return its answer once the rotation is over."""
        wishes = {"RotationLambdaARN": self.function, **members}
        answer: dict[str, Any] = self.client.rotate_secret(SecretId=self.name, **wishes)
        self.emulator.wait_for_rotations()
        return answer

    @property
    def steps(self) -> list[str]:
        return [event["Step"] for event in self.seen]

    @property
    def stages(self) -> dict[str, list[str]]:
        described = self.client.describe_secret(SecretId=self.name)
        return {key: sorted(value) for key, value in described["VersionIdsToStages"].items()}

    @property
    def value(self) -> str:
        return str(self.client.get_secret_value(SecretId=self.name)["SecretString"])

    @property
    def events(self) -> list[str]:
        """The names of this secret's events."""
        return [event["eventName"] for event in self.details]

    @property
    def details(self) -> list[dict[str, Any]]:
        found = self.emulator.rotation_events()
        return [each for each in found if each["additionalEventData"]["SecretId"] == self.arn]

    def put(self, token: str, value: str) -> None:
        stages = {"ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
        self.client.put_secret_value(SecretId=self.name, SecretString=value, **stages)

    def make_current(self, token: str) -> None:
        stages = self.client.describe_secret(SecretId=self.name)["VersionIdsToStages"]
        old = next(key for key, labels in stages.items() if "AWSCURRENT" in labels)
        move = {"MoveToVersionId": token, "RemoveFromVersionId": old}
        self.client.update_secret_version_stage(
            SecretId=self.name, VersionStage="AWSCURRENT", **move
        )


NewRotating = Callable[..., Rotating]


@pytest.fixture
def new_rotating(
    emulator: Emulator, connect: Callable[..., Any], fresh_name: Callable[[str], str]
) -> NewRotating:
    """Give a function that makes a secret ``first`` and a function; the handler gets both.

    Without a handler the function does what it must and no more.
    """

    def make(act: Callable[[Rotating, dict[str, Any]], object] | None = None) -> Rotating:
        client, name = connect("secretsmanager"), fresh_name("secret")
        arn = client.create_secret(Name=name, SecretString="first")["ARN"]
        account = emulator.administrator.account
        function = f"arn:aws:lambda:ap-northeast-2:{account}:function:{fresh_name('rotate')}"
        made = Rotating(client, name, arn, function, emulator)

        def handler(event: dict[str, Any], _context: object) -> None:
            made.seen.append(event)
            (act or rotates)(made, event)

        registered: Handler = handler
        emulator.register_function(function, registered)
        return made

    return make


def rotates(secret: Rotating, event: dict[str, Any]) -> None:
    """Do the least that a rotation function must."""
    token = event["ClientRequestToken"]
    if event["Step"] == "createSecret" and "AWSCURRENT" not in secret.stages[token]:
        secret.put(token, f"value for {token}")
    if event["Step"] == "finishSecret":
        secret.make_current(token)


@pytest.fixture
def least() -> Callable[[Rotating, dict[str, Any]], object]:
    """Give what a function does that only does what it must."""
    return rotates
