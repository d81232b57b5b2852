"""Where configuration comes from: a TOML file and environment variables, as one raw table."""

import re
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sidecar.config.option import options_of, schemas_of
from sidecar.config.schema import SECTIONS, TABLES
from sidecar.errors import ConfigError, Problem

DEFAULT_PATHS: Final = (Path("sidecar.toml"), Path("/etc/sidecar/sidecar.toml"))
PREFIX: Final = "SIDECAR_"
# The reference page writes <NAME> where a name stands.
_NOT_IN_VARIABLES: Final = re.compile("[^A-Z0-9_<>]")

# What commands without a configuration read, and `serve` need not wonder at.
_OF_OTHER_COMMANDS: Final = frozenset({"SIDECAR_CACHE_DIRECTORY"})
# Variables with short names, so that a compose file needs no TOML: (section, key).
SHORT_NAMES: Final = {
    "SIDECAR_CERTIFICATE": ("identity", "certificate"),
    "SIDECAR_PRIVATE_KEY": ("identity", "private_key"),
    "SIDECAR_CHAIN": ("identity", "chain"),
    "SIDECAR_PASSWORD_FILE": ("identity", "password_file"),
    "SIDECAR_PASSWORD_ENV": ("identity", "password_env"),
    "AWS_REGION": ("aws", "region"),
    "AWS_ENDPOINT_URL": ("aws", "endpoint_url"),
    # Not AWS_ENDPOINT_URL_SECRETS_MANAGER: it is for applications, and points at this program.
    "AWS_ENDPOINT_URL_ROLESANYWHERE": ("aws", "endpoint_url_rolesanywhere"),
    "AWS_ENDPOINT_URL_STS": ("aws", "endpoint_url_sts"),
    "AWS_USE_FIPS_ENDPOINT": ("aws", "use_fips_endpoint"),
    "AWS_USE_DUALSTACK_ENDPOINT": ("aws", "use_dualstack_endpoint"),
    "AWS_CA_BUNDLE": ("aws", "ca_bundle"),
}
# The same for the one role that exists without a file, and for the one app without `[apps]`.
SHORT_NAMES_OF_THE_ROLE: Final = {
    "SIDECAR_TRUST_ANCHOR_ARN": "trust_anchor_arn",
    "SIDECAR_PROFILE_ARN": "profile_arn",
    "SIDECAR_ROLE_ARN": "role_arn",
    "SIDECAR_SESSION_DURATION_SECONDS": "session_duration_seconds",
}
SHORT_NAMES_OF_THE_APP: Final = {"SIDECAR_TOKEN_FILE": "static_token_file"}
TOKEN_VARIABLE: Final = "SIDECAR_TOKEN"  # noqa: S105 - the variable's name
THE_ONE: Final = "default"
_EVERYTHING: Final = ("secrets", "parameters", "assume_roles")

Table = MutableMapping[str, Any]


@dataclass(slots=True)
class Raw:
    """Everything that was said, not yet read as values.

    ``short_names`` are those that have an effect here; ``said_by`` tells for each ``section.key``
    which variable said it, for messages; ``unknown_variables`` are SIDECAR_* variables that mean
    nothing.
    """

    tables: dict[str, Any]
    file: Path | None = None
    short_names: dict[str, tuple[str, str]] = field(default_factory=dict)
    said_by: dict[str, str] = field(default_factory=dict)
    unknown_variables: list[str] = field(default_factory=list)


def find_file(requested: Path | None, defaults: Sequence[Path] = DEFAULT_PATHS) -> Path | None:
    """Return the file to read: the one asked for, or the first default that exists."""
    if requested is not None:
        return requested
    return next((path for path in defaults if path.is_file()), None)


def gather(file: Path | None, environment: Mapping[str, str]) -> Raw:
    """Read the file, if any, and lay the environment over it.

    Raises:
        ConfigError: the file cannot be read or is not TOML.

    """
    raw = Raw(_read_toml(file) if file is not None else {}, file, dict(SHORT_NAMES))
    understood = set(_OF_OTHER_COMMANDS)
    if "apps" not in raw.tables:
        if "roles" not in raw.tables:
            _the_one_role(raw)
        _the_one_app(raw, environment)
        understood.add(TOKEN_VARIABLE)
    for variable, where in raw.short_names.items():
        if environment.get(variable):
            _say(raw, *where, environment[variable], variable)
    # Two secrets' names may differ only in what is _ in a variable; it is then said of both.
    known = list(_long_names(raw.tables))
    for variable, where in known:
        if variable in environment:
            _say(raw, *where, environment[variable], variable)
    understood |= {*(variable for variable, _ in known), *raw.short_names}
    raw.unknown_variables = [
        name for name in environment if name.startswith(PREFIX) and name not in understood
    ]
    return raw


def _the_one_role(raw: Raw) -> None:
    """Make the role that exists when no file names any."""
    raw.tables["roles"] = {THE_ONE: {}}
    raw.short_names |= {
        variable: (f"roles.{THE_ONE}", key) for variable, key in SHORT_NAMES_OF_THE_ROLE.items()
    }


def _the_one_app(raw: Raw, environment: Mapping[str, str]) -> None:
    """Make the app that exists when no file names any: it may use everything."""
    roles = raw.tables["roles"]
    named = list(roles) if isinstance(roles, dict) else []
    # Its default role is the one called so, or the first.
    named.sort(key=lambda name: name != THE_ONE)
    everything = {key: ["*"] for key in _EVERYTHING}
    raw.tables["apps"] = {THE_ONE: {**({"roles": named} if named else {}), **everything}}
    raw.short_names |= {
        variable: (f"apps.{THE_ONE}", key) for variable, key in SHORT_NAMES_OF_THE_APP.items()
    }
    if environment.get(TOKEN_VARIABLE):
        _say(raw, f"apps.{THE_ONE}", "token_env", TOKEN_VARIABLE, TOKEN_VARIABLE)


def _long_names(tables: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Give the variable of every option: SIDECAR_<SECTION>_<KEY>, with the name in tables."""
    for section, schema in SECTIONS.items():
        for key in options_of(schema):
            yield variable_name(section, key), (section, key)
    for table, kinds in TABLES.items():
        entries = tables.get(table)
        keys = {key for schema in schemas_of(kinds) for key in options_of(schema)}
        for name in entries if isinstance(entries, dict) else ():
            for key in keys:
                yield variable_name(f"{table}.{name}", key), (f"{table}.{name}", key)


def variable_name(section: str, key: str) -> str:
    """Give the variable that sets an option."""
    return PREFIX + _NOT_IN_VARIABLES.sub("_", f"{section}_{key}".upper())


def _say(raw: Raw, section: str, key: str, value: str, variable: str) -> None:
    table: Any = raw.tables
    for part in section.split(".", 1):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            return  # the file has something else there, which is reported when it is read
    table[key] = value
    raw.said_by[f"{section}.{key}"] = variable


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        content = file.read_bytes()
    except OSError as exc:
        problem = Problem(str(file), f"cannot be read: {exc.strerror}", "check --config")
        raise ConfigError([problem]) from exc
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as exc:
        raise ConfigError([Problem(str(file), "is not UTF-8")]) from exc
    except ValueError as exc:  # also of a number with more digits than Python reads
        raise ConfigError([Problem(str(file), f"is not TOML: {exc}")]) from exc
    except RecursionError:
        raise ConfigError([Problem(str(file), "is nested too deeply")]) from None
