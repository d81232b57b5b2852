"""How values of flags are read: in the ways that ``aws_signing_helper`` takes them.

Its flags are those of Go's pflag: ``--name value`` and ``--name=value``; a switch may be given as
``--name=false``; an empty text is as good as none.
"""

import argparse
from collections.abc import Callable
from typing import Final, TypeVar

from sidecar.config.shown import shown

_Value = TypeVar("_Value")

# What Go's strconv.ParseBool takes.
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def reader(read: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Let argparse show our own sentence for a value that is refused."""

    def convert(text: str) -> _Value:
        try:
            return read(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(f"{exc} (got {shown(text)})") from None

    return convert


def optional(read: Callable[[str], _Value]) -> Callable[[str], _Value | None]:
    """Make a reader to which an empty text means that the flag is not given."""
    convert = reader(read)
    return lambda text: convert(text) if text else None


def add_switch(parser: argparse.ArgumentParser, name: str, *, help_text: str) -> None:
    """Declare a flag that is off, on where it stands, and what it says where it says something."""
    parser.add_argument(
        name,
        type=reader(_truth),
        nargs="?",
        const=True,
        default=False,
        metavar="true|false",
        help=help_text,
    )


def _truth(text: str) -> bool:
    if text not in _TRUE | _FALSE:
        raise ValueError("must be true or false")
    return text in _TRUE
