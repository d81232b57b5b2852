"""Old files of a trail: FILE.1 is the youngest, FILE.N the oldest."""

import os
from pathlib import Path


def predecessor(path: Path, number: int = 1) -> Path:
    """Name an old file."""
    return path.with_name(f"{path.name}.{number}")


def rotate(path: Path, keep: int) -> None:
    """Move a file and those before it on by one number; the oldest goes once `keep` are there.

    Only as far as the first number that is free: after a failure halfway a second attempt
    moves nothing out of the last place.

    Raises:
        OSError: a file cannot be renamed.

    """
    numbers = range(1, keep + 1)
    last = next((n for n in numbers if not os.path.lexists(predecessor(path, n))), keep)
    for number in range(last, 1, -1):
        predecessor(path, number - 1).replace(predecessor(path, number))
    path.replace(predecessor(path))


def with_old_files(path: Path) -> list[Path]:
    """List a trail's files that there are, the youngest first.

    Raises:
        OSError: the directory cannot be read.

    """
    numbers = [
        int(suffix)
        for each in path.parent.iterdir()
        if (suffix := each.name.removeprefix(f"{path.name}.")) != each.name
        and suffix.isascii()
        and suffix.isdecimal()
        and not suffix.startswith("0")
    ]
    return [path, *(predecessor(path, number) for number in sorted(numbers))]
