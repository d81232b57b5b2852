"""Loading as a whole: every problem at once, and nothing but problems whatever the file holds."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.config.files_section import FilesSection
from sidecar.config.load import Loaded, load_config, read_config
from sidecar.config.option import Entries, is_name, options_of, schemas_of
from sidecar.config.role_sources import AssumeRoleSection
from sidecar.config.schema import ENDPOINTS, SECTIONS, TABLES, AwsSection, IdentitySection
from sidecar.errors import ConfigError, Problem

Table = Mapping[str, object]

FILE = {"path": "/run/secrets/a", "secret": "prod/web/a"}
KEYS_OF_FILES = f"known are {', '.join(options_of(FilesSection))}"
MANY_MISTAKES = """
    colour = "blue"

    [identity]
    certificate = ""
    privat_key = "workload.key"

    [doors]
    secrets = "224.0.0.1:2773"

    [roles."a b"]
    trust_anchor_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/a"
    profile_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:profile/p"
    role_arn = 5

    [apps]
    web = "token"

    [secrets]
    ttl_seconds = -1

    [log.level]
    deep = true
"""
MANY = "is an address of many machines, where nothing can listen"
EVERY_REASON = [
    (
        "colour: unknown section",
        (
            "known are admin, apps, audit, aws, control, doors, files, identity, issuers, log, "
            "metadata, notify, roles, rotation, secrets, tokens"
        ),
    ),
    (
        "identity.privat_key: unknown key",
        f"known are {', '.join(options_of(IdentitySection))}",
    ),
    ("identity.certificate: must not be empty (got '')", ""),
    (
        f"doors.secrets: {MANY} (got '224.0.0.1:2773')",
        "",
    ),
    ("secrets.ttl_seconds: must be between 0 and 3600 (got -1)", ""),
    ("log.level: must be one of debug, info, warning, error (got {'deep': True})", ""),
    ("roles.a b: is not a name", "letters, digits, - and _"),
    ("roles.a b.role_arn: must be text (got 5)", "aws iam list-roles shows it"),
    ("apps.web: must be a table", "write [apps.web]"),
]


def test_every_problem_is_reported_at_once(problems: Callable[..., list[Problem]]) -> None:
    assert [(str(each), each.hint) for each in problems(MANY_MISTAKES)] == EVERY_REASON


def test_the_error_says_how_many_problems_there_are(file: Path) -> None:
    file.write_text(MANY_MISTAKES)
    with pytest.raises(ConfigError, match=r"^configuration has 9 problems$"):
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
            f"known are {', '.join(options_of(AwsSection))}",
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


def test_an_array_of_tables_is_read_in_its_order(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    assert load(sound).config.files == ()
    sound["files"] = [dict(FILE, path="/a"), dict(FILE, path="/b")]
    assert [str(each.path) for each in load(sound).config.files] == ["/a", "/b"]


@pytest.mark.parametrize(
    ("files", "problem", "hint"),
    [
        ({"path": "/a"}, "files: must be an array of tables", "write [[files]]"),
        ([FILE, 5], "files.2: must be a table", "write [[files]]"),
        ([FILE, {**FILE, "path": 1}], "files.2.path: must be text (got 1)", ""),
        ([{key: FILE[key] for key in FILE if key != "path"}], "files.1.path: is missing", "add it"),
        ([{**FILE, "pth": 1}], "files.1.pth: unknown key", KEYS_OF_FILES),
    ],
)
def test_an_entry_of_an_array_is_named_by_its_place(
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
    files: object,
    problem: str,
    hint: str,
) -> None:
    [found] = problems(sound | {"files": files})
    assert (str(found), found.hint) == (problem, hint)


CHAINED = {
    "source": "assume-role",
    "via": "default",
    "role_arn": "arn:aws:iam::123456789012:role/api",
}
KEYS_OF_CHAINED = f"known are {', '.join(options_of(AssumeRoleSection))}"


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        pytest.param(
            {"profile_arn": "x"},
            "profile_arn: belongs to source roles-anywhere only",
            KEYS_OF_CHAINED,
            id="a key of another source",
        ),
        pytest.param(
            {"token_file": "x"},
            "token_file: belongs to source web-identity only",
            KEYS_OF_CHAINED,
            id="a key of yet another source",
        ),
        pytest.param(
            {"token": "x"}, "token: unknown key", KEYS_OF_CHAINED, id="a key of no source"
        ),
    ],
)
def test_a_role_has_the_keys_of_its_source_and_no_other(
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
    change: dict[str, str],
    problem: str,
    hint: str,
) -> None:
    sound["roles"]["chained"] = CHAINED | change
    [found] = problems(sound)
    assert (str(found), found.hint) == (f"roles.chained.{problem}", hint)


def test_a_key_that_two_sources_share_is_refused_in_the_third(
    problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    sound["roles"]["default"]["region"] = "eu-west-1"
    [found] = problems(sound)
    assert found.what == "belongs to source assume-role and web-identity and access-key-secret only"


def test_a_variable_of_another_source_is_refused_like_its_key(
    problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    [found] = problems(sound, {"SIDECAR_ROLES_DEFAULT_VIA": "x"})
    assert str(found) == (
        "roles.default.via (SIDECAR_ROLES_DEFAULT_VIA): belongs to source assume-role and "
        "access-key-secret only"
    )


def test_a_source_that_there_is_not_spoils_its_role_alone(
    file: Path, toml: Callable[[Table], str], sound: dict[str, Any]
) -> None:
    sound["roles"]["odd"] = {"source": "magic", "wand": 1}
    file.write_text(toml(sound))
    loaded = read_config(file, {})
    assert [each.where for each in loaded.problems] == ["roles.odd.source"]
    assert loaded.faulty == {"roles.odd"}


WEB_IDENTITY = {
    "source": "web-identity",
    "token_file": "token",
    "role_arn": "arn:aws:iam::123456789012:role/api",
}


def test_without_a_role_that_needs_it_there_may_be_no_identity(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    del sound["identity"]
    sound["roles"] = {"default": WEB_IDENTITY}
    assert load(sound).config.identity is None


def test_an_identity_that_is_written_is_read_even_if_no_role_needs_it(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    sound["roles"] = {"default": WEB_IDENTITY}
    assert load(sound).config.identity == IdentitySection(
        certificate="workload.pem", private_key="workload.key"
    )


@pytest.mark.parametrize("source", [{}, {"source": "roles-anywhere"}], ids=["default", "named"])
def test_a_role_from_roles_anywhere_needs_an_identity(
    problems: Callable[..., list[Problem]], sound: dict[str, Any], source: dict[str, str]
) -> None:
    del sound["identity"]
    sound["roles"]["default"] |= source
    [found] = problems(sound)
    assert str(found) == "identity.certificate: is missing"
    assert found.hint == "add it, or set SIDECAR_CERTIFICATE"


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


@pytest.mark.parametrize("key", ENDPOINTS)
@pytest.mark.parametrize(
    "url",
    [
        "https://user:canary@aws.example",
        "https://canary@aws.example",
        "https://user:p@canary@aws.example",
        "https://user:canary/x@aws.example",
        "https://user:canary#x@aws.example",
        "https://user:canary℅x@aws.example",
        "https://[user:canary@aws.example",
        "user:canary@aws.example",
    ],
)
def test_a_password_in_an_address_is_told_to_nobody(
    problems: Callable[..., list[Problem]], sound: dict[str, Any], key: str, url: str
) -> None:
    [problem] = problems(sound, {f"SIDECAR_AWS_{key.upper()}": url})
    assert problem.what == "must have no user name or password (got '…@aws.example')"
    [problem] = problems(sound | {"aws": {key: [url, url]}})
    assert problem.what == "must be text (got […@aws.example'])"


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
    | st.sampled_from(
        [
            "off",
            "*",
            "assume-role",
            "web-identity",
            "a=b",
            "127.0.0.1:1",
            "[::1]:2",
            "http://[",
            "http://a:99999",
            "٣",
        ]
    )
)
# How long data take to draw is the machine's, which may be busy.
UNHURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
_GARBAGE = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def _section(kinds: Entries) -> st.SearchStrategy[Any]:
    known = {key for schema in schemas_of(kinds) for key in options_of(schema)}
    keys = st.sampled_from(sorted(known)) | st.text(max_size=5)
    return st.dictionaries(keys, _GARBAGE, max_size=4) | _GARBAGE


def _tables() -> st.SearchStrategy[dict[str, Any]]:
    sections = {name: _section(schema) for name, schema in SECTIONS.items()}
    named = {
        name: st.dictionaries(st.text(max_size=5), _section(kinds), max_size=2) | _GARBAGE
        for name, kinds in TABLES.items()
    }
    return st.fixed_dictionaries({}, optional={**sections, **named, "x": _GARBAGE})


@given(table=_tables(), region=st.text(max_size=5))
@settings(suppress_health_check=UNHURRIED)
def test_garbage_of_any_kind_is_a_problem_and_nothing_worse(
    file: Path, toml: Callable[[Table], str], table: dict[str, Any], region: str
) -> None:
    file.write_text(toml(table), encoding="utf-8", newline="")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {"SIDECAR_AWS_REGION": region, "SIDECAR_LOG_LEVEL": region})
    assert "is not TOML" not in caught.value.problems[0].what


@given(value=_GARBAGE, place=st.data())
@settings(suppress_health_check=UNHURRIED)
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


def test_where_nothing_is_configured_that_is_what_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as nothing:
        load_config(None, {})
    assert nothing.value.hint.startswith("there is no ./sidecar.toml")
    with pytest.raises(ConfigError) as variables:
        load_config(None, {"SIDECAR_CERTIFICATE": "web.pem"})
    assert variables.value.hint == ""
