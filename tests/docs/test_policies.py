"""What somebody copies from the documentation is as good as what the linter asks for."""

import json
import re
from pathlib import Path

from sidecar.provision.lint import lint_trust_policy

ROOT = Path(__file__).parents[2]


def test_the_linter_finds_nothing_in_a_documented_trust_policy() -> None:
    pages = [(page, page.read_text()) for page in sorted((ROOT / "docs").glob("*.md"))]
    found = {
        page.name: list(lint_trust_policy(json.loads(block)))
        for page, text in pages
        for block in re.findall(r"^```json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        if "rolesanywhere.amazonaws.com" in block and "sts:AssumeRole" in block
    }
    assert found == {"aws-setup.md": []}
