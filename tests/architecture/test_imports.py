"""The rules of the house, read from the source without importing it.

Imports point one way; the emulator stands apart, so that it can disagree with the sidecar; one file
reads the machine's clock; what is pure stays pure; files and functions stay small. Imports by a
computed name are not seen.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]

GROUND = frozenset(
    {
        "errors",
        "redaction",
        "clock",
        "arn",
        "credentials",
        "atomic_file",
        "regular_file",
        "file_lock",
        "file_target",
        "session_name",
        "notice",
        "strict_json",
        "access_key_secret",
        "ca",
        "__init__",
    }
)
# Files of a room that stand lower than the rest of it: the configuration reads schedules.
PARTS = dict.fromkeys(
    (
        "rotation.cron",
        "rotation.cron_days",
        "rotation.cron_fields",
        "rotation.rate",
        "rotation.schedule",
        "rotation.window",
    ),
    "rotation's schedules",
)
# A room may import itself and everything further up in this list, never its neighbours.
LAYERS = (
    GROUND,
    frozenset({"rotation's schedules"}),
    frozenset({"signing", "config", "credentials_file", "session_store", "audit", "network"}),
    frozenset({"identity", "aws"}),
    frozenset({"secret_cache", "access", "notify", "providers", "rotation"}),
    frozenset({"delivery", "provision", "supervision"}),
    frozenset({"web"}),
    frozenset({"issuer_graph"}),
    frozenset({"access_preflight", "notify_preflight", "role_graph", "assumed_roles"}),
    frozenset({"preflight", "background", "key_rotation", "notify_graph"}),
    frozenset({"rotation_notices"}),
    frozenset({"rotation_graph"}),
    frozenset({"app_sessions"}),
    frozenset({"secret_graph", "living_access"}),
    frozenset(
        {"secret_changes", "notify_reach", "notice_sources", "denial_notices", "session_notices"}
    ),
    frozenset({"interior"}),
    frozenset({"readiness", "reloading"}),
    frozenset({"controls"}),
    frozenset({"door_graph"}),
    frozenset({"service"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
# These stand apart: they may import the ground floor only, and only the command line imports them.
APART = frozenset({"emulator", "demo"})
# Everybody else gets the two or three values that it needs.
SEE_CONFIGURATION = frozenset(
    {
        "config",
        "web",
        "issuer_graph",
        "access_preflight",
        "notify_preflight",
        "notify_graph",
        "preflight",
        "role_graph",
        "secret_graph",
        "rotation_graph",
        "door_graph",
        "secret_changes",
        "interior",
        "reloading",
        "service",
        "cli",
    }
)

OWNERS = {
    "moto": {"emulator"},
    "flask": {"emulator"},
    "werkzeug": {"emulator"},
    "boto3": {"aws", "demo", "emulator"},
    "botocore": {"aws", "demo", "emulator"},
}

PURE = (
    "sidecar/signing/",
    "sidecar/access/base64url.py",
    "sidecar/access/decision.py",
    "sidecar/access/imds_token.py",
    "sidecar/access/key_set.py",
    "sidecar/access/names.py",
    "sidecar/access/outside_token.py",
    "sidecar/access/own_token.py",
    "sidecar/access/policy.py",
    "sidecar/access/refused.py",
    "sidecar/access/shared_role.py",
    "sidecar/access/token_key.py",
    "sidecar/access/vended.py",
    "sidecar/audit/chain.py",
    "sidecar/audit/denials.py",
    "sidecar/audit/ending.py",
    "sidecar/audit/event.py",
    "sidecar/audit/line.py",
    "sidecar/audit/verification.py",
    "sidecar/notify/attempts.py",
    "sidecar/notify/chat.py",
    "sidecar/notify/emf.py",
    "sidecar/notify/eventbridge.py",
    "sidecar/notify/json_line.py",
    "sidecar/notify/mrkdwn.py",
    "sidecar/notify/presentable.py",
    "sidecar/notify/slack.py",
    "sidecar/notify/standing.py",
    "sidecar/notify/wanted.py",
    "sidecar/notify/webhook.py",
    "sidecar/rotation/action.py",
    "sidecar/rotation/adoption.py",
    "sidecar/rotation/calls.py",
    "sidecar/rotation/due.py",
    "sidecar/rotation/event.py",
    "sidecar/rotation/goal.py",
    "sidecar/rotation/keeper.py",
    "sidecar/rotation/lease.py",
    "sidecar/rotation/observing.py",
    "sidecar/rotation/reaper.py",
    "sidecar/rotation/restoring.py",
    "sidecar/rotation/retirement.py",
    "sidecar/rotation/runner.py",
    "sidecar/rotation/seen.py",
    "sidecar/rotation/standing.py",
    "sidecar/rotation/steps.py",
    "sidecar/rotation/stuck.py",
    "sidecar/rotation/trial.py",
    "sidecar/secret_cache/catalogue.py",
    "sidecar/secret_cache/events.py",
    "sidecar/secret_cache/form.py",
    "sidecar/secret_cache/freshness.py",
    "sidecar/secret_cache/parameter_request.py",
    "sidecar/secret_cache/pauses.py",
    "sidecar/secret_cache/prefetch_wanted.py",
    "sidecar/secret_cache/request.py",
    "sidecar/secret_cache/rotation_window.py",
    "sidecar/secret_cache/version_changes.py",
    "sidecar/delivery/reference.py",
    "sidecar/delivery/template.py",
    "sidecar/providers/refresh_policy.py",
    "sidecar/provision/planning.py",
    "sidecar/provision/resolving.py",
    "sidecar/provision/showing.py",
    "sidecar/rotation/cron.py",
    "sidecar/rotation/cron_days.py",
    "sidecar/rotation/cron_fields.py",
    "sidecar/rotation/policy_document.py",
    "sidecar/rotation/policy_lint.py",
    "sidecar/rotation/rate.py",
    "sidecar/rotation/schedule.py",
    "sidecar/rotation/window.py",
    "sidecar/provision/cloudformation.py",
    "sidecar/provision/description.py",
    "sidecar/provision/events_part.py",
    "sidecar/provision/lint.py",
    "sidecar/provision/naming.py",
    "sidecar/provision/parameters.py",
    "sidecar/provision/policy_text.py",
    "sidecar/provision/resource.py",
    "sidecar/provision/rotation_part.py",
    "sidecar/provision/sessions_part.py",
    "sidecar/provision/telling_part.py",
    "sidecar/provision/terraform.py",
    "sidecar/provision/terraform_kinds.py",
    "sidecar/provision/terraform_parts.py",
    "sidecar/provision/wish.py",
    "sidecar/provision/wish_checks.py",
    "sidecar/identity/reload_policy.py",
    "sidecar/network/netlink.py",
    "sidecar/credentials_file/edit.py",
    "sidecar/web/metadata_paths.py",
    "sidecar/web/session_members.py",
    "sidecar/access_key_secret.py",
    "sidecar/session_name.py",
    "sidecar/strict_json.py",
    "sidecar/arn.py",
    "sidecar/credentials.py",
    "sidecar/errors.py",
    "sidecar/redaction.py",
)
IMPURE_MODULES = frozenset(
    {"aiohttp", "asyncio", "os", "pathlib", "socket", "subprocess", "tempfile", "threading"}
)

CLOCK = "sidecar/clock.py"
CLOCK_READERS = frozenset(
    {
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("datetime", "today"),
        ("date", "today"),
        ("time", "time"),
        ("time", "time_ns"),
    }
)

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50

Rule = Callable[[str, ast.Module], Iterator[str]]


def _room(path: str) -> str:
    return _place(PurePosixPath(path).with_suffix("").parts[1:])


def _place(parts: Sequence[str]) -> str:
    return PARTS.get(".".join(parts[:2]), parts[0])


def _imported(tree: ast.Module) -> Iterator[str]:
    """Give the full name of every module that is imported, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "a relative import"
        elif isinstance(node, ast.ImportFrom) and node.module == "sidecar":
            yield from (f"sidecar.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _rooms(modules: set[str]) -> set[str]:
    names = (name.split(".") for name in modules)
    rooms = {_place(parts[1:] or ["__init__"]) for parts in names if parts[0] == "sidecar"}
    return {"__init__" if room == "__version__" else room for room in rooms}


def _allowed_rooms(room: str) -> frozenset[str]:
    if room in APART:
        return GROUND | {room}
    depth = next((i for i, layer in enumerate(LAYERS) if room in layer), len(LAYERS))
    allowed = frozenset[str]().union(*LAYERS[:depth])
    allowed |= GROUND if room in GROUND else {room}
    if room not in SEE_CONFIGURATION:
        allowed -= {"config"}
    return allowed | APART if room == "cli" else allowed


def every_room_has_a_place(path: str, tree: ast.Module) -> Iterator[str]:
    if _room(path) not in APART.union(*LAYERS):
        yield f"{_room(path)} is in no layer"


def imports_point_one_way(path: str, tree: ast.Module) -> Iterator[str]:
    modules = set(_imported(tree))
    for room in sorted(_rooms(modules) - _allowed_rooms(_room(path))):
        yield f"{_room(path)} imports {room}"
    if "a relative import" in modules:
        yield "a relative import"


def libraries_stay_in_their_rooms(path: str, tree: ast.Module) -> Iterator[str]:
    tops = {name.split(".")[0] for name in _imported(tree)}
    for library in sorted(tops & OWNERS.keys()):
        if _room(path) not in OWNERS[library]:
            yield f"{_room(path)} imports {library}"


def what_is_pure_stays_pure(path: str, tree: ast.Module) -> Iterator[str]:
    if path.startswith(PURE):
        tops = {name.split(".")[0] for name in _imported(tree)}
        yield from (f"imports {name}" for name in sorted(tops & IMPURE_MODULES))


def one_file_reads_the_clock(path: str, tree: ast.Module) -> Iterator[str]:
    if path == CLOCK:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).rpartition(".")[2]
            if (owner, node.attr) in CLOCK_READERS:
                yield f"line {node.lineno} reads {owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (node.module, alias.name) in CLOCK_READERS:
                    yield f"line {node.lineno} imports {node.module}.{alias.name}"


