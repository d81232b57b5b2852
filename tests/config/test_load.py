"""Loading as a whole: every problem at once, and nothing but problems whatever the file holds."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.config.load import Loaded, load_config
from sidecar.config.option import is_name, options_of
from sidecar.config.schema import SECTIONS, TABLES
from sidecar.errors import ConfigError, Problem

Table = Mapping[str, object]

MANY_MISTAKES = """
    colour = "blue"

    [identity]
    certificate = ""
    privat_key = "workload.key"

    [doors]
    secrets = "0.0.0.0:2773"

    [roles."a b"]
    trust_anchor_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/a"
    profile_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:profile/p"
    role_arn = 5

    [apps]
    web = "token"

    [secrets]
    ttl_seconds = 0

    [log.level]
    deep = true
"""
OUTSIDE = (
    "is reachable from elsewhere: a door opens on loopback, 169.254.170.2, 169.254.170.23 or "
    "fd00:ec2::23 only"
)
EVERY_REASON = [
    (
        "colour: unknown section",
        "known are apps, aws, doors, identity, log, roles, secrets",
    ),
    (
        "identity.privat_key: unknown key",
        "known are certificate, private_key, chain, password_file",
    ),
    ("identity.certificate: must not be empty (got '')", ""),
    ("identity.private_key: is missing", "add it, or set SIDECAR_PRIVATE_KEY"),
    (
        f"doors.secrets: {OUTSIDE} (got '0.0.0.0:2773')",
        "",
    ),
    ("secrets.ttl_seconds: must be between 1 and 3600 (got 0)", ""),
    ("log.level: must be one of debug, info, warning, error (got {'deep': True})", ""),
    ("roles.a b: is not a name", "letters, digits, - and _"),
    ("roles.a b.role_arn: must be text (got 5)", "aws iam list-roles shows it"),
    ("apps.web: must be a table", "write [apps.web]"),
]


def test_every_problem_is_reported_at_once(problems: Callable[..., list[Problem]]) -> None:
    assert [(str(each), each.hint) for each in problems(MANY_MISTAKES)] == EVERY_REASON


def test_the_error_says_how_many_problems_there_are(file: Path) -> None:
    file.write_text(MANY_MISTAKES)
    with pytest.raises(ConfigError, match=r"^configuration has 10 problems$"):
        load_config(file, {})


def test_a_sound_configuration_has_no_problem_and_no_warning(
    load: Callable[..., Loaded], sound: dict[str, Any], file: Path
) -> None:
    loaded = load(sound)
    assert (loaded.file, loaded.warnings) == (file, ())


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        pytest.param({"roles": {}}, "roles: is missing", "add [roles.default]", id="no role"),
        pytest.param({"apps": {}}, "apps: is missing", "add [apps.default]", id="no app"),
        pytest.param({"apps": 5}, "apps: must be tables: [apps.<name>]", "", id="no table"),
        pytest.param({"aws": []}, "aws: must be a table", "write [aws]", id="a list"),
        pytest.param(
            {"aws": {"x\ny": 1}},
            "aws.x\ny: unknown key",
            "known are region, endpoint_url, ca_bundle",
            id="an unknown key",
        ),
    ],
)
def test_a_section_of_the_wrong_shape_is_refused(
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
    change: dict[str, object],
    problem: str,
    hint: str,
) -> None:
    [found] = problems(sound | change)
    assert (str(found), found.hint) == (problem, hint)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param('"' + "x" * 200 + '"', "'" + "x" * 79 + "…", id="a long text is cut"),
        pytest.param('"\\u001b[2J"', "'\\x1b[2J'", id="a control character is escaped"),
        pytest.param("0x" + "f" * 5000, "something too large to show", id="a huge number"),
        pytest.param("{a" + ".a" * 3000 + " = 1}", "something too large to show", id="depth"),
    ],
)
def test_what_was_got_is_shown_in_a_short_line(
    problems: Callable[..., list[Problem]], value: str, shown: str
) -> None:
    [got] = [each for each in problems(f"[log]\nlevel = {value}") if "missing" not in each.what]
    assert got.what.endswith(f"(got {shown})")


@pytest.mark.parametrize("name", ["a", "web-1", "A_b", "9", "x" * 64])
def test_names_of_roles_and_apps_are_plain(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a.b", "a/b", "ä", "a\n", "x" * 65])
def test_other_names_are_refused(name: str) -> None:
    assert not is_name(name)


_SCALARS = (
    st.text(max_size=20)
    | st.integers()
    | st.booleans()
    | st.floats()
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.sampled_from(["off", "*", "127.0.0.1:1", "[::1]:2", "http://[", "http://a:99999", "٣"])
)
_GARBAGE = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def _section(schema: type) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(sorted(options_of(schema))) | st.text(max_size=5)
    return st.dictionaries(keys, _GARBAGE, max_size=4) | _GARBAGE


def _tables() -> st.SearchStrategy[dict[str, Any]]:
    sections = {name: _section(schema) for name, schema in SECTIONS.items()}
    named = {
        name: st.dictionaries(st.text(max_size=5), _section(schema), max_size=2) | _GARBAGE
        for name, schema in TABLES.items()
    }
    return st.fixed_dictionaries({}, optional={**sections, **named, "x": _GARBAGE})


@given(table=_tables(), region=st.text(max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_of_any_kind_is_a_problem_and_nothing_worse(
    file: Path, toml: Callable[[Table], str], table: dict[str, Any], region: str
) -> None:
    file.write_text(toml(table), encoding="utf-8", newline="")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {"SIDECAR_AWS_REGION": region, "SIDECAR_LOG_LEVEL": region})
    assert "is not TOML" not in caught.value.problems[0].what


@given(value=_GARBAGE, place=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_garbled_option_is_accepted_or_reported_by_its_name(
    load: Callable[..., Loaded], sound: dict[str, Any], value: object, place: st.DataObject
) -> None:
    name, schema = place.draw(st.sampled_from([*SECTIONS.items()]))
    key = place.draw(st.sampled_from(sorted(options_of(schema))))
    changed = sound | {name: sound.get(name, {}) | {key: value}}
    found: tuple[Problem, ...] = ()
    try:
        load(changed)
    except ConfigError as exc:
        found = exc.problems
    assert [each.where for each in found] in ([], [f"{name}.{key}"])


def test_dates_in_the_file_are_reported_like_any_other_garbage(
    problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    [problem] = problems(sound | {"log": {"level": dt.date(2026, 3, 1)}})
    assert problem.what.endswith("(got datetime.date(2026, 3, 1))")
