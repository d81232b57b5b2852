"""From raw tables to a checked `Config`, with every problem reported at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sidecar.config.option import Entries, Option, Variants, options_of, variable
from sidecar.config.role_sources import ROLES_ANYWHERE
from sidecar.config.schema import (
    LISTS,
    OPTIONAL_TABLES,
    SECTIONS,
    TABLES,
    Config,
    heading,
    name_problem,
)
from sidecar.config.shown import shown
from sidecar.config.sources import Raw, find_file, gather, variable_name
from sidecar.errors import ConfigError, Problem

_NO_FILE: Final = (
    "there is no ./sidecar.toml and no /etc/sidecar/sidecar.toml: name a file by --config, or set "
    "variables"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, the file it came from, and what a user should hear about it.

    ``problems`` are those of single values, and ``faulty`` the sections that have any, such as
    ``aws`` or ``roles.default``: nothing in these may be used. ``said_by`` names the variable that
    set an option, by ``section.key``.
    """

    config: Config
    file: Path | None
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    faulty: frozenset[str] = frozenset()
    said_by: Mapping[str, str] = field(default_factory=dict)

    @property
    def hint(self) -> str:
        """What to do first about problems: where nothing is configured, they all come of that."""
        return "" if self.file is not None or self.said_by else _NO_FILE

    def with_variables(self, problems: Iterable[Problem]) -> list[Problem]:
        """Name the variable too that set an option, where one has."""
        return [_with_variable(each, self.said_by.get(each.where)) for each in problems]


def load_config(requested: Path | None, environment: Mapping[str, str]) -> Loaded:
    """Read the whole configuration and check every single value.

    Not checked: what must hold between values (`sidecar.config.consistency`), and whether the
    files that it names can be used (`sidecar.preflight`).

    Args:
        requested: the file that the user named, or None for the default places.
        environment: variables that lie over the file.

    Raises:
        ConfigError: with every problem found.

    """
    loaded = read_config(requested, environment)
    if loaded.problems:
        raise ConfigError(loaded.problems, hint=loaded.hint)
    return loaded


def read_config(requested: Path | None, environment: Mapping[str, str]) -> Loaded:
    """Do as `load_config`, but return the problems, for a caller who looks for more of them.

    Raises:
        ConfigError: the file cannot be read at all.

    """
    raw = gather(find_file(requested), environment)
    reader = _Reader(raw)
    config = reader.config()
    warnings = tuple(
        f"variable {name} means nothing to the sidecar"
        for name in raw.unknown_variables
        if name not in reader.named_variables
    )
    return Loaded(
        config, raw.file, warnings, tuple(reader.problems), frozenset(reader.faulty), raw.said_by
    )