def every_module_says_what_it_is_for(path: str, tree: ast.Module) -> Iterator[str]:
    if not ast.get_docstring(tree):
        yield "has no docstring"


def functions_stay_small(path: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{node.name} has {lines} lines"


RULES: tuple[Rule, ...] = (
    every_room_has_a_place,
    imports_point_one_way,
    libraries_stay_in_their_rooms,
    what_is_pure_stays_pure,
    one_file_reads_the_clock,
    every_module_says_what_it_is_for,
    functions_stay_small,
)


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    """Give the text of every module of the package by its path."""
    files = sorted((ROOT / "sidecar").rglob("*.py"))
    assert files, "there is nothing to check"
    return {str(file.relative_to(ROOT)): file.read_text() for file in files}


@pytest.fixture(scope="module")
def trees(sources: dict[str, str]) -> dict[str, ast.Module]:
    return {path: ast.parse(source) for path, source in sources.items()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule: Rule, trees: dict[str, ast.Module]) -> None:
    problems = [
        f"{path}: {problem}" for path, tree in trees.items() for problem in rule(path, tree)
    ]
    assert problems == []


def test_files_stay_small(sources: dict[str, str]) -> None:
    lengths = {path: len(source.splitlines()) for path, source in sources.items()}
    assert {path: n for path, n in lengths.items() if n > MAX_FILE_LINES} == {}


@pytest.mark.parametrize(
    ("rule", "path", "source", "problem"),
    [
        (every_room_has_a_place, "utils/text.py", "", "utils is in no layer"),
        (imports_point_one_way, "arn.py", "import sidecar.signing", "arn imports signing"),
        (imports_point_one_way, "web/x.py", "from sidecar import service", "web imports service"),
        (imports_point_one_way, "aws/x.py", "import sidecar.identity.pem", "aws imports identity"),
        (imports_point_one_way, "aws/x.py", "import sidecar.config", "aws imports config"),
        (
            imports_point_one_way,
            "config/x.py",
            "import sidecar.rotation.x",
            "config imports rotation",
        ),
        (
            imports_point_one_way,
            "rotation/cron.py",
            "from sidecar.rotation import x",
            "rotation's schedules imports rotation",
        ),
        (imports_point_one_way, "web/x.py", "from . import y", "a relative import"),
        (imports_point_one_way, "web/x.py", "import sidecar.demo", "web imports demo"),
        *(
            (imports_point_one_way, "emulator/x.py", source, f"emulator imports {room}")
            for room in (
                "signing",
                "identity",
                "aws",
                "access",
                "secret_cache",
                "providers",
                "web",
                "config",
            )
            for source in (
                f"import sidecar.{room}",
                f"from sidecar import {room}",
                f"from sidecar.{room}.x import y",
                f"def f():\n    from sidecar.{room} import x",
            )
        ),
        (libraries_stay_in_their_rooms, "web/x.py", "import moto.core", "web imports moto"),
        (libraries_stay_in_their_rooms, "web/x.py", "import boto3", "web imports boto3"),
        (what_is_pure_stays_pure, "signing/x.py", "import asyncio", "imports asyncio"),
        (what_is_pure_stays_pure, "signing/x.py", "from os import path", "imports os"),
        (
            one_file_reads_the_clock,
            "emulator/x.py",
            "datetime.now(UTC)",
            "line 1 reads datetime.now",
        ),
        (one_file_reads_the_clock, "x.py", "datetime.datetime.now()", "line 1 reads datetime.now"),
        (one_file_reads_the_clock, "x.py", "read = time.time", "line 1 reads time.time"),
        (one_file_reads_the_clock, "x.py", "from time import time", "line 1 imports time.time"),
        (every_module_says_what_it_is_for, "x.py", "import os", "has no docstring"),
        (functions_stay_small, "x.py", "def f():\n" + "    x\n" * 50, "f has 51 lines"),
    ],
)
def test_a_breach_of_the_rule_is_seen(rule: Rule, path: str, source: str, problem: str) -> None:
    assert list(rule(f"sidecar/{path}", ast.parse(source))) == [problem]


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (imports_point_one_way, "web/x.py", "from sidecar.access.policy import App"),
        (imports_point_one_way, "emulator/x.py", "from sidecar import __version__, clock"),
        (imports_point_one_way, "cli/x.py", "from sidecar.emulator.server import Emulator"),
        (imports_point_one_way, "config/x.py", "from sidecar.rotation.schedule import Schedule"),
        (imports_point_one_way, "rotation/cron.py", "from sidecar.rotation.rate import Rate"),
        (imports_point_one_way, "rotation/x.py", "from sidecar.aws import secrets_manager"),
        (imports_point_one_way, "ca.py", "from sidecar.errors import SidecarError"),
        (libraries_stay_in_their_rooms, "aws/x.py", "import boto3"),
        (what_is_pure_stays_pure, "web/x.py", "import asyncio"),
        (one_file_reads_the_clock, "clock.py", "datetime.now(UTC)"),
        (one_file_reads_the_clock, "web/x.py", "self._clock.now(); time.monotonic()"),
        (functions_stay_small, "x.py", "def f():\n" + "    x\n" * 49),
    ],
)
def test_what_the_rule_allows_is_let_be(rule: Rule, path: str, source: str) -> None:
    assert list(rule(f"sidecar/{path}", ast.parse(source))) == []
