"""A first walk with `sidecar exec`, as a user takes it: programs that know nothing of it."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.exec.conftest import Machine

WHO_AM_I = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


def test_an_unmodified_boto3_program_has_its_role(machine: "Machine", aws: "Aws") -> None:
    ended = machine.run(python=WHO_AM_I)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.decode().split("/")[1:] == ["demo-web", f"{aws.stage.session_name}\n"]


def test_a_shell_has_a_secret_s_value_in_a_variable(machine: "Machine", aws: "Aws") -> None:
    name = aws.new_secret(json.dumps({"user": "web", "password": "a b'\"$x"}))
    ended = machine.run(
        *("--", "sh", "-c", 'printf %s "$DB_USER:$DB_PASSWORD"'),
        DB_USER=f"secret://{name}#user",
        DB_PASSWORD=f"secret://{name}#password?stage=AWSCURRENT",
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"web:a b'\"$x", b"")


def test_an_unmodified_boto3_program_reads_its_secrets_from_the_cache(
    machine: "Machine", aws: "Aws"
) -> None:
    name = aws.new_secret("cached")
    aws.emulator.clear_calls()
    program = (
        "import boto3\n"
        "for _ in range(3):\n"
        "    read = boto3.client('secretsmanager').get_secret_value\n"
        f"    print(read(SecretId='{name}')['SecretString'])\n"
    )
    ended = machine.run(python=program)
    assert (ended.stdout, ended.stderr) == (b"cached\n" * 3, b"")
    assert aws.emulator.calls()["secretsmanager.GetSecretValue"] == 1
