"""Builds the zip of the rotation function: the handler and what it imports of this package.

Nothing else is in it: AWS's Python runtime brings boto3. The same source gives the same bytes.
"""

import argparse
import ast
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HANDLER = "sidecar.rotation.lambda_handler"
# The earliest that a zip can hold.
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


def imported_from_here(module: str) -> set[Path]:
    """Give the files of this package that a module needs, its own and its packages' included."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        files = set(_files(waiting.pop())) - found
        found |= files
        for file in files:
            waiting += _imports(ast.parse(file.read_text()))
    return found


def build(target: Path) -> int:
    """Write the zip and return how many files are in it."""
    files = sorted(imported_from_here(HANDLER))
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(ROOT).as_posix(), _DATE)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return len(files)


def _files(module: str) -> Iterator[Path]:
    """Give the file of a module, if it is one, and those of the packages that it is in."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        path = ROOT.joinpath(*parts[:length])
        yield from (
            each for each in (path / "__init__.py", path.with_suffix(".py")) if each.is_file()
        )


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "sidecar")


def main() -> int:
    """Build it where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    target: Path = parser.parse_args().target
    count = build(target)
    print(f"{target}: {count} files, handler {HANDLER}.handler")
    return 0


if __name__ == "__main__":
    sys.exit(main())
