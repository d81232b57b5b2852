"""From options to a file: what is checked at start, all of it at once."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.files_section import FilesSection
from sidecar.config.ownership import FileMode
from sidecar.delivery.on_change import RunCommand, SendSignal
from sidecar.delivery.prepare import PreparedFile, prepare_file, prepare_files
from sidecar.delivery.reference import Reference
from sidecar.errors import Problem

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def prepared(**options: Any) -> tuple[PreparedFile | None, list[Problem], list[str]]:
    return prepare_file("files.1", FilesSection(**options), ENVIRONMENT)


def sound(**options: Any) -> PreparedFile:
    found, problems, _ = prepared(**options)
    assert problems == []
    assert found is not None
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("options", "reference"),
    [
        ({"secret": "prod/db"}, "secret://prod/db"),
        ({"secret": "a b%41?c"}, "secret://a%20b%2541%3Fc"),
        ({"secret": "db", "json_key": "a.b", "stage": "S"}, "secret://db#a.b?stage=S"),
        ({"parameter": "/prod/db"}, "parameter:///prod/db"),
        ({"parameter": "/prod/db", "json_key": "k"}, "parameter:///prod/db#k"),
        ({"template": "${secret://db#k|json}"}, "secret://db#k"),
    ],
)
def test_the_value_that_is_read_is(options: dict[str, str], reference: str, path: Path) -> None:
    assert sound(path=path, **options).template.references == (Reference.parse(reference),)


def test_a_template_may_stand_in_a_file(path: Path) -> None:
    file = path.with_name("template")
    file.write_text("é ${secret://a} ${secret://b}\n")
    names = [each.name for each in sound(path=path, template_file=file).template.references]
    assert names == ["a", "b"]


def test_options_become_place_and_action(path: Path) -> None:
    found = sound(
        path=path,
        secret="db",
        mode=FileMode(0o640),
        owner=str(os.geteuid()),
        group=str(os.getegid()),
        signal="HUP",
        pid_file=Path("/run/x.pid"),
        debounce_seconds=5,
        via="other",
    )
    assert found.target.owner == (os.geteuid(), os.getegid())
    assert (found.target.path, found.target.mode) == (path, 0o640)
    assert isinstance(found.action, SendSignal)
    assert str(found.action) == "SIGHUP to the process in /run/x.pid"
    assert (found.debounce_seconds, found.via) == (5, "other")


def test_a_command_is_found_by_the_path_of_the_sidecar(path: Path) -> None:
    found = sound(path=path, secret="db", command=("true", "x"), command_timeout_seconds=7)
    assert found.action == RunCommand(("true", "x"), ENVIRONMENT, 7)
    assert sound(path=path, secret="db").action is None


@pytest.mark.parametrize(
    ("options", "where", "what"),
    [
        ({"secret": "db", "owner": "nobody-so"}, "owner", "there is no user 'nobody-so'"),
        ({"secret": "db", "group": "nobody-so"}, "group", "there is no group 'nobody-so'"),
        ({"secret": "db", "command": ("no-such",)}, "command", "there is no program no-such"),
        ({"template": "\n${x}"}, "template", "line 2: reference 'x': must begin with"),
        ({"template_file": Path("/no/such")}, "template_file", "/no/such cannot be read: No such"),
        ({"template_file": Path("/dev/zero")}, "template_file", "/dev/zero cannot be read: not a"),
    ],
)
def test_what_is_wrong_is_told_by_its_option(
    options: dict[str, Any], where: str, what: str, path: Path
) -> None:
    found, (problem,), _ = prepared(path=path, **options)
    assert found is None
    assert problem.where == f"files.1.{where}"
    assert problem.what.startswith(what)
    assert problem.hint
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"\xff", "is no text in UTF-8"), (b"x" * 1_000_001, "is larger than 1000000 bytes")],
)
def test_a_file_that_is_no_template_is_refused(content: bytes, what: str, path: Path) -> None:
    file = path.with_name("template")
    file.write_bytes(content)
    _, (problem,), _ = prepared(path=path, template_file=file)
    assert problem.what == f"{file} {what}"


def test_all_problems_are_told_at_once(path: Path) -> None:
    options = {"owner": "nobody-so", "group": "nobody-so", "command": ("no-such",)}
    _, problems, _ = prepared(path=path, template="${", **options)
    assert [each.where.rpartition(".")[2] for each in problems] == [
        "template",
        "owner",
        "group",
        "command",
    ]


def test_a_place_that_cannot_be_written_is_told(
    open_directory: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    open_directory.chmod(0o555)
    with ordinary_user():
        found, (problem,), _ = prepared(path=open_directory / "file", secret="db")
    assert found is None
    assert problem.where == "files.1.path"
    assert "cannot be written with mode 0600: Permission denied" in problem.what


def test_warnings_say_which_file(path: Path) -> None:
    found, problems, warnings = prepared(path=path, secret="db", mode=FileMode(0o644))
    assert (found is not None, problems) == (True, [])
    assert warnings == [f"files.1: {path}: mode 0644 lets everybody read it"]


def test_files_are_prepared_together(path: Path) -> None:
    other = path.with_name("other")
    files, problems, warnings = prepare_files(
        {
            "files.1": FilesSection(path=path, secret="a"),
            "files.2": FilesSection(path=other, template="${"),
            "files.3": FilesSection(path=other, secret="b", mode=FileMode(0o604)),
        },
        ENVIRONMENT,
    )
    assert [file.target.path for file in files] == [path, other]
    assert [problem.where for problem in problems] == ["files.2.template"]
    assert [warning.split(":")[0] for warning in warnings] == ["files.3"]
