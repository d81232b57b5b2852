"""Programs are found, and not found, as a shell has it."""

import os
import resource
from pathlib import Path

import pytest

from sidecar.supervision.program import CannotRun, Program


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a directory, the current one, with one thing of each kind."""
    for name, mode in (("good", 0o755), ("plain", 0o644)):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(mode)
    (tmp_path / "directory").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["good", "./good"])
def test_a_program_is_found_and_keeps_the_name_that_it_was_called_by(
    places: Path, name: str
) -> None:
    found = Program.find([name, "-x", "--", ""], str(places))
    assert (Path(found.path).resolve(), found.words) == (places / "good", (name, "-x", "--", ""))


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("nothing", 127, "program not found: nothing"),
        ("./nothing", 127, "program not found: ./nothing"),
        ("plain", 127, "program not found: plain"),
        ("", 127, "program not found: "),
        ("./plain", 126, "./plain may not be executed"),
        ("./directory", 126, "./directory is a directory"),
    ],
)
def test_what_cannot_be_run_is_told_with_a_shell_s_exit_code(
    places: Path, name: str, code: int, said: str
) -> None:
    with pytest.raises(CannotRun) as refused:
        Program.find([name], str(places))
    assert (refused.value.exit_code, refused.value.message) == (code, said)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("first_line", "code"), [("#!/nowhere/python\n", 127), ("\0\0no program\n", 126)]
)
def test_a_file_that_the_system_cannot_run_is_told_likewise(
    tmp_path: Path, first_line: str, code: int
) -> None:
    file = tmp_path / "program"
    file.write_text(first_line)
    file.chmod(0o755)
    program = Program.find([str(file)], None)
    with pytest.raises(CannotRun, match="cannot be started") as refused:
        program.start(os.environ, ())
    assert refused.value.exit_code == code


def test_what_is_too_large_together_is_told_so() -> None:
    most = resource.getrlimit(resource.RLIMIT_STACK)[0] // 4
    large = {f"V{number}": "x" * 100_000 for number in range(most // 100_000 + 1)}
    with pytest.raises(CannotRun, match="Argument list too long") as refused:
        Program("/bin/true", ("true",)).start(large, ())
    assert refused.value.exit_code == 126
    assert "too large together" in refused.value.hint
