"""Writes docs/configuration.md's tables from the options themselves."""

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Final

from sidecar.config.option import Entries, Option, Variants, options_of
from sidecar.config.schema import LISTS, SECTIONS, TABLES, heading
from sidecar.config.sources import (
    SHORT_NAMES,
    SHORT_NAMES_OF_THE_APP,
    SHORT_NAMES_OF_THE_ROLE,
    variable_name,
)

BEGIN: Final = "<!-- options: written by `make docs` -->"
END: Final = "<!-- end of options -->"


def reference() -> str:
    """Give every section and option as Markdown tables."""
    lines: list[str] = []
    for name, schema in SECTIONS.items():
        lines += _section(f"[{name}]", name, schema)
    for name, kinds in TABLES.items():
        for title, schema in _kinds(heading(name, "<name>"), kinds):
            lines += _section(title, f"{name}.<name>", schema)
    for name, schema in LISTS.items():
        lines += _list_entry(name, schema)
    return "\n".join(lines)


def with_reference(page: str) -> str:
    """Put the tables between the page's two marks; ValueError when the marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks for the options")
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def _kinds(title: str, kinds: Entries) -> Iterator[tuple[str, type]]:
    """Give a title and the options of every kind of section that a table's entries may be."""
    if not isinstance(kinds, Variants):
        yield title, kinds
        return
    for said, schema in kinds.schemas.items():
        yield f'{title} {kinds.key} = "{said}"', schema


def _section(title: str, section: str, schema: type) -> Iterator[str]:
    yield from _head(title, schema)
    yield "| key | default | meaning | variable |"
    yield "|---|---|---|---|"
    for key, found, default in _required_first(schema):
        variable = f"`{variable_name(section, key)}`"
        short = _short_name(section, key)
        variables = f"{variable}, `{short}`" if short else variable
        yield f"| `{key}` | {_default(found, default)} | {found.help} | {variables} |"
    yield ""


def _list_entry(name: str, schema: type) -> Iterator[str]:
    """Describe what stands in a file only: there are no variables for an array's entries."""
    yield from _head(f"[[{name}]]", schema)
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for key, found, default in _required_first(schema):
        yield f"| `{key}` | {_default(found, default)} | {found.help} |"
    yield ""


def _head(title: str, schema: type) -> Iterator[str]:
    yield f"### `{title}`"
    yield ""
    yield f"{(schema.__doc__ or '').strip()}"
    yield ""


def _required_first(schema: type) -> list[tuple[str, Option, object]]:
    found = [(key, *each) for key, each in options_of(schema).items()]
    return sorted(found, key=lambda each: not each[1].required)


def _default(found: Option, default: object) -> str:
    if found.required:
        return "required"
    if default is None or default == ():
        return "none"
    if isinstance(default, tuple):
        return ", ".join(f"`{each}`" for each in default)
    return f"`{_as_written(default)}`"


def _as_written(default: object) -> str:
    """Write a value as a file has it."""
    if isinstance(default, IntEnum):
        return default.name.lower()
    return str(default).lower() if isinstance(default, bool) else str(default)


def _short_name(section: str, key: str) -> str | None:
    places = {
        **{place: name for name, place in SHORT_NAMES.items()},
        **{("roles.<name>", key): name for name, key in SHORT_NAMES_OF_THE_ROLE.items()},
        **{("apps.<name>", key): name for name, key in SHORT_NAMES_OF_THE_APP.items()},
    }
    return places.get((section, key))


def main() -> None:
    """Rewrite docs/configuration.md in the current directory."""
    page = Path("docs/configuration.md")
    page.write_text(with_reference(page.read_text()))


if __name__ == "__main__":
    main()
