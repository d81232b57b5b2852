"""`[rotation."<name>"]`: what its options accept, and what must hold between them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded, read_config
from sidecar.config.option import options_of
from sidecar.config.rotation_section import RotationSection, is_secret_id
from sidecar.errors import Problem

SECRET = "prod/backup.keys"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/backup-AbCdEf"
ROTATION = {"user_name": "backup"}
NO_USER = "must be a user's name without its path: 1 to 64 letters, digits, _+=,.@-"
TOO_OFTEN = (
    "opens windows 192 hours apart, and a previous key is kept for 192: a user has no third key"
)
ONCE = "such as rate(30 days) or cron(0 2 ? * SUN#1 *)"

Read = Callable[[str, object], object]
Found = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def read(load: Callable[..., Loaded], sound: dict[str, Any]) -> Read:
    """Give a function that puts one option into a rotation and returns what was read."""

    def run(key: str, value: object) -> object:
        sound["rotation"] = {SECRET: ROTATION | {key: value}}
        return getattr(load(sound).config.rotation[SECRET], key)

    return run


@pytest.fixture
def found(load: Callable[..., Loaded], sound: dict[str, Any]) -> Found:
    """Give a function that loads one rotation, and other sections, and returns what contradicts."""

    def run(options: dict[str, Any], **sections: object) -> list[tuple[str, str]]:
        config = load(sound | {"rotation": {SECRET: ROTATION | options}} | sections).config
        return [(str(each), each.hint) for each in inconsistencies(config)]

    return run


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("user_name", "a+b=c,d.e@f-g_h", "a+b=c,d.e@f-g_h"),
        ("via", "default", "default"),
        ("schedule", "rate(30 days)", "rate(30 days)"),
        ("duration", "24h", "24h"),
        ("grace_hours", "8760", 8760),
        ("recovery_hours", 1, 1),
        ("delete", False, False),
        ("force", "TRUE", True),
    ],
)
def test_an_option_is_read_as(key: str, value: object, expected: object, read: Read) -> None:
    assert read(key, value) == expected


@pytest.mark.parametrize(
    ("key", "value", "what", "hint"),
    [
        ("user_name", "/robots/backup", NO_USER, "aws iam list-users shows it"),
        ("user_name", "x" * 65, NO_USER, "aws iam list-users shows it"),
        ("user_name", "", "must not be empty", "aws iam list-users shows it"),
        ("via", 1, "must be text", ""),
        ("schedule", "daily", "is neither rate(…) nor cron(…)", ONCE),
        ("schedule", "rate(3 hours)", "opens windows 3h apart; at least 4h must lie between", ONCE),
        ("schedule", "cron(0 24 * * ? *)", "hours '24' is not 0 to 23", ONCE),
        ("schedule", 30, "must be text", ONCE),
        ("duration", "25h", "duration '25h' is not from 1h to 24h, such as 3h", "such as 3h"),
        ("duration", 3, "must be text", "such as 3h"),
        ("grace_hours", 0, "must be between 1 and 8760", ""),
        ("grace_hours", 8761, "must be between 1 and 8760", ""),
        ("recovery_hours", 0, "must be between 1 and 8760", ""),
        ("recovery_hours", 1.5, "must be a whole number", ""),
        ("delete", "yes", "must be true or false", ""),
        ("force", 1, "must be true or false", ""),
    ],
)
def test_an_option_refuses(
    key: str,
    value: object,
    what: str,
    hint: str,
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
) -> None:
    sound["rotation"] = {SECRET: ROTATION | {key: value}}
    [problem] = problems(sound)
    assert (problem.where, problem.hint) == (f"rotation.{SECRET}.{key}", hint)
    assert problem.what.startswith(f"{what} (got ")


@pytest.mark.parametrize("key", options_of(RotationSection))
def test_the_example_of_every_option_is_accepted(key: str, read: Read) -> None:
    option, default = options_of(RotationSection)[key]
    assert read(key, option.example) is not None
    assert option.required or getattr(RotationSection(user_name="u"), key) == default


def test_without_the_section_nothing_is_rotated(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    assert load(sound).config.rotation == {}


@pytest.mark.parametrize("name", ["a", "prod/web/keys", "a_b+c=d.e@f-g", ARN, "x" * 512])
def test_a_rotation_is_named_by_a_secret_s_name_or_arn(name: str) -> None:
    assert is_secret_id(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a\n",
        "ä",
        "secret://a",
        "a#b",
        "x" * 513,
        "arn:aws:iam::123456789012:user/backup",
        ARN.replace("eu-central-1", ""),
        ARN.replace("secret:prod", "parameter:prod"),
        ARN.partition("prod")[0],
    ],
)
def test_another_name_is_refused(
    name: str, problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    [problem] = problems(sound | {"rotation": {name: ROTATION}})
    assert str(problem) == f"rotation.{name}: is not a name"
    assert problem.hint == "a secret's name or ARN"


@pytest.mark.parametrize(
    ("rotation", "problem", "hint"),
    [
        ({}, f"{SECRET}.user_name: is missing", "SIDECAR_ROTATION_PROD_BACKUP_KEYS_USER_NAME"),
        (5, f"{SECRET}: must be a table", f'write [rotation."{SECRET}"]'),
    ],
)
def test_a_problem_says_what_to_write_or_set(
    rotation: object,
    problem: str,
    hint: str,
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
) -> None:
    [found] = problems(sound | {"rotation": {SECRET: rotation}})
    assert str(found) == f"rotation.{problem}"
    assert found.hint.endswith(hint)


def test_a_variable_wins_over_the_file_and_names_the_secret_with_underscores(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    sound["rotation"] = {SECRET: {}, ARN: {"user_name": "other"}}
    of_arn = "ARN_AWS_SECRETSMANAGER_EU_CENTRAL_1_123456789012_SECRET_PROD_BACKUP_ABCDEF"
    variables = {
        "SIDECAR_ROTATION_PROD_BACKUP_KEYS_USER_NAME": "backup",
        f"SIDECAR_ROTATION_{of_arn}_GRACE_HOURS": "48",
    }
    loaded = load(sound, variables)
    assert loaded.warnings == ()
    assert loaded.config.rotation[SECRET].user_name == "backup"
    assert loaded.config.rotation[ARN].grace_hours == 48


def test_a_variable_is_said_of_every_secret_that_it_names(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    sound["rotation"] = {"a/b": {"user_name": "one"}, "a.b": {"user_name": "two"}}
    rotation = load(sound, {"SIDECAR_ROTATION_A_B_FORCE": "true"}).config.rotation
    assert [each.force for each in rotation.values()] == [True, True]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"via": "default"},
        {"schedule": "rate(9 days)"},
        {"schedule": "cron(0 8/8 * * ? *)", "duration": "8h"}
        | {"grace_hours": 1, "recovery_hours": 6},
        {"schedule": "cron(0 17 ? * SUN#1 *)", "duration": "7h", "grace_hours": 336},
    ],
)
def test_options_that_go_together(options: dict[str, Any], found: Found) -> None:
    assert found(options, secrets={"max_stale_seconds": 0}) == []


@pytest.mark.parametrize(
    ("options", "problem", "hint"),
    [
        ({"via": "x"}, "via: there is no role 'x'", "configured are default"),
        ({"duration": "3h"}, "duration: needs schedule", "add it"),
        (
            {"schedule": "cron(0 22 1 * ? *)", "duration": "3h"},
            "duration: duration 3h reaches into the next day where a window opens at 22:00",
            "make it shorter",
        ),
        (
            {"schedule": "rate(8 days)"},
            f"schedule: {TOO_OFTEN}",
            "rotate less often, or make grace_hours and recovery_hours shorter",
        ),
    ],
)
def test_options_that_contradict_each_other(
    options: dict[str, Any], problem: str, hint: str, found: Found
) -> None:
    assert found(options) == [(f"rotation.{SECRET}.{problem}", hint)]


@pytest.mark.parametrize(
    ("grace", "secrets", "served"),
    [
        pytest.param(24, {}, None, id="the defaults"),
        pytest.param(23, {}, 24, id="an outage of a day"),
        pytest.param(24, {"ttl_seconds": 3600}, 25, id="fresh, then past its time"),
        pytest.param(1, {"max_stale_seconds": 0}, None, id="never past its time"),
        pytest.param(1, {"ignore_transient_errors": False}, None, id="not past its time either"),
        pytest.param(1, {"ttl_seconds": 0}, None, id="nothing is cached"),
    ],
)
def test_a_previous_key_outlives_what_is_cached(
    grace: int, secrets: dict[str, Any], served: int | None, found: Found
) -> None:
    what = f"is {grace}, and a cached value is served for up to {served} hours"
    hint = "make it longer, or secrets.max_stale_seconds shorter"
    expected = [(f"rotation.{SECRET}.grace_hours: {what}", hint)]
    assert found({"grace_hours": grace}, secrets=secrets) == (expected if served else [])


def test_a_user_belongs_to_one_secret(load: Callable[..., Loaded], sound: dict[str, Any]) -> None:
    sound["rotation"] = {"a": ROTATION, "b": {"user_name": "other"}, "c": ROTATION}
    [problem] = inconsistencies(load(sound).config)
    what = "is that of rotation.a too: a user's two keys belong to one secret"
    assert str(problem) == f"rotation.c.user_name: {what}"


def test_a_rotation_needs_a_role_that_is_named_or_the_one_that_reads_secrets(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    role = sound["roles"].pop("default")
    sound |= {"roles": {"a": role, "b": role}, "apps": {"web": {"roles": ["a"], "token_env": "T"}}}
    sound |= {"doors": {"secrets": "off", "aws_api": "off"}, "rotation": {SECRET: ROTATION}}
    [problem] = inconsistencies(load(sound).config)
    assert str(problem) == f"rotation.{SECRET}.via: must say whose credentials rotate"
    sound["rotation"] = {SECRET: ROTATION | {"via": "b"}}
    assert inconsistencies(load(sound).config) == []


def test_of_a_rotation_with_a_wrong_value_nothing_more_is_said(
    file: Path, toml: Callable[[object], str], sound: dict[str, Any]
) -> None:
    sound["rotation"] = {"a": {"user_name": 1, "duration": "3h"}, "b": ROTATION | {"via": "x"}}
    file.write_text(toml(sound))
    loaded = read_config(file, {})
    assert loaded.faulty == {"rotation.a"}
    found = inconsistencies(loaded.config, loaded.faulty)
    assert [each.where for each in found] == ["rotation.b.via"]
