"""The zip of the rotation function: its handler and what that imports of this package.

Nothing else is in it: AWS's Python runtime brings boto3. The same source gives the same bytes.
"""

import ast
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HANDLER: Final = "sidecar.rotation.lambda_handler"
_PACKAGE: Final = "sidecar"
_ROOT: Final = Path(__file__).parents[2]
# The earliest that a zip can hold.
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o644 << 16


def function_files() -> tuple[Path, ...]:
    """Give the files of this package that the function needs, its own included, sorted."""
    found: set[Path] = set()
    waiting = [HANDLER]
    while waiting:
        files = set(_files(waiting.pop())) - found
        found |= files
        for file in files:
            waiting += _imports(ast.parse(file.read_text(encoding="utf-8")))
    return tuple(sorted(found))


def function_zip() -> bytes:
    """Give the zip, to be uploaded as a Lambda function's code."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in function_files():
            entry = zipfile.ZipInfo(file.relative_to(_ROOT).as_posix(), _DATE)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def _files(module: str) -> Iterator[Path]:
    """Give the file of a module, if it is one, and those of the packages that it is in."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        path = _ROOT.joinpath(*parts[:length])
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
        yield from (name for name in names if name.split(".")[0] == _PACKAGE)
