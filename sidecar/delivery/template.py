"""Text with places for values: ``${reference}``, ``${reference|filter}``, and ``$${`` for ``${``.

Of the dollars right before a brace each two stand for one, and one that is left begins a value:
``$$${secret://price}`` is a dollar and a value. All other text stands for itself.
"""

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import quote

from sidecar.delivery.reference import Reference
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

_DOLLARS: Final = re.compile(r"(\$+)\{")
# Line breaks for some readers of YAML, which would fold them; JSON lets any character be escaped.
_BREAKS: Final = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _json(value: Secret) -> str:
    """Write a JSON string with its quotes, which is one in YAML too."""
    quoted = json.dumps(_text(value), ensure_ascii=False)
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _shell(value: Secret) -> str:
    """Write one word of a POSIX shell."""
    text = value.reveal()
    if "\0" in text:
        raise ValueError("holds a NUL, which no shell can")
    return shlex.quote(text)


def _uri(value: Secret) -> str:
    """Write what may stand in any part of a URI, such as a password before an @."""
    return quote(value.encoded(), safe="")


def _base64(value: Secret) -> str:
    return b64encode(value.encoded()).decode()


def _text(value: Secret) -> str:
    text = value.reveal()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not text: use the filter base64") from None
    return text


FILTERS: Final[Mapping[str, Callable[[Secret], str]]] = MappingProxyType(
    {"json": _json, "shell": _shell, "uri": _uri, "base64": _base64}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes, and how it is written there; without filter, as it is."""

    reference: Reference
    filter: str | None = None

    def written(self, value: Secret) -> str:
        """Write the value.

        Raises:
            OperatorError: the filter cannot write such a value.

        """
        if self.filter is None:
            return value.reveal()
        try:
            return FILTERS[self.filter](value)
        except ValueError as exc:
            raise OperatorError(f"the value of {self.reference} {exc}") from None


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text and places for values, in their order."""

    parts: tuple[str | Place, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a template.

        Raises:
            OperatorError: a place is not closed, names no reference or an unknown filter; says
                which line.

        """
        return cls(tuple(part for part in _parts(text) if part))

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every value that is needed, once."""
        places = (part for part in self.parts if isinstance(part, Place))
        return tuple(dict.fromkeys(place.reference for place in places))

    def filled(self, values: Mapping[Reference, Secret]) -> Secret:
        """Put the values in their places; `Secret.encoded` of the result is exactly its bytes.

        Args:
            values: at least those of `references`.

        Raises:
            OperatorError: a filter cannot write a value.

        """
        written = (
            part if isinstance(part, str) else part.written(values[part.reference])
            for part in self.parts
        )
        return Secret("".join(written))


def _parts(text: str) -> Iterator[str | Place]:
    at = 0
    while found := _DOLLARS.search(text, at):
        dollars = len(found[1])
        yield text[at : found.start()] + "$" * (dollars // 2)
        at = found.end()
        if dollars % 2 == 0:
            yield "{"
            continue
        line = text.count("\n", 0, at) + 1
        inside, closed, _ = text[at:].partition("}")
        if not closed or "\n" in inside:
            raise OperatorError(f"line {line}: ${{ is not closed", hint="write $${ for a plain ${")
        yield _place(inside, line)
        at += len(inside) + 1
    yield text[at:]


def _place(inside: str, line: int) -> Place:
    text, bar, filter_name = inside.partition("|")
    try:
        reference = Reference.parse(text)
    except OperatorError as exc:
        hint = f"write $${{ for a plain ${{; {exc.hint}"
        raise OperatorError(f"line {line}: {exc.message}", hint=hint) from None
    if bar and filter_name not in FILTERS:
        raise OperatorError(
            f"line {line}: there is no filter {filter_name!a}",
            hint=f"filters are {', '.join(FILTERS)}; a | in a reference is written %7C",
        )
    return Place(reference, filter_name if bar else None)
