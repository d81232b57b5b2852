"""What is documented is what there is, and the other way round."""

import argparse
import re
from pathlib import Path

import pytest

from sidecar.cli import COMMANDS, build_parser
from sidecar.config.reference import with_reference
from sidecar.emulator.control import PREFIX, ROUTES

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "certs").glob("*.md")],
)
# Where a command is described, when not in docs/commands.md.
COMMAND_PAGES = {"emulator": "emulator.md"}


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    return [
        flag
        for action in parser._actions
        for flag in action.option_strings
        if flag not in ("-h", "--help")
    ]


def _section(page: str, title: str) -> str:
    found = re.search(rf"^## `{re.escape(title)}`$(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    assert found is not None, f"no section {title!r}"
    return found[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_flag_is_documented(name: str) -> None:
    if name in COMMAND_PAGES:
        text = (ROOT / "docs" / COMMAND_PAGES[name]).read_text()
    else:
        text = _section((ROOT / "docs/commands.md").read_text(), f"sidecar {name}")
    missing = [flag for flag in _flags(build_parser(name)) if f"`{flag}" not in text]
    assert missing == []


def test_no_command_is_documented_that_does_not_exist() -> None:
    titles = re.findall(
        r"^## `sidecar (.*)`$", (ROOT / "docs/commands.md").read_text(), re.MULTILINE
    )
    assert [title for title in titles if title not in COMMANDS] == []


def test_the_option_tables_are_those_of_the_options() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert page == with_reference(page), "run: make docs"


@pytest.mark.parametrize(
    ("source", "routes"),
    [
        ("credentials_door.py", {"/credentials"}),
        ("secrets_door.py", {"/ping"}),
        (
            "metadata_paths.py",
            {
                "/latest/api/token",
                "/latest/meta-data/iam/security-credentials",
                "/latest/meta-data/iam/info",
                "/latest/dynamic/instance-identity/document",
            },
        ),
        ("admin_door.py", {"/healthz", "/readyz"}),
        ("../secret_cache/request.py", {"/secretsmanager/get", "/v1/"}),
    ],
)
def test_every_route_is_documented(source: str, routes: set[str]) -> None:
    code = (ROOT / "sidecar/web" / source).read_text()
    text = (ROOT / "docs/endpoints.md").read_text()
    in_code = set(re.findall(r'"(/[a-z_0-9]+(?:/[a-z]*)?)"', code)) | {
        r for r in routes if r in code
    }
    assert routes <= in_code
    assert [route for route in in_code if route not in text] == []


def test_every_request_of_the_control_socket_is_documented_and_no_other() -> None:
    code = (ROOT / "sidecar/web/control_door.py").read_text()
    in_code = set(re.findall(r'"(/[a-z]+)": Route\("([A-Z]+)"', code))
    page = (ROOT / "docs/control.md").read_text()
    requests = re.findall(r"`(GET|POST) (/[a-z]+)[^`]*`(?=.* \|)", page)
    assert in_code
    assert {(path, method) for method, path in requests} == in_code


def _table_of_control_routes(page: str) -> dict[str, set[str]]:
    """Read the routes and their methods; a row without a route is a further method of the last."""
    found: dict[str, set[str]] = {}
    for route, method in re.findall(r"^\|(?: `(/\S+)`)? \| ([A-Z]+) \|", page, re.MULTILINE):
        name = route or list(found)[-1]
        found.setdefault(name, set()).add(method)
    return found


def test_every_control_route_and_method_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/emulator.md").read_text()
    routes = {f"{PREFIX}{name}": set(methods) for name, methods in ROUTES.items()}
    assert _table_of_control_routes(page) == routes


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_proof_that_the_security_page_names_is_there() -> None:
    page = (ROOT / "docs/security.md").read_text()
    named = re.findall(r"`(tests/[a-z_/]+(?:\.py)?)`", page)
    assert len(named) > 30
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 200


def test_the_readme_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set()
    for page in PAGES:
        named |= set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", page.read_text(), re.MULTILINE))
    assert {name for pair in named for name in pair if name} <= targets


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[Unreleased\]$", text, re.MULTILINE)
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
