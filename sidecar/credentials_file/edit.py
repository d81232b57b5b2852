"""Changing keys of one profile in the bytes of a shared credentials file: a pure function.

The rules of the format are those of Python's ``configparser``, which botocore reads the file with:
a line that is indented deeper than its key continues the value, ``#`` and ``;`` begin a comment
only where they begin a line, a key ends at ``=`` or ``:``.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from configparser import (
    DEFAULTSECT,
    DuplicateOptionError,
    DuplicateSectionError,
    Error,
    MissingSectionHeaderError,
    ParsingError,
    RawConfigParser,
)
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from sidecar.errors import OperatorError

_Profiles = dict[str, dict[str, str]]

_MEND: Final = "no SDK of AWS's reads it reliably; mend it by hand"


def edited(content: bytes, profile: str, entries: Mapping[str, str | None]) -> bytes:
    """Set and remove keys of one profile, which is added at the end where it is missing.

    Of a key that is there only the value changes; a new one goes below the others. No other line
    changes, and the line ends stay what they are. The outcome is parsed again and compared with
    what was meant: a file that is stranger than this function thinks is refused, never damaged.

    Args:
        content: the file as it is.
        profile: the section's name, as between the brackets.
        entries: value by key in lower case; None removes the key.

    Raises:
        OperatorError: the name cannot be a profile's, or botocore could not read the file, before
            or after. No message quotes a line: it may hold a secret.

    """
    check_profile_name(profile)
    text = _decoded(content)
    before = _parsed(text)
    for name in before:
        if name != profile and name.strip() == profile:
            raise OperatorError(
                f"the credentials file has profile [{name}], with spaces inside the brackets",
                hint=f"write [{profile}]: SDKs differ in whether the spaces belong to the name",
            )
    lines = list(_lines(text))
    changed = "".join(_changed(lines, profile, entries))
    if _parsed(changed) != _meant(text, profile, entries):
        raise OperatorError(
            f"profile [{profile}] cannot be changed without changing what else the file says",
            hint="remove its aws_… keys, and those of a section [DEFAULT], by hand",
        )
    return changed.encode()


def check_profile_name(profile: str) -> None:
    """Refuse what no section of the file may be called; OperatorError says why."""
    if (
        not profile
        or not profile.isprintable()
        or profile != profile.strip()
        or {*"[]"} & {*profile}
    ):
        raise OperatorError(
            f"not a profile's name: {profile!a}",
            hint="give one without brackets, control characters and spaces around it",
        )
    if profile == DEFAULTSECT:
        raise OperatorError(
            f"not a profile's name: {DEFAULTSECT}",
            hint="botocore reads [DEFAULT] as part of every profile; give default",
        )


class _Kind(Enum):
    HEADER = auto()
    OPTION = auto()
    CONTINUATION = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class _Line:
    """One line with its end; `start` and `end` are where the value of an option stands."""

    text: str
    kind: _Kind
    section: str | None = None
    option: str | None = None
    start: int = 0
    end: int = 0

    @property
    def indent(self) -> str:
        return self.text[: len(self.text) - len(self.text.lstrip())]


def _lines(text: str) -> Iterator[_Line]:
    """Tell what each line is, in step with ``RawConfigParser._read``."""
    section = option = None
    depth = 0
    for line in io.StringIO(text, newline=""):
        stripped = line.strip()
        here = len(line) - len(line.lstrip())
        if not stripped or stripped[0] in "#;":
            yield _Line(line, _Kind.OTHER, section)
            continue
        if option is not None and here > depth:
            yield _Line(line, _Kind.CONTINUATION, section, option)
            continue
        depth = here
        if header := RawConfigParser.SECTCRE.match(stripped):
            section, option = header["header"], None
            yield _Line(line, _Kind.HEADER, section)
        elif found := RawConfigParser.OPTCRE.match(stripped):
            option = found["option"].rstrip().lower()
            start, end = found.span("value")
            yield _Line(line, _Kind.OPTION, section, option, here + start, here + end)


def _changed(
    lines: Sequence[_Line], profile: str, entries: Mapping[str, str | None]
) -> Iterator[str]:
    ours = [i for i, line in enumerate(lines) if line.section == profile]
    there = {lines[i].option for i in ours}
    missing = [(k, v) for k, v in entries.items() if v is not None and k not in there]
    below = _place(lines, ours, entries)
    newline = _newline(lines)
    for i, line in enumerate(lines):
        text = _with_value(line, entries) if line.section == profile else line.text
        if i == below and missing:
            yield _ended(text, newline)
            yield from (f"{_indent(lines, i)}{k} = {v}{newline}" for k, v in missing)
        else:
            yield text
    if below is None:
        yield from _new_section(lines, profile, missing, newline)


def _with_value(line: _Line, entries: Mapping[str, str | None]) -> str:
    """Give the line with its new value, or nothing where it goes away."""
    if line.option is None or line.option not in entries:
        return line.text
    value = entries[line.option]
    if value is None or line.kind is _Kind.CONTINUATION:
        return ""
    return line.text[: line.start] + value + line.text[line.end :]


def _place(
    lines: Sequence[_Line], ours: Sequence[int], entries: Mapping[str, str | None]
) -> int | None:
    """Find the line below which missing keys go: the last of ours that stays, else the header."""
    for i in reversed(ours):
        line = lines[i]
        if line.kind is _Kind.HEADER:
            return i
        if line.kind is _Kind.OPTION and entries.get(line.option or "") is not None:
            return i
    return None


def _indent(lines: Sequence[_Line], below: int) -> str:
    """Give new keys the depth of what follows, which would else become their continuation."""
    if lines[below].kind is _Kind.OPTION:
        return lines[below].indent
    following = (line.indent for line in lines[below + 1 :] if line.kind is not _Kind.OTHER)
    return next(following, lines[below].indent)


def _new_section(
    lines: Sequence[_Line], profile: str, entries: Sequence[tuple[str, str]], newline: str
) -> Iterator[str]:
    if lines:
        last = lines[-1].text
        yield _ended(last, newline)[len(last) :]
        yield newline if last.strip() else ""
    yield f"[{profile}]{newline}"
    yield from (f"{key} = {value}{newline}" for key, value in entries)


def _ended(text: str, newline: str) -> str:
    return text if text.endswith(("\n", "\r")) else text + newline


def _newline(lines: Sequence[_Line]) -> str:
    return "\r\n" if lines and lines[0].text.endswith("\r\n") else "\n"


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise OperatorError(
            f"the credentials file is not UTF-8 (line {line})", hint=_MEND
        ) from None


def _parser(text: str) -> RawConfigParser:
    parser = RawConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
    except Error as exc:
        raise OperatorError(
            f"the credentials file cannot be parsed: {_complaint(exc)}", hint=_MEND
        ) from None
    return parser


def _complaint(exc: Error) -> str:
    """Say what is wrong without a word of what the line holds."""
    match exc:
        case DuplicateSectionError():
            return f"line {exc.lineno} begins a profile that there was before"
        case DuplicateOptionError():
            return f"line {exc.lineno} repeats a key of its profile"
        case MissingSectionHeaderError():
            return f"line {exc.lineno} stands before any [profile]"
        case ParsingError():
            return f"line {exc.errors[0][0]} is neither a [profile] nor key = value"
        case _:
            return type(exc).__name__


def _parsed(text: str) -> _Profiles:
    parser = _parser(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _meant(text: str, profile: str, entries: Mapping[str, str | None]) -> _Profiles:
    profiles = _parsed(text)
    values: dict[str, str | None] = {
        **profiles.get(profile, dict(_parser(text).defaults())),
        **entries,
    }
    kept = {key: value for key, value in values.items() if value is not None}
    return {**profiles, profile: kept}
