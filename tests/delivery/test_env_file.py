"""Files of variables: docker's form, line by line."""

from pathlib import Path

import pytest

from sidecar.delivery.env_file import read_env_file
from sidecar.errors import OperatorError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web.env"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("\n  \n# A=1\n  #x\nB=2\r\n", {"B": "2"}),
        ("A=", {"A": ""}),
        ("A=a=b # c", {"A": "a=b # c"}),
        ("A='quoted' ", {"A": "'quoted' "}),
        ("  A=1", {"A": "1"}),
        ("HELD\nMISSING\n", {"HELD": "here"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=1\u2028B=2", {"A": "1\u2028B=2"}),
    ],
)
def test_what_a_file_says(file: Path, text: str, found: dict[str, str]) -> None:
    file.write_text(text)
    assert read_env_file(file, {"HELD": "here", "OTHER": "x"}) == found


@pytest.mark.parametrize("line", ["=canary", "A B=canary", "export A=canary", "A=canary\0"])
def test_a_line_that_is_no_variable_is_told_by_its_number_alone(file: Path, line: str) -> None:
    file.write_text(f"GOOD=1\n{line}\n")
    with pytest.raises(OperatorError, match=r"web\.env, line 2: not a variable") as refused:
        read_env_file(file, {})
    assert "canary" not in refused.value.message


def test_a_file_that_cannot_be_read_is_told(file: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read: No such file"):
        read_env_file(file, {})


def test_a_file_of_other_bytes_is_refused(file: Path) -> None:
    file.write_bytes(b"A=\xff")
    with pytest.raises(OperatorError, match="is not UTF-8"):
        read_env_file(file, {})
