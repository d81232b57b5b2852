"""What must hold between the options of a file, and between files."""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from sidecar.config.files_section import FilesSection
from sidecar.errors import Problem

_CONTENTS = ("secret", "parameter", "template", "template_file")


def file_inconsistencies(
    files: Mapping[str, FilesSection], roles: Collection[str]
) -> Iterator[Problem]:
    """Find every contradiction in and between files.

    Args:
        files: those whose values could all be read, by where they stand (``files.1``).
        roles: the names of all roles.

    """
    taken: dict[Path, str] = {}
    for where, file in files.items():
        yield from _content(where, file)
        yield from _on_change(where, file)
        if file.via is not None and file.via not in roles:
            hint = f"configured are {', '.join(roles)}"
            yield Problem(f"{where}.via", f"there is no role {file.via!r}", hint)
        path = Path(os.path.abspath(file.path))  # noqa: PTH100 - links are not followed
        if path in taken:
            yield Problem(f"{where}.path", f"{path} is written by {taken[path]}", "use another")
        taken.setdefault(path, where)


def _content(where: str, file: FilesSection) -> Iterator[Problem]:
    said = [key for key in _CONTENTS if getattr(file, key) is not None]
    if len(said) != 1:
        what = f"has {' and '.join(said)}" if said else "has no content"
        yield Problem(where, what, f"set exactly one of {', '.join(_CONTENTS)}")
        return
    if file.json_key is not None and said[0] not in ("secret", "parameter"):
        hint = "in a template it is part of the reference: ${secret://name#key}"
        yield Problem(f"{where}.json_key", f"cannot go with {said[0]}", hint)
    if file.stage is not None and said[0] != "secret":
        hint = "in a template it is part of the reference: ${secret://name?stage=…}"
        yield Problem(f"{where}.stage", f"cannot go with {said[0]}", hint)


def _on_change(where: str, file: FilesSection) -> Iterator[Problem]:
    if file.signal is not None and file.command:
        yield Problem(f"{where}.command", "cannot go with signal", "let the command send it")
    if (file.signal is None) != (file.pid_file is None):
        there, missing = ("signal", "pid_file") if file.signal else ("pid_file", "signal")
        yield Problem(f"{where}.{there}", f"needs {missing}", "add it")
