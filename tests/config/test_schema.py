"""Every option: what it accepts, how it is read, and in which words it refuses the rest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.arn import Arn
from sidecar.config.load import Loaded
from sidecar.config.option import options_of
from sidecar.config.schema import SECTIONS, TABLES
from sidecar.errors import Problem

SCOPE = "arn:aws:rolesanywhere:eu-central-1:123456789012"
ANCHOR, PROFILE = f"{SCOPE}:trust-anchor/anchor-2", f"{SCOPE}:profile/profile-2"
ROLE = "arn:aws:iam::123456789012:role/path/api"
# The schema by the name that a section has in the sound configuration.
SCHEMAS = {**SECTIONS, "roles.default": TABLES["roles"], "apps.web": TABLES["apps"]}

ANCHOR_HINT = "aws rolesanywhere list-trust-anchors shows it"
PROFILE_HINT = "aws rolesanywhere list-profiles shows it"
NO_VARIABLE = "must be a variable's name: capitals, digits and _"
NAME_IT = "name the variable here, and put the token into that variable"
NO_TEXT, EMPTY = "must be text", "must not be empty"
NO_ARN = "not an ARN: expected arn:partition:service:region:account:resource"
NO_ANCHOR = "not the ARN of a trust-anchor: expected …:rolesanywhere:…:trust-anchor/…"
NO_URL = "must be http://host[:port] or https://host[:port]"
BARE = "must have no path, query or user name"
NO_HOST = "must name its host by letters, digits, hyphens and dots, or by address"
NO_LIST = "must be a list of texts"
NO_NUMBER = "must be a whole number"
OUTSIDE = (
    "is reachable from elsewhere: a door opens on loopback, 169.254.170.2, 169.254.170.23 or "
    "fd00:ec2::23 only"
)

ACCEPTED: list[tuple[str, Any, Any]] = [
    ("identity.certificate", "a b.pem", Path("a b.pem")),
    ("identity.private_key", "/x/key", Path("/x/key")),
    ("identity.chain", "chain.pem", Path("chain.pem")),
    ("identity.password_file", "~/p", Path("~/p")),
    ("aws.region", "us-gov-west-1", "us-gov-west-1"),
    ("aws.endpoint_url", "http://127.0.0.1:4566/", "http://127.0.0.1:4566"),
    ("aws.endpoint_url", "https://[::1]:4566", "https://[::1]:4566"),
    ("aws.endpoint_url", "HTTP://emulator-1.local", "HTTP://emulator-1.local"),
    ("aws.ca_bundle", "ca.pem", Path("ca.pem")),
    ("doors.credentials", "off", ()),
    ("doors.secrets", "off", ()),
    ("doors.admin", "off", ()),
    ("roles.default.source", "roles-anywhere", "roles-anywhere"),
    ("roles.default.trust_anchor_arn", ANCHOR, Arn.parse(ANCHOR)),
    ("roles.default.profile_arn", PROFILE, Arn.parse(PROFILE)),
    ("roles.default.role_arn", ROLE, Arn.parse(ROLE)),
    ("roles.default.session_duration_seconds", 900, 900),
    ("roles.default.session_duration_seconds", "43200", 43200),
    ("roles.default.role_session_name", "a=b,c.d@e-f_g+h", "a=b,c.d@e-f_g+h"),
    ("apps.web.roles", "default", ("default",)),
    ("apps.web.secrets", ["prod/*", "*"], ("prod/*", "*")),
    ("apps.web.secrets", "a, b", ("a", "b")),
    ("apps.web.static_token_file", "web.token", Path("web.token")),
    ("apps.web.token_env", "TOKEN", "TOKEN"),
    ("secrets.via", "default", "default"),
    ("secrets.ttl_seconds", 3600, 3600),
    ("secrets.max_stale_seconds", 0, 0),
    ("secrets.cache_size", 10000, 10000),
    ("secrets.prefetch", ["a/b", f"{ROLE}-no"], ("a/b", f"{ROLE}-no")),
    ("log.level", "debug", "debug"),
]

REFUSED: list[tuple[str, Any, str, str]] = [
    ("identity.certificate", 5, f"{NO_TEXT} (got 5)", ""),
    ("identity.private_key", " ", f"{EMPTY} (got ' ')", ""),
    ("identity.chain", "a\0b", "must not hold a NUL character (got 'a\\x00b')", ""),
    ("identity.password_file", ["p"], f"{NO_TEXT} (got ['p'])", ""),
    ("aws.region", "mars", "is not a region's name (got 'mars')", "such as eu-central-1"),
    ("aws.region", "eu-west-1\n", "is not a region's name (got 'eu-west-1\\n')", "such as "),
    ("aws.endpoint_url", "ftp://a", f"{NO_URL} (got 'ftp://a')", "such as http://127.0.0.1"),
    ("aws.endpoint_url", "http://", f"{NO_URL} (got 'http://')", "such as "),
    ("aws.endpoint_url", "http://a:0", f"{NO_URL} (got 'http://a:0')", "such as "),
    ("aws.endpoint_url", "127.0.0.1:4566", f"{NO_URL} (got '127.0.0.1:4566')", "such as "),
    ("aws.endpoint_url", "http://a/b", f"{BARE} (got 'http://a/b')", "such as "),
    ("aws.endpoint_url", "http://u@a", f"{BARE} (got 'http://u@a')", "such as "),
    ("aws.endpoint_url", "http://:@a", f"{BARE} (got 'http://:@a')", "such as "),
    ("aws.endpoint_url", "http://a?b", f"{BARE} (got 'http://a?b')", "such as "),
    ("aws.endpoint_url", "http://a_b", f"{NO_HOST} (got 'http://a_b')", "such as "),
    ("aws.endpoint_url", "http://a\n", f"{NO_HOST} (got 'http://a\\n')", "such as "),
    ("aws.ca_bundle", "", f"{EMPTY} (got '')", ""),
    ("doors.credentials", "0.0.0.0:9911", f"{OUTSIDE} (got '0.0.0.0:9911')", ""),
    ("doors.secrets", ["10.0.0.1:1"], f"{OUTSIDE} (got ['10.0.0.1:1'])", ""),
    ("doors.admin", "[::]:9913", f"{OUTSIDE} (got '[::]:9913')", ""),
    ("roles.default.source", "env", "must be one of roles-anywhere (got 'env')", ""),
    ("roles.default.source", ["x"], "must be one of roles-anywhere (got ['x'])", ""),
    ("roles.default.trust_anchor_arn", "x", f"{NO_ARN} (got 'x')", ANCHOR_HINT),
    (
        "roles.default.trust_anchor_arn",
        PROFILE,
        f"{NO_ANCHOR} (got '{PROFILE}')",
        ANCHOR_HINT,
    ),
    ("roles.default.profile_arn", 7, f"{NO_TEXT} (got 7)", PROFILE_HINT),
    (
        "roles.default.profile_arn",
        PROFILE.replace("eu-central-1", ""),
        "this ARN must name a region (got 'arn:aws:rolesanywhere::123456789012:profile/profile-2')",
        PROFILE_HINT,
    ),
    (
        "roles.default.role_arn",
        "arn:aws:iam::aws:role/web",
        "this ARN must name an account of 12 digits (got 'arn:aws:iam::aws:role/web')",
        "aws iam list-roles shows it",
    ),
    (
        "roles.default.session_duration_seconds",
        899,
        "must be between 900 and 43200 (got 899)",
        "",
    ),
    ("roles.default.session_duration_seconds", True, f"{NO_NUMBER} (got True)", ""),
    ("roles.default.session_duration_seconds", 3600.0, f"{NO_NUMBER} (got 3600.0)", ""),
    ("roles.default.session_duration_seconds", "1h", f"{NO_NUMBER} (got '1h')", ""),
    (
        "roles.default.role_session_name",
        "a b",
        "must be 2 to 64 of letters, digits and _+=,.@- (got 'a b')",
        "",
    ),
    ("apps.web.roles", ["a", "a"], "names something twice (got ['a', 'a'])", ""),
    ("apps.web.roles", [], f"{NO_LIST} (got [])", ""),
    ("apps.web.secrets", ["a", 1], f"{NO_TEXT} (got ['a', 1])", ""),
    ("apps.web.secrets", {"a": 1}, f"{NO_LIST} (got {{'a': 1}})", ""),
    ("apps.web.static_token_file", 1.5, f"{NO_TEXT} (got 1.5)", ""),
    ("apps.web.token_env", "", EMPTY, NAME_IT),
    ("apps.web.token_env", "a-token-in-place-of-a-name", NO_VARIABLE, NAME_IT),
    ("apps.web.token_env", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", NO_VARIABLE, NAME_IT),
    ("secrets.via", False, f"{NO_TEXT} (got False)", ""),
    ("secrets.ttl_seconds", 0, "must be between 1 and 3600 (got 0)", ""),
    ("secrets.max_stale_seconds", -1, "must be between 0 and 604800 (got -1)", ""),
    ("secrets.cache_size", 10001, "must be between 1 and 10000 (got 10001)", ""),
    (
        "secrets.prefetch",
        ["prod/*"],
        "takes whole names or ARNs, not patterns (got ['prod/*'])",
        "name each secret; patterns belong into an app's secrets",
    ),
    ("log.level", "loud", "must be one of debug, info, warning, error (got 'loud')", ""),
]


EVERY_OPTION = {
    f"{section}.{key}": option
    for section, schema in SCHEMAS.items()
    for key, option in options_of(schema).items()
}


def _put(table: dict[str, Any], place: str, value: object) -> None:
    *sections, key = place.split(".")
    for part in sections:
        table = table.setdefault(part, {})
    table[key] = value


def _read(loaded: Loaded, place: str) -> object:
    name, *entry, key = place.split(".")
    part = getattr(loaded.config, name)
    return getattr(part[entry[0]] if entry else part, key)


@pytest.mark.parametrize(("place", "value", "read"), ACCEPTED)
def test_a_right_value_is_accepted_and_read(
    load: Callable[..., Loaded], sound: dict[str, Any], place: str, value: object, read: object
) -> None:
    _put(sound, place, value)
    assert _read(load(sound), place) == read


@pytest.mark.parametrize(("place", "value", "what", "hint"), REFUSED)
def test_a_wrong_value_is_refused_with_what_was_got_and_a_hint(
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
    place: str,
    value: object,
    what: str,
    hint: str,
) -> None:
    _put(sound, place, value)
    [problem] = problems(sound)
    assert str(problem) == f"{place}: {what}"
    assert problem.hint.startswith(hint)
    assert bool(problem.hint) == bool(hint)


@pytest.mark.parametrize("rows", [ACCEPTED, REFUSED], ids=["accepted", "refused"])
def test_the_tables_above_leave_no_option_out(rows: list[tuple[str, object]]) -> None:
    assert {row[0] for row in rows} == set(EVERY_OPTION)


@pytest.mark.parametrize("place", EVERY_OPTION)
def test_the_example_of_every_option_is_accepted(
    load: Callable[..., Loaded], sound: dict[str, Any], place: str
) -> None:
    example = EVERY_OPTION[place][0].example
    assert example, "the option has no example"
    _put(sound, place, example)
    assert str(_read(load(sound), place)) != "None"


@pytest.mark.parametrize(
    "place", [place for place, (option, _) in EVERY_OPTION.items() if not option.required]
)
def test_an_option_left_out_has_its_default(
    load: Callable[..., Loaded], sound: dict[str, Any], place: str
) -> None:
    name, *entry, key = place.split(".")
    section = sound.get(name, {})
    (section.get(entry[0], {}) if entry else section).pop(key, None)
    assert _read(load(sound), place) == EVERY_OPTION[place][1]


@pytest.mark.parametrize(
    "place", [place for place, (option, _) in EVERY_OPTION.items() if option.required]
)
def test_a_required_option_left_out_is_missed(
    problems: Callable[..., list[Problem]], sound: dict[str, Any], place: str
) -> None:
    name, *entry, key = place.split(".")
    del (sound[name][entry[0]] if entry else sound[name])[key]
    assert [str(each) for each in problems(sound)] == [f"{place}: is missing"]
