"""A session policy in a file: read as it is, refused by name where it cannot be."""

import os
from pathlib import Path

import pytest

from sidecar.errors import OperatorError
from sidecar.providers.session_policy import read_policy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.json"


@pytest.mark.parametrize("document", ['{"Statement": []}', "ö" * 2048])
def test_a_policy_is_read_as_it_is(file: Path, document: str) -> None:
    file.write_text(f"{document}\n", encoding="utf-8")
    assert read_policy(file) == document


LENGTH = "must have 1 to 2048 characters"
SHORTEN = "shorten it, or move statements into a managed policy (policy_arns)"
CHECK = "check policy_file, that this user may read it, and that it is UTF-8 text"


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        (b"", LENGTH, SHORTEN),
        (b" \n", LENGTH, SHORTEN),
        (b"x" * 2049, LENGTH, SHORTEN),
        (b"x" * 1_000_000, LENGTH, SHORTEN),
        (b"\xff", "cannot be read (UnicodeDecodeError)", CHECK),
        (None, "cannot be read (FileNotFoundError)", CHECK),
    ],
    ids=["empty", "white", "too long", "endless", "not text", "missing"],
)
def test_a_file_that_holds_no_policy_is_refused_by_name(
    file: Path, content: bytes | None, what: str, hint: str
) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(OperatorError) as caught:
        read_policy(file)
    assert (caught.value.message, caught.value.hint) == (f"session policy {file} {what}", hint)


def test_a_pipe_in_the_policy_s_place_is_refused_and_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(OperatorError, match=r"cannot be read \(OSError\)$"):
        read_policy(file)