class _Reader:
    """Reads sections and collects problems on the way."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self.problems: list[Problem] = []
        self.faulty: set[str] = set()
        self.named_variables: set[str] = set()

    def config(self) -> Config:
        """Read everything; the result is whole only when there are no problems."""
        known = {*SECTIONS, *TABLES, *LISTS}
        for name in self._raw.tables:
            if name not in known:
                self._complain(name, "unknown section", _known(sorted(known)))
        sections: dict[str, Any] = {
            name: self._section(name, schema) if self._wanted(name) else None
            for name, schema in SECTIONS.items()
        }
        tables: dict[str, Any] = {
            name: self._table(name, schema) for name, schema in TABLES.items()
        }
        lists: dict[str, Any] = {name: self._list(name, schema) for name, schema in LISTS.items()}
        return Config(**sections, **tables, **lists)

    def _wanted(self, section: str) -> bool:
        """Whether to read a section: the identity may be missing if no role is signed for."""
        if section != "identity" or section in self._raw.tables:
            return True
        roles = self._raw.tables.get("roles")
        entries = roles.values() if isinstance(roles, dict) else ()
        kinds = [each.get("source", ROLES_ANYWHERE) for each in entries if isinstance(each, dict)]
        return ROLES_ANYWHERE in kinds

    def _table(self, name: str, schema: Entries) -> dict[str, Any]:
        entries = self._raw.tables.get(name, {})
        before = len(self.problems)
        if not isinstance(entries, dict):
            self._complain(name, f"must be tables: {heading(name, '<name>')}", "")
            entries = {}
        elif not entries and name not in OPTIONAL_TABLES:
            self._complain(name, "is missing", f"add [{name}.default]")
        for entry in entries:
            if hint := name_problem(name, entry):
                self._complain(f"{name}.{entry}", "is not a name", hint)
        self._find_faulty(name, before)
        return {entry: self._section(f"{name}.{entry}", schema) for entry in entries}

    def _list(self, name: str, schema: type) -> tuple[Any, ...]:
        """Read an array of tables; its entries are named by their place, the first being 1."""
        entries = self._raw.tables.get(name, [])
        if not isinstance(entries, list):
            self._complain(name, "must be an array of tables", f"write [[{name}]]")
            self.faulty.add(name)
            entries = []
        return tuple(
            self._read(f"{name}.{place}", entry, schema)
            for place, entry in enumerate(entries, start=1)
        )

    def _section(self, where: str, entries: Entries) -> Any:
        table: Any = self._raw.tables
        for part in where.split(".", 1):
            table = table.get(part, {})
        return self._read(where, table, entries)

    def _read(self, where: str, table: Any, entries: Entries) -> Any:
        before = len(self.problems)
        if not isinstance(table, dict):
            self._complain(where, "must be a table", f"write {_heading(where)}")
        schema = self._schema(where, table, entries) if isinstance(table, dict) else None
        values = {} if schema is None else self._values(where, table, schema)
        self._find_faulty(where, before)
        # A section is made even where a value was refused; the config is thrown away then.
        return None if schema is None else schema(**values)

    def _schema(self, where: str, table: Mapping[str, Any], entries: Entries) -> type | None:
        """Find out which kind of section this is, and complain of keys that it does not have."""
        schema = self._variant(where, table, entries) if isinstance(entries, Variants) else entries
        known = options_of(schema) if schema is not None else table
        for key in table:
            if key not in known:
                self._complain(f"{where}.{key}", _unknown(key, entries), _known(known))
        return schema

    def _variant(self, where: str, table: Mapping[str, Any], kinds: Variants) -> type | None:
        said = table.get(kinds.key, kinds.default)
        found = kinds.schemas.get(said) if isinstance(said, str) else None
        if found is None:
            choices = ", ".join(kinds.schemas)
            got = f" (got {shown(said)})" if kinds.key in table else ""
            what = f"must be one of {choices}{got}"
            self._complain(f"{where}.{kinds.key}", what, "")
        return found

    def _values(self, where: str, table: Mapping[str, Any], schema: type) -> dict[str, object]:
        return {
            key: self._value(f"{where}.{key}", found, table.get(key))
            for key, (found, _) in options_of(schema).items()
            if key in table or found.required
        }

    def _value(self, where: str, found: Option, value: object) -> object:
        if value is None:
            variable_set = "" if _in_list(where) else f", or set {self._variable(where)}"
            self._complain(where, "is missing", f"{found.hint or 'add it'}{variable_set}")
            return None
        try:
            read = found.read(value)
        except ValueError as exc:
            got = f" (got {shown(value)})" if found.may_be_shown else ""
            self._complain(where, f"{exc}{got}", found.hint)
            return None
        if found.read is variable:
            self.named_variables.add(str(read))
        return read

    def _find_faulty(self, where: str, before: int) -> None:
        if len(self.problems) > before:
            self.faulty.add(where)

    def _complain(self, where: str, what: str, hint: str) -> None:
        problem = Problem(where, what, hint)
        self.problems.append(_with_variable(problem, self._raw.said_by.get(where)))

    def _variable(self, where: str) -> str:
        """Name the variable that sets an option, the short one if there is one."""
        section, _, key = where.rpartition(".")
        found = (name for name, place in self._raw.short_names.items() if place == (section, key))
        return next(found, variable_name(section, key))


def _with_variable(problem: Problem, variable: str | None) -> Problem:
    if variable is None:
        return problem
    return replace(problem, where=f"{problem.where} ({variable})")


def _in_list(where: str) -> bool:
    """Whether an option stands in an array of tables, whose entries no variable names."""
    return where.partition(".")[0] in LISTS


def _heading(where: str) -> str:
    """Give the line that begins a section in the file."""
    table, dot, entry = where.partition(".")
    if _in_list(where):
        return f"[[{table}]]"
    return heading(table, entry) if dot else f"[{table}]"


def _unknown(key: str, entries: Entries) -> str:
    """Say why a section may not have this key."""
    if isinstance(entries, Variants):
        owners = [name for name, kind in entries.schemas.items() if key in options_of(kind)]
        if owners:
            return f"belongs to {entries.key} {' and '.join(owners)} only"
    return "unknown key"


def _known(keys: Iterable[str]) -> str:
    return f"known are {', '.join(keys)}"
