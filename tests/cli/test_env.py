"""The exports that point an application at the sidecar: every form, and every complaint."""

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.cli import main

TOKEN = "a-token-'of \"$(the) web`app"
URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
TOKEN_VARIABLE = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"

ROLE = f"""
    trust_anchor_arn = "{SCOPE}:trust-anchor/a"
    profile_arn = "{SCOPE}:profile/p"
    role_arn = "arn:aws:iam::123456789012:role/web"
"""
CONFIG = f"""
    [identity]
    certificate = "workload.pem"
    private_key = "workload.key"
    [roles.default]
    {ROLE}
    [roles.batch]
    {ROLE}
    [apps.web]
    roles = ["default", "batch"]
    token_env = "WEB_TOKEN"
"""
SECOND_APP = """
    [apps.files]
    roles = ["default"]
    static_token_file = "files.token"
"""

OUTSIDE_APP = """
    [apps.outside]
    issuer = "corp"
    subject = "web"
    [issuers.corp]
    issuer = "https://corp.example"
    audience = "sidecar"
    jwks_file = "corp.jwks"
"""

Env = Callable[..., tuple[int, str, str]]
Variables = Callable[..., dict[str, str]]


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Env:
    """Give a function that runs `sidecar env` on a configuration in an otherwise empty place."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "SIDECAR_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEB_TOKEN", TOKEN)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*words: str, more: str = "") -> tuple[int, str, str]:
        (tmp_path / "sidecar.toml").write_text(CONFIG + more)
        code = main(["env", *words])
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def variables(env: Env) -> Variables:
    """Give a function that returns the variables printed, nothing being complained of."""

    def run(*words: str, more: str = "") -> dict[str, str]:
        code, out, err = env(*words, "--format", "json", more=more)
        assert (code, err) == (0, "")
        found: dict[str, str] = json.loads(out)
        return found

    return run


def test_an_app_gets_one_uri_and_one_token(variables: Variables) -> None:
    assert variables() == {URI: "http://127.0.0.1:9911/credentials", TOKEN_VARIABLE: TOKEN}


def test_a_token_in_a_file_is_given_as_the_whole_path_of_that_file(
    variables: Variables, tmp_path: Path
) -> None:
    assert variables("--app", "files", more=SECOND_APP) == {
        URI: "http://127.0.0.1:9911/credentials",
        TOKEN_FILE: str(tmp_path / "files.token"),
    }


def test_another_role_of_the_app_has_a_path_of_its_own(variables: Variables) -> None:
    assert variables("--role", "batch")[URI] == "http://127.0.0.1:9911/credentials/batch"


@pytest.mark.parametrize(
    ("door", "uri"),
    [
        pytest.param('"[::1]:9911"', "http://[::1]:9911/credentials", id="IPv6"),
        pytest.param(
            '["[::1]:9911", "127.0.0.1:9912"]', "http://127.0.0.1:9912/credentials", id="IPv4 first"
        ),
        pytest.param(
            '["127.0.0.1:0", "[::1]:9911"]', "http://[::1]:9911/credentials", id="a fixed port"
        ),
        pytest.param(
            '"169.254.170.2:9911"', "http://169.254.170.2:9911/credentials", id="link-local"
        ),
        pytest.param(
            '["10.0.0.1:1", "[::1]:9911"]\nallow_remote = true',
            "http://[::1]:9911/credentials",
            id="near before far",
        ),
        pytest.param(
            '"0.0.0.0:9911"\nallow_remote = true',
            "http://127.0.0.1:9911/credentials",
            id="every address",
        ),
        pytest.param(
            '"[::]:9911"\nallow_remote = true',
            "http://[::1]:9911/credentials",
            id="every IPv6 address",
        ),
    ],
)
def test_the_uri_is_of_an_address_that_every_sdk_accepts(
    variables: Variables, door: str, uri: str
) -> None:
    assert variables(more=f"[doors]\ncredentials = {door}")[URI] == uri


def test_the_relative_form_is_a_path_alone(variables: Variables) -> None:
    door = '[doors]\ncredentials = ["127.0.0.1:9911", "169.254.170.2:80"]'
    assert variables("--relative", "--role", "batch", more=door) == {
        RELATIVE_URI: "/credentials/batch",
        TOKEN_VARIABLE: TOKEN,
    }


@pytest.mark.parametrize("words", [["--format", "shell"], []], ids=["asked for", "by default"])
def test_a_shell_reads_the_shell_form_as_it_was_meant(env: Env, words: list[str]) -> None:
    code, out, _ = env(*words)
    assert code == 0
    script = f'{out}\nprintf "%s\\0%s" "${URI}" "${TOKEN_VARIABLE}"'
    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split("\0") == ["http://127.0.0.1:9911/credentials", TOKEN]
    assert told.stderr == ""


def test_the_shell_form_exports(env: Env) -> None:
    lines = env()[1].splitlines()
    assert [shlex.split(line)[0] for line in lines] == ["export", "export"]


def test_the_env_file_form_has_bare_values(env: Env) -> None:
    assert env("--format", "env-file") == (
        0,
        f"{URI}=http://127.0.0.1:9911/credentials\n{TOKEN_VARIABLE}={TOKEN}\n",
        "",
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("AWS_ACCESS_KEY_ID", "SDKs prefer it to the sidecar"),
        ("AWS_PROFILE", "SDKs prefer it to the sidecar"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "SDKs prefer it to the sidecar"),
        (RELATIVE_URI, "SDKs differ in what wins"),
        (TOKEN_FILE, "SDKs differ in what wins"),
    ],
)
def test_a_variable_that_stands_in_the_way_is_warned_of(
    env: Env, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    expected = env()[1]
    monkeypatch.setenv(name, "canary")
    warning = f"sidecar: warning: {name} is set here; {why}: unset {name}\n"
    assert env() == (0, expected, warning)


KEYS = "aws_access_key_id = canary\naws_secret_access_key = canary\n"
IN_CREDENTIALS, IN_CONFIG = "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"


@pytest.mark.parametrize(
    ("file", "section", "content", "told"),
    [
        ("credentials", "default", KEYS, ("aws_access_key_id", IN_CREDENTIALS)),
        ("config", "default", KEYS, ("aws_access_key_id", IN_CONFIG)),
        ("config", "profile default", KEYS, ("aws_access_key_id", IN_CONFIG)),
        ("config", "default", "credential_process = canary\n", ("credential_process", IN_CONFIG)),
        ("config", "default", "source_profile = canary\n", ("source_profile", IN_CONFIG)),
        ("config", "default", "sso_session = canary\n", ("sso_session", IN_CONFIG)),
        ("credentials", "other", KEYS, None),
        ("config", "profile other", KEYS, None),
        ("config", "default", "region = canary\n", None),
        ("config", "default", "credential_source = EcsContainer\nrole_arn = canary\n", None),
        ("config", "default", f"{KEYS}canary\n[\n", None),
    ],
)
def test_a_profile_that_stands_in_the_way_is_warned_of(
    env: Env, tmp_path: Path, file: str, section: str, content: str, told: tuple[str, str] | None
) -> None:
    expected = env()[1]
    (tmp_path / ".aws").mkdir()
    path = tmp_path / ".aws" / file
    path.write_text(f"[{section}]\n{content}")
    warning = told and (
        f"sidecar: warning: {path} has {told[0]} in [{section}]; SDKs prefer it to the sidecar: "
        f"remove it, or give the application another file by {told[1]}\n"
    )
    assert env() == (0, expected, warning or "")


def test_the_profile_that_is_looked_at_is_that_of_the_environment(
    env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, section in ((IN_CREDENTIALS, "other"), (IN_CONFIG, "profile other")):
        path = tmp_path / variable
        path.write_text(f"[default]\n{KEYS}[{section}]\n{KEYS}")
        monkeypatch.setenv(variable, str(path))
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert [line.partition("; ")[0] for line in env()[2].splitlines()] == [
        "sidecar: warning: AWS_PROFILE is set here",
        f"sidecar: warning: {tmp_path}/{IN_CREDENTIALS} has aws_access_key_id in [other]",
        f"sidecar: warning: {tmp_path}/{IN_CONFIG} has aws_access_key_id in [profile other]",
    ]


@pytest.mark.parametrize("name", [URI, TOKEN_VARIABLE])
def test_a_variable_that_is_printed_anyway_is_not_warned_of(
    env: Env, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "old")
    assert env()[2] == ""


@pytest.mark.parametrize(
    ("words", "more", "err"),
    [
        pytest.param(
            ["--app", "files", "--role", "batch"],
            SECOND_APP,
            "sidecar: app files may not have role batch\nhint: it has default\n",
            id="a role of others",
        ),
        pytest.param(
            ["--relative"],
            "",
            "sidecar: no credentials door on 169.254.170.2:80\n"
            "hint: the relative form of the URI always means that address\n",
            id="no door there",
        ),
        pytest.param(
            ["--relative"],
            '[doors]\ncredentials = "169.254.170.2:8080"',
            "sidecar: no credentials door on 169.254.170.2:80\n"
            "hint: the relative form of the URI always means that address\n",
            id="another port there",
        ),
        pytest.param(
            [],
            '[doors]\ncredentials = "127.0.0.1:0"',
            "sidecar: the credentials door has no fixed address\n"
            "hint: set doors.credentials to an address with a port other than 0\n",
            id="no fixed port",
        ),
        pytest.param(
            [],
            '[doors]\ncredentials = "off"',
            "sidecar: the credentials door has no fixed address\n"
            "hint: set doors.credentials to an address with a port other than 0\n",
            id="no door",
        ),
        pytest.param(
            [],
            '[doors]\ncredentials = "10.0.0.1:9911"\nallow_remote = true',
            "sidecar: AWS SDKs ask no credentials door at 10.0.0.1:9911\n"
            "hint: let doors.credentials listen on 127.0.0.1 too, or put TLS in front of it\n",
            id="an address that SDKs refuse",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused(
    env: Env, words: list[str], more: str, err: str
) -> None:
    assert env(*words, more=more) == (1, "", err)


@pytest.mark.parametrize(
    ("words", "more", "problem"),
    [
        pytest.param(
            ["--app", "ghost"],
            "",
            "there is no app ghost\n    hint: one of web",
            id="an unknown app",
        ),
        pytest.param(
            [],
            SECOND_APP,
            "must name one of several apps\n    hint: one of web, files",
            id="one of several apps",
        ),
    ],
)
def test_an_app_that_is_not_clear_is_wrong_usage(
    env: Env, words: list[str], more: str, problem: str
) -> None:
    said = f"sidecar: configuration has 1 problem\n  --app: {problem}\n"
    assert env(*words, more=more) == (2, "", said)


def test_a_token_that_is_not_known_here_is_missed(
    env: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEB_TOKEN")
    assert env() == (
        1,
        "",
        (
            "sidecar: the token of app web is in variable WEB_TOKEN, which is not set here\n"
            "hint: run this where the sidecar's own environment is\n"
        ),
    )


def test_a_token_that_somebody_else_signs_is_not_the_sidecar_s_to_give(env: Env) -> None:
    assert env("--app", "outside", more=OUTSIDE_APP) == (
        1,
        "",
        (
            "sidecar: issuer corp signs the tokens of app outside\n"
            f"hint: set {TOKEN_FILE} to that token's file, beside {URI}\n"
        ),
    )


def test_a_token_that_is_issued_by_hand_has_no_place_that_is_known(env: Env) -> None:
    assert env("--app", "handy", more='[apps.handy]\n[tokens]\nkey_file = "token.key"\n') == (
        1,
        "",
        (
            "sidecar: the configuration names no token of app handy: it is issued by hand\n"
            "hint: sidecar token issue --app handy --output FILE; "
            f"then set {TOKEN_FILE} to that token's file, beside {URI}\n"
        ),
    )


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        pytest.param("colour = 1", "apps.web.colour: unknown key", id="an unknown key"),
        pytest.param("[apps.none]", "apps.none: has no token", id="an app without a token"),
        pytest.param(
            'static_token_file = "t"',
            "apps.web: has two tokens: static_token_file and token_env",
            id="two tokens",
        ),
    ],
)
def test_a_configuration_that_serve_would_refuse_is_refused(
    env: Env, more: str, problem: str
) -> None:
    code, out, err = env(more=more)
    assert (code, out) == (2, "")
    assert err.startswith(f"sidecar: configuration has 1 problem\n  {problem}\n")


def test_an_unknown_form_is_refused(refusal: Callable[..., Any]) -> None:
    assert "invalid choice: 'yaml'" in refusal("env", "--format", "yaml", code=2)


def test_the_aws_api_door_is_told_of_when_it_is_asked_for(env: Env) -> None:
    code, out, err = env("--format", "json", "--aws-api")
    assert (code, err) == (0, "")
    found = json.loads(out)
    api = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_SSM")
    assert {found.pop(name) for name in api} == {"http://127.0.0.1:2774"}
    assert found == json.loads(env("--format", "json")[1])


def test_the_aws_api_door_may_be_anywhere(env: Env) -> None:
    far = '[doors]\naws_api = "10.0.0.1:2774"\nallow_remote = true'
    code, out, _ = env("--aws-api", more=far)
    assert code == 0
    assert "http://10.0.0.1:2774" in out


def test_a_shut_aws_api_door_is_not_told_of(env: Env) -> None:
    code, out, err = env("--aws-api", more='[doors]\naws_api = "off"')
    assert (code, out) == (1, "")
    assert "the aws_api door has no fixed address" in err


ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
OPEN = '[doors]\nmetadata = "127.0.0.1:9912"\n'


@pytest.mark.parametrize(
    ("more", "endpoint"),
    [
        pytest.param(OPEN, "http://127.0.0.1:9912/", id="loopback"),
        pytest.param('[doors]\nmetadata = "[::1]:1"', "http://[::1]:1/", id="IPv6"),
        pytest.param(
            '[doors]\nmetadata = "169.254.169.254:80"', "http://169.254.169.254:80/", id="as EC2"
        ),
        pytest.param(
            f'{SECOND_APP}{OPEN}[metadata]\napp = "files"', "http://127.0.0.1:9912/", id="two apps"
        ),
    ],
)
def test_the_metadata_door_is_one_address_and_no_token(
    variables: Variables, more: str, endpoint: str
) -> None:
    assert variables("--imds", more=more) == {ENDPOINT: endpoint}


def test_the_metadata_door_goes_with_the_aws_api_door(variables: Variables) -> None:
    found = variables("--imds", "--aws-api", "--app", "web", more=OPEN)
    assert sorted(found) == [
        ENDPOINT,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_ENDPOINT_URL_SSM",
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AWS_EC2_METADATA_DISABLED", "True", "is true here; SDKs will not ask the metadata door"),
        (URI, "canary", "is set here; SDKs prefer it to the metadata door"),
        (RELATIVE_URI, "canary", "is set here; SDKs prefer it to the metadata door"),
        ("AWS_ACCESS_KEY_ID", "canary", "is set here; SDKs prefer it to the sidecar"),
    ],
)
def test_what_keeps_sdks_from_the_metadata_door_is_warned_of(
    env: Env, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    expected = env("--imds", more=OPEN)[1]
    monkeypatch.setenv(name, value)
    warning = f"sidecar: warning: {name} {told}: unset {name}\n"
    assert env("--imds", more=OPEN) == (0, expected, warning)


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_EC2_METADATA_DISABLED", "false"), (TOKEN_VARIABLE, "canary")]
)
def test_what_does_not_keep_them_from_it_is_let_be(
    env: Env, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert env("--imds", more=OPEN)[2] == ""


@pytest.mark.parametrize(
    ("words", "more", "err"),
    [
        pytest.param(
            [],
            "",
            "sidecar: the metadata door has no fixed address\n"
            "hint: set doors.metadata to an address with a port other than 0\n",
            id="no door",
        ),
        pytest.param(
            ["--app", "files"],
            f'{SECOND_APP}{OPEN}[metadata]\napp = "web"',
            "sidecar: the metadata door serves app web, not files\n"
            "hint: set metadata.app, or leave out --imds\n",
            id="an app that it does not serve",
        ),
        pytest.param(
            ["--role", "batch"],
            OPEN,
            "sidecar: --role cannot go with --imds: SDKs take the first role of the app\n"
            "hint: put the role first in the app's roles\n",
            id="a role",
        ),
    ],
)
def test_what_the_metadata_door_cannot_be_asked_for_is_refused(
    env: Env, words: list[str], more: str, err: str
) -> None:
    assert env("--imds", *words, more=more) == (1, "", err)


def test_both_forms_at_once_are_wrong_usage(refusal: Callable[..., Any]) -> None:
    assert "not allowed with argument" in refusal("env", "--imds", "--relative", code=2)
