"""Every finding that can be made is documented, and tested."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROOM: Final = ROOT / "sidecar/identity"
MODULES: Final = ("checks.py", "leaf_checks.py", "chain_checks.py", "key_file_checks.py")


def _codes() -> Iterator[tuple[str, str]]:
    """Give code and severity of each finding, read from the source."""
    for module in MODULES:
        for node in ast.walk(ast.parse((ROOM / module).read_text())):
            match node:
                case ast.Call(
                    func=ast.Name("error" | "warning" as severity),
                    args=[ast.Constant(str() as code), *_],
                ):
                    yield code, severity


def test_every_finding_is_in_the_documentation_with_its_severity() -> None:
    rows = [
        [cell.strip() for cell in line.split("|")[1:3]]
        for line in (ROOT / "docs/identity.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    documented = {
        (code.strip(" `"), severity) for codes, severity in rows for code in codes.split(",")
    }
    assert documented == set(_codes())


def test_every_finding_is_expected_by_a_test() -> None:
    tests = "".join(each.read_text() for each in Path(__file__).parent.glob("test_*checks.py"))
    assert [code for code, _ in _codes() if f'"{code}"' not in tests] == []
