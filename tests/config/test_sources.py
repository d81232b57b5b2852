"""Where configuration comes from: the file, and the variables that lie over it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.load import Loaded, load_config
from sidecar.config.role_sources import RolesAnywhereSection, WebIdentitySection
from sidecar.config.sources import DEFAULT_PATHS, find_file
from sidecar.errors import ConfigError, Problem

SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
# What a compose file sets when there is no sidecar.toml.
VARIABLES = {
    "SIDECAR_CERTIFICATE": "/certs/workload.pem",
    "SIDECAR_PRIVATE_KEY": "/certs/workload.key",
    "SIDECAR_TRUST_ANCHOR_ARN": f"{SCOPE}:trust-anchor/anchor-1",
    "SIDECAR_PROFILE_ARN": f"{SCOPE}:profile/profile-1",
    "SIDECAR_ROLE_ARN": "arn:aws:iam::123456789012:role/web",
    "SIDECAR_TOKEN": "a-token-of-enough-length",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_file_asked_for_is_taken_even_if_it_is_missing(home: Path) -> None:
    (home / "sidecar.toml").touch()
    assert find_file(Path("other.toml")) == Path("other.toml")


def test_the_file_in_the_current_directory_comes_before_the_machine_s(home: Path) -> None:
    places = (Path("sidecar.toml"), home / "machine.toml")
    assert find_file(None, places) is None
    places[1].touch()
    assert find_file(None, places) == places[1]
    places[0].touch()
    assert find_file(None, places) == places[0]


def test_a_directory_of_that_name_is_no_file(home: Path) -> None:
    (home / "sidecar.toml").mkdir()
    assert find_file(None, (Path("sidecar.toml"),)) is None


def test_the_default_places_are_the_current_directory_and_etc() -> None:
    assert list(map(str, DEFAULT_PATHS)) == ["sidecar.toml", "/etc/sidecar/sidecar.toml"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"= 1", "is not TOML: Invalid statement (at line 1, column 1)", id="no TOML"),
        pytest.param(b"a = 1\na = 2", "is not TOML: Cannot overwrite a value", id="a key twice"),
        pytest.param(b'a = "\xff"', "is not UTF-8", id="Latin-1"),
        pytest.param(b"\xff\xfea\x00", "is not UTF-8", id="UTF-16"),
        pytest.param(b"a = " + b"9" * 5000, "is not TOML: Exceeds the limit", id="a huge number"),
        pytest.param(b"a = " + b"[" * 5000, "is nested too deeply", id="nested too deeply"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_by_name(file: Path, content: bytes, what: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    [problem] = caught.value.problems
    assert (problem.where, problem.what[: len(what)]) == (str(file), what)


def _unreadable(file: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    [problem] = caught.value.problems
    return problem


def test_a_missing_file_is_refused_by_name(file: Path) -> None:
    problem = _unreadable(file)
    assert str(problem) == f"{file}: cannot be read: No such file or directory"
    assert problem.hint == "check --config"


def test_a_directory_is_refused_by_name(tmp_path: Path) -> None:
    assert str(_unreadable(tmp_path)) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_file_of_somebody_else_is_refused_by_name(
    file: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    file.touch(mode=0o200)
    with ordinary_user():
        assert _unreadable(file).what == "cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("SIDECAR_IDENTITY_CERTIFICATE", "v.pem", lambda c: str(c.identity.certificate) == "v.pem"),
        ("SIDECAR_SECRETS_TTL_SECONDS", "60", lambda c: c.secrets.ttl_seconds == 60),
        ("SIDECAR_SECRETS_PREFETCH", "a,b", lambda c: c.secrets.prefetch == ("a", "b")),
        ("SIDECAR_DOORS_ADMIN", "off", lambda c: c.doors.admin == ()),
        ("SIDECAR_LOG_LEVEL", "error", lambda c: c.log.level == "error"),
        ("SIDECAR_AWS_REGION", "us-east-1", lambda c: c.aws.region == "us-east-1"),
        (
            "SIDECAR_ROLES_DEFAULT_SESSION_DURATION_SECONDS",
            "900",
            lambda c: c.roles["default"].session_duration_seconds == 900,
        ),
        ("SIDECAR_APPS_MY_APP_SECRETS", "x/*", lambda c: c.apps["my-app"].secrets == ("x/*",)),
        ("SIDECAR_CERTIFICATE", "v.pem", lambda c: str(c.identity.certificate) == "v.pem"),
        ("SIDECAR_PRIVATE_KEY", "v.key", lambda c: str(c.identity.private_key) == "v.key"),
        ("SIDECAR_CHAIN", "v.pem", lambda c: str(c.identity.chain) == "v.pem"),
        ("AWS_REGION", "us-east-1", lambda c: c.aws.region == "us-east-1"),
        ("AWS_ENDPOINT_URL", "http://v", lambda c: c.aws.endpoint_url == "http://v"),
        ("SIDECAR_PASSWORD_FILE", "p", lambda c: str(c.identity.password_file) == "p"),
        ("SIDECAR_PASSWORD_ENV", "PIN", lambda c: c.identity.password_env == "PIN"),
        ("SIDECAR_IDENTITY_TPM", "v", lambda c: c.identity.tpm == "v"),
        ("AWS_ENDPOINT_URL_STS", "http://v", lambda c: c.aws.endpoint_url_sts == "http://v"),
        (
            "AWS_ENDPOINT_URL_ROLESANYWHERE",
            "http://v",
            lambda c: c.aws.endpoint_url_rolesanywhere == "http://v",
        ),
        ("AWS_USE_FIPS_ENDPOINT", "true", lambda c: c.aws.use_fips_endpoint),
        ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE", lambda c: c.aws.use_dualstack_endpoint),
        ("AWS_CA_BUNDLE", "v.pem", lambda c: str(c.aws.ca_bundle) == "v.pem"),
    ],
)
def test_a_variable_wins_over_the_file(
    load: Callable[..., Loaded],
    sound: dict[str, Any],
    variable: str,
    value: str,
    read: Callable[[Any], bool],
) -> None:
    sound["apps"]["my-app"] = {"token_env": "TOKEN"}
    sound["identity"]["chain"] = "file.pem"
    sound["aws"] = {"region": "eu-west-1", "endpoint_url": "http://file", "ca_bundle": "file.pem"}
    assert not read(load(sound).config)
    loaded = load(sound, {variable: value})
    assert read(loaded.config)
    assert loaded.warnings == ()


def test_a_long_name_wins_over_a_short_one(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    both = {"AWS_REGION": "us-east-1", "SIDECAR_AWS_REGION": "us-west-2"}
    assert load(sound, both).config.aws.region == "us-west-2"


def test_an_empty_short_name_says_nothing(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    assert load(sound, {"AWS_REGION": "", "SIDECAR_CHAIN": ""}).config.aws.region is None


def test_an_empty_long_name_is_refused(
    problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    [problem] = problems(sound, {"SIDECAR_AWS_REGION": ""})
    assert str(problem) == "aws.region (SIDECAR_AWS_REGION): must not be empty (got '')"


def test_a_wrong_value_names_the_variable_that_it_came_from(
    problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    [problem] = problems(sound, {"AWS_REGION": "mars"})
    assert str(problem) == "aws.region (AWS_REGION): is not a region's name (got 'mars')"


def test_a_variable_cannot_stand_in_a_section_that_is_no_table(
    problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    found = problems(sound | {"log": 3}, {"SIDECAR_LOG_LEVEL": "info"})
    assert [str(each) for each in found] == ["log: must be a table"]


def test_variables_alone_make_one_role_and_one_app_that_may_use_everything() -> None:
    config = load_config(Path("/dev/null"), VARIABLES).config
    assert list(config.roles) == list(config.apps) == ["default"]
    role, app = config.roles["default"], config.apps["default"]
    assert isinstance(role, RolesAnywhereSection)
    assert str(role.role_arn) == VARIABLES["SIDECAR_ROLE_ARN"]
    assert (app.roles, app.secrets, app.token_env) == (("default",), ("*",), "SIDECAR_TOKEN")


def test_without_apps_there_is_one_that_may_use_every_role_of_the_file(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    del sound["apps"]
    sound["roles"] = {"own": sound["roles"]["default"], **sound["roles"]}
    app = load(sound, {"SIDECAR_TOKEN": "t" * 16}).config.apps["default"]
    assert app.roles[0] == "default"
    assert (sorted(app.roles), app.secrets) == (sorted(sound["roles"]), ("*",))
    assert app.token_env == "SIDECAR_TOKEN"


def test_variables_alone_may_name_a_token_file_and_a_duration() -> None:
    more = {"SIDECAR_TOKEN_FILE": "/t", "SIDECAR_SESSION_DURATION_SECONDS": "900"}
    config = load_config(Path("/dev/null"), VARIABLES | more | {"SIDECAR_TOKEN": ""}).config
    app = config.apps["default"]
    assert (app.static_token_file, app.token_env) == (Path("/t"), None)
    assert config.roles["default"].session_duration_seconds == 900


def test_variables_alone_may_make_a_role_of_another_source() -> None:
    of_anchor = ("SIDECAR_TRUST_ANCHOR_ARN", "SIDECAR_PROFILE_ARN", "SIDECAR_CERTIFICATE")
    kept = {name: each for name, each in VARIABLES.items() if name not in of_anchor}
    del kept["SIDECAR_PRIVATE_KEY"]
    role = {
        "SIDECAR_ROLES_DEFAULT_SOURCE": "web-identity",
        "SIDECAR_ROLES_DEFAULT_TOKEN_FILE": "/t",
    }
    config = load_config(Path("/dev/null"), kept | role).config
    section = config.roles["default"]
    assert isinstance(section, WebIdentitySection)
    assert section.token_file == Path("/t")


def test_the_endpoint_that_applications_use_for_secrets_is_not_ours(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    variables = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:2774"}
    aws = load(sound, variables).config.aws
    assert (aws.endpoint_url, aws.endpoint_url_secretsmanager) == (None, None)


@pytest.mark.parametrize("option", ["apps.web.token_env", "identity.password_env"])
def test_a_variable_that_an_option_names_has_an_effect(
    load: Callable[..., Loaded], sound: dict[str, Any], option: str
) -> None:
    *sections, key = option.split(".")
    table = sound
    for part in sections:
        table = table[part]
    table[key] = "SIDECAR_OWN_NAME"
    assert load(sound, {"SIDECAR_OWN_NAME": "canary-value"}).warnings == ()


def test_variables_alone_that_lack_something_are_told_its_short_name() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(Path("/dev/null"), {})
    hints = [each.hint.rpartition("set ")[2] for each in caught.value.problems]
    may_be_missing = {"SIDECAR_PRIVATE_KEY", "SIDECAR_TOKEN"}
    assert hints == [name for name in VARIABLES if name not in may_be_missing]


def test_with_a_role_in_the_file_the_hint_names_the_variable_that_has_an_effect(
    problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    del sound["roles"]["default"]["role_arn"]
    [problem] = problems(sound, {"SIDECAR_ROLE_ARN": VARIABLES["SIDECAR_ROLE_ARN"]})
    assert problem.hint.endswith("or set SIDECAR_ROLES_DEFAULT_ROLE_ARN")


@pytest.mark.parametrize("name", ["SIDECAR_TYPO", "SIDECAR_TOKEN", "SIDECAR_ROLE_ARN"])
def test_a_variable_without_effect_is_warned_of_and_not_refused(
    load: Callable[..., Loaded], sound: dict[str, Any], name: str
) -> None:
    loaded = load(sound, {name: "canary-value", "OTHER_TYPO": "x"})
    assert loaded.warnings == (f"variable {name} means nothing to the sidecar",)


def test_a_variable_of_another_command_is_let_be(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    assert load(sound, {"SIDECAR_CACHE_DIRECTORY": "sessions"}).warnings == ()
