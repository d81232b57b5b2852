"""A function of the shape that AWS's templates have rotates again and again."""

import json
from typing import Any

import pytest

from sidecar.emulator.server import Emulator


class Template:
    """Check first, as every template does; then one of the four steps."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.accepted: list[str] = []

    def __call__(self, event: dict[str, Any], _context: object) -> None:
        arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
        described = self.client.describe_secret(SecretId=arn)
        if not described["RotationEnabled"]:
            raise ValueError("rotation is not enabled")
        labels = described["VersionIdsToStages"][token]
        if "AWSCURRENT" in labels:
            return
        if "AWSPENDING" not in labels:
            raise ValueError("the version is not pending")
        getattr(self, step)(arn, token)

    def read(self, arn: str, stage: str, **version: str) -> dict[str, Any]:
        found = self.client.get_secret_value(SecretId=arn, VersionStage=stage, **version)
        value: dict[str, Any] = json.loads(found["SecretString"])
        return value

    def createSecret(self, arn: str, token: str) -> None:  # noqa: N802 - the step's own name
        current = self.read(arn, "AWSCURRENT")
        try:
            self.read(arn, "AWSPENDING", VersionId=token)
        except self.client.exceptions.ResourceNotFoundException:
            new = json.dumps({**current, "password": f"made for {token}"})
            stages = {"ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
            self.client.put_secret_value(SecretId=arn, SecretString=new, **stages)

    def setSecret(self, arn: str, token: str) -> None:  # noqa: N802 - the step's own name
        self.accepted.append(self.read(arn, "AWSPENDING", VersionId=token)["password"])

    def testSecret(self, arn: str, token: str) -> None:  # noqa: N802 - the step's own name
        if self.read(arn, "AWSPENDING", VersionId=token)["password"] not in self.accepted:
            raise ValueError("the password is not accepted")

    def finishSecret(self, arn: str, token: str) -> None:  # noqa: N802 - the step's own name
        labels = self.client.describe_secret(SecretId=arn)["VersionIdsToStages"]
        current = next(key for key, each in labels.items() if "AWSCURRENT" in each)
        move = {"MoveToVersionId": token, "RemoveFromVersionId": current}
        self.client.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", **move)


@pytest.fixture
def template(emulator: Emulator, connect: Any, fresh_name: Any) -> tuple[Any, str, Template]:
    """Give a client, a secret's name, and the function that rotates it."""
    client, name = connect("secretsmanager"), fresh_name("secret")
    client.create_secret(Name=name, SecretString=json.dumps({"password": "first"}))
    return client, name, Template(client)


def test_the_template_rotates_three_times(
    template: tuple[Any, str, Template], emulator: Emulator, fresh_name: Any
) -> None:
    client, name, handler = template
    account = emulator.administrator.account
    function = f"arn:aws:lambda:ap-northeast-2:{account}:function:{fresh_name('template')}"
    emulator.register_function(function, handler)
    passwords = ["first"]
    for _ in range(3):
        client.rotate_secret(SecretId=name, RotationLambdaARN=function)
        emulator.wait_for_rotations()
        assert handler.read(name, "AWSPREVIOUS")["password"] == passwords[-1]
        passwords.append(handler.read(name, "AWSCURRENT")["password"])
    assert len(set(passwords)) == 4
    assert handler.accepted == passwords[1:]
