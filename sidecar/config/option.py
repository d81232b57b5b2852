"""One option: how its value is read, what its default is, and what the reference says of it."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from sidecar.arn import Arn

_T = TypeVar("_T")

REGION_HINT: Final = "such as eu-central-1"

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?")
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_FLAGS: Final = {"true": True, "false": False}
_METADATA_KEY: Final = "option"
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d")
# Names by which old tools ask for FIPS; in a signature's scope they are wrong.
_FIPS_REGION: Final = re.compile(r"(?:fips-(.+)|(.+)-fips)")
# botocore refuses other hosts when it makes a client, names with an underscore among them.
_LABEL: Final = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_BASE_URL: Final = re.compile(
    rf"https?://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::\d+)?/?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Option:
    """What the configuration knows of one key.

    ``read`` turns a TOML value, or the text of a variable, into the value used; its ValueError is
    the sentence that a user sees after the key's name.
    """

    read: Callable[[object], object]
    help: str
    example: str = ""
    hint: str = ""
    required: bool = False
    may_be_shown: bool = True


def option(
    read: Callable[[object], _T],
    help_text: str,
    *,
    default: object = dataclasses.MISSING,
    example: str = "",
    hint: str = "",
    may_be_shown: bool = True,
) -> Any:
    """Declare a dataclass field that is an option; without a default it is required."""
    required = default is dataclasses.MISSING
    found = Option(read, help_text, example, hint, required, may_be_shown)
    metadata = {_METADATA_KEY: found}
    if required:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def options_of(section: type) -> Mapping[str, tuple[Option, object]]:
    """List a section's options by key, each with its default (None where there is none)."""
    return {
        field.name: (
            field.metadata[_METADATA_KEY],
            None if field.default is dataclasses.MISSING else field.default,
        )
        for field in dataclasses.fields(section)
        if _METADATA_KEY in field.metadata
    }


@dataclass(frozen=True, slots=True)
class Variants:
    """The kinds of section that a table's entries may be, and the key whose value tells which.

    ``default`` is the kind of an entry that does not have the key.
    """

    key: str
    default: str
    schemas: Mapping[str, type]


Entries = type | Variants


def schemas_of(entries: Entries) -> tuple[type, ...]:
    """List every kind of section that a table's entries may be."""
    return tuple(entries.schemas.values()) if isinstance(entries, Variants) else (entries,)


def text(value: object) -> str:
    """Read text that is not empty."""
    if not isinstance(value, str):
        raise ValueError("must be text")
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def locator(value: object) -> str:
    """Read where a certificate or a key is kept: a file, or a URI of a token or a TPM."""
    name = text(value)
    if "\0" in name:
        raise ValueError("must not hold a NUL character")
    return name


def path(value: object) -> Path:
    """Read a file's path; ``~`` is not special."""
    return Path(locator(value))


def base_url(value: object) -> str:
    """Read the address of a service: scheme, host and perhaps a port, as botocore accepts it."""
    url = text(value)
    if "@" in url:
        raise ValueError("must have no user name or password")
    parts = _split(url)
    if parts is None:
        raise ValueError("must be http://host[:port] or https://host[:port]")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must have no path or query")
    if not _BASE_URL.fullmatch(url):
        raise ValueError("must name its host by letters, digits, hyphens and dots, or by address")
    return url.rstrip("/")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # its words quote what it takes for the host or the port
        return None
    return parts if sound else None


def region_name(value: object) -> str:
    """Read the name of an AWS region."""
    name = text(value)
    if found := _FIPS_REGION.fullmatch(name):
        region = found[1] or found[2]
        raise ValueError(
            f"is no region: for FIPS endpoints write {region}, and use_fips_endpoint in [aws]"
        )
    if not _REGION.fullmatch(name):
        raise ValueError("is not a region's name")
    return name


def flag(value: object) -> bool:
    """Read true or false; the texts of a variable too, in any case."""
    said = _FLAGS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(said, bool):
        raise ValueError("must be true or false")
    return said


def variable(value: object) -> str:
    """Read the name of an environment variable, in capitals, so that no token passes for one."""
    name = text(value)
    if not _VARIABLE.fullmatch(name):
        raise ValueError("must be a variable's name: capitals, digits and _")
    return name


def whole_number(least: int, most: int) -> Callable[[object], int]:
    """Make a reader of whole numbers within a range, both ends included."""

    def read(value: object) -> int:
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if isinstance(number, bool) or not isinstance(number, int):
            raise ValueError("must be a whole number")
        if not least <= number <= most:
            raise ValueError(f"must be between {least} and {most}")
        return number

    return read


def one_of(*choices: str) -> Callable[[object], str]:
    """Make a reader of one of a few words."""

    def read(value: object) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return read


def texts(value: object) -> tuple[str, ...]:
    """Read a list of texts; one text alone, or several between commas, is a list too."""
    items = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise ValueError("must be a list of texts")
    return tuple(text(each) for each in items)


def names(value: object) -> tuple[str, ...]:
    """Read a list of names of roles, without doubles."""
    found = texts(value)
    if len(set(found)) != len(found):
        raise ValueError("names something twice")
    return found


def arn(kind: Callable[[str], Arn]) -> Callable[[object], Arn]:
    """Make a reader of one kind of ARN."""

    def read(value: object) -> Arn:
        return kind(text(value))

    return read


def is_name(value: str) -> bool:
    """Whether a role or app may be called so: it stands in URLs, variables and file names."""
    return _NAME.fullmatch(value) is not None
