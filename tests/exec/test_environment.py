"""What a program finds in its environment, and what it must not find there."""

import json
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.exec.conftest import Machine

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
CANARY = "canary-of-the-sidecar"

Shown = Callable[..., dict[str, str]]


@pytest.fixture
def shown(machine: "Machine") -> Shown:
    """Give a function that runs a program and returns its environment."""

    def run(*words: str, **variables: Any) -> dict[str, str]:
        ended = machine.run(*words, python=SHOW, **variables)
        assert ended.returncode == 0, ended.stderr
        found: dict[str, str] = json.loads(ended.stdout)
        return found

    return run


def test_nothing_of_the_sidecar_s_own_secrets_is_there(shown: Shown) -> None:
    found = shown(
        SIDECAR_TOKEN=CANARY,
        SIDECAR_IDENTITY_PASSWORD_ENV="KEY_PASSWORD",
        KEY_PASSWORD=CANARY,
        SIDECAR_UNHEARD_OF=CANARY,
        AWS_ACCESS_KEY_ID=CANARY,
        AWS_SECRET_ACCESS_KEY=CANARY,
        AWS_SESSION_TOKEN=CANARY,
        AWS_SECURITY_TOKEN=CANARY,
        AWS_PROFILE=CANARY,
        AWS_WEB_IDENTITY_TOKEN_FILE=CANARY,
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=CANARY,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=CANARY,
        AWS_TOKEN=CANARY,
    )
    assert [name for name, value in found.items() if CANARY in value] == []
    assert [name for name in found if name.startswith("SIDECAR_")] == []


def test_the_app_s_configured_token_is_not_there_and_its_own_opens_the_doors(
    machine: "Machine", aws: "Aws"
) -> None:
    program = (
        "import json, os, urllib.request as u\n"
        f"head = {{'Authorization': os.environ['{TOKEN}']}}\n"
        f"asked = u.Request(os.environ['{URI}'], headers=head)\n"
        "print(json.load(u.urlopen(asked))['RoleArn'], dict(os.environ))\n"
    )
    ended = machine.run(python=program)
    assert ended.stdout.decode().startswith(aws.stage.role_arn)
    assert aws.stage.token.reveal() not in ended.stdout.decode()


def test_an_app_needs_no_token_in_the_configuration(machine: "Machine", aws: "Aws") -> None:
    lines = aws.stage.config.read_text().splitlines()
    file = machine.directory / "no-token.toml"
    file.write_text("\n".join(line for line in lines if "token" not in line))
    ended = machine.run("--config", file, "--", "true")
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_each_run_has_a_token_and_ports_of_its_own(shown: Shown) -> None:
    first, second = shown(), shown()
    assert first[TOKEN] != second[TOKEN]
    assert {first[URI].split(":")[1], second[URI].split(":")[1]} == {"//127.0.0.1"}
    assert not first[URI].endswith(":9911/credentials")


def test_the_doors_are_closed_when_the_program_has_ended(shown: Shown) -> None:
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(shown()[URI], timeout=5)


def test_region_and_emulator_are_told_to_a_program_that_knows_of_neither(
    shown: Shown, aws: "Aws"
) -> None:
    found = shown()
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == aws.stage.region
    assert found["AWS_ENDPOINT_URL"] == aws.emulator.url


def test_a_door_that_is_off_is_not_told(shown: Shown) -> None:
    found = shown(SIDECAR_DOORS_SECRETS="off", SIDECAR_DOORS_AWS_API="off")
    told = {"AWS_TOKEN", "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "AWS_ENDPOINT_URL_SSM"}
    assert told & found.keys() == set()


def test_an_app_without_roles_is_told_of_the_secrets_door_alone(machine: "Machine") -> None:
    file = machine.directory / "no-roles.toml"
    file.write_text(machine.config.read_text().replace('roles = ["default"]\n', ""))
    ended = machine.run("--config", file, python=SHOW)
    found = json.loads(ended.stdout)
    doors = {URI, TOKEN, "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_SSM"}
    assert doors & found.keys() == set()
    assert {"AWS_TOKEN", "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"} <= found.keys()


def test_no_session_is_asked_for_that_only_another_app_needs(
    machine: "Machine", aws: "Aws"
) -> None:
    text = machine.config.read_text()
    role = text[text.index("[roles.default]") : text.index("[apps.")]
    others = role.replace("default", "foreign") + '[apps.other]\nroles = ["foreign"]\n'
    file = machine.directory / "two.toml"
    file.write_text(f"{text}\n{others}")
    ended = machine.run("--config", file, "--app", "web", "--", "true")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert aws.emulator.calls() == {"rolesanywhere.CreateSession": 1}


def test_a_client_of_aws_s_own_agent_finds_port_and_token(machine: "Machine", aws: "Aws") -> None:
    name = aws.new_secret("for the agent's clients")
    program = (
        "import json, os, urllib.request as u\n"
        "port = os.environ['PARAMETERS_SECRETS_EXTENSION_HTTP_PORT']\n"
        f"url = f'http://localhost:{{port}}/secretsmanager/get?secretId={name}'\n"
        "head = {'X-Aws-Parameters-Secrets-Token': os.environ['AWS_TOKEN']}\n"
        "print(json.load(u.urlopen(u.Request(url, headers=head)))['SecretString'])\n"
    )
    assert machine.run(python=program).stdout == b"for the agent's clients\n"


def test_a_pristine_program_has_ordinary_variables_and_references_only(
    shown: Shown, aws: "Aws"
) -> None:
    name = aws.new_secret("value")
    found = shown("--pristine", LC_ALL="C.UTF-8", EDITOR="vi", WANTED=f"secret://{name}")
    assert (found["LC_ALL"], found["WANTED"]) == ("C.UTF-8", "value")
    assert {"PATH", "HOME", URI, TOKEN} <= found.keys()
    assert "EDITOR" not in found


def test_a_file_of_variables_lies_over_the_environment(
    machine: "Machine", shown: Shown, aws: "Aws"
) -> None:
    name = aws.new_secret("value")
    (machine.directory / "web.env").write_text(f"# ours\nMODE=file\nWANTED=secret://{name}\n")
    found = shown("--env-file", "web.env", MODE="environment", OTHER="stays")
    assert (found["MODE"], found["WANTED"], found["OTHER"]) == ("file", "value", "stays")


def test_a_profile_that_sdks_would_prefer_is_hidden_and_told(machine: "Machine") -> None:
    folder = machine.directory / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[default]\naws_access_key_id = AKIAX\n")
    ended = machine.run(python="import os; print(os.environ['AWS_SHARED_CREDENTIALS_FILE'])")
    assert ended.stdout == b"/dev/null\n"
    assert f"{folder}/credentials is hidden from the program" in ended.stderr.decode()
