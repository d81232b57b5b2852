"""Files of variables, in the form that ``docker run --env-file`` reads."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sidecar.errors import OperatorError
from sidecar.regular_file import read_regular_file

_NAME: Final = re.compile(r"[^\s=\0]+")
_MAX_BYTES: Final = 1_000_000


def read_env_file(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Read a file of variables.

    A line is ``NAME=value``, the value being all that follows, quotes and blanks too, or ``NAME``
    alone for a variable of `environment`. Empty lines and those that begin with ``#`` say nothing.

    Raises:
        OperatorError: the file cannot be read, or a line is neither; tells its number and not
            what it holds.

    """
    try:
        content, _ = read_regular_file(path, _MAX_BYTES)
        lines = content.decode().replace("\r\n", "\n").split("\n")
    except OSError as exc:
        raise OperatorError(
            f"{path} cannot be read: {exc.strerror}", hint="check --env-file"
        ) from (exc)
    except UnicodeDecodeError:
        raise OperatorError(f"{path} is not UTF-8", hint="check --env-file") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        said = line.lstrip()
        if not said or said.startswith("#"):
            continue
        name, equals, value = said.partition("=")
        if not _NAME.fullmatch(name) or "\0" in value:
            raise OperatorError(
                f"{path}, line {number}: not a variable", hint="write NAME=value, or NAME alone"
            )
        if equals or name in environment:
            found[name] = value if equals else environment[name]
    return found
