"""Writes the zip of the rotation function where the command line says."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the source beside this file counts, not what may be installed

from sidecar.provision.function_zip import HANDLER, function_files, function_zip  # noqa: E402


def build(target: Path) -> int:
    """Write the zip and return how many files are in it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(function_zip())
    return len(function_files())


def main() -> int:
    """Build it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    target: Path = parser.parse_args().target
    print(f"{target}: {build(target)} files, handler {HANDLER}.handler")
    return 0


if __name__ == "__main__":
    sys.exit(main())
