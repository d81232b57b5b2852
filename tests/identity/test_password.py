"""Sources of a password: file, variable, terminal; each tells when it has none to give."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from sidecar.errors import IdentityError
from sidecar.identity.password import (
    NoPassword,
    NoPasswordSource,
    PasswordFile,
    PasswordGiven,
    PasswordVariable,
)
from sidecar.redaction import Secret

WHAT: Final = "private key x"
TIMEOUT_SECONDS: Final = 30


@pytest.mark.parametrize(
    ("content", "password"),
    [
        pytest.param(b"canary", "canary", id="bare"),
        pytest.param(b"canary\n", "canary", id="with a newline"),
        pytest.param(b"canary\r\n", "canary", id="with Windows' newline"),
        pytest.param(b"canary\n\n", "canary\n", id="with two"),
        pytest.param(b" canary ", " canary ", id="with blanks, which belong to it"),
        pytest.param("열려라\n".encode(), "열려라", id="beyond ASCII"),
        pytest.param(b"", "", id="empty"),
    ],
)
def test_a_file_gives_what_it_holds_but_for_a_last_newline(
    content: bytes, password: str, tmp_path: Path
) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    assert PasswordFile(path).read(WHAT).reveal() == password


def test_a_replaced_file_counts_at_the_next_reading(tmp_path: Path) -> None:
    path = tmp_path / "password"
    source = PasswordFile(path)
    path.write_text("one")
    assert source.read(WHAT).reveal() == "one"
    path.write_text("two")
    assert source.read(WHAT).reveal() == "two"


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        pytest.param(lambda _: None, "cannot be read: No such file or directory", id="missing"),
        pytest.param(Path.mkdir, "cannot be read: not a regular file", id="a directory"),
        pytest.param(
            lambda path: path.write_bytes(b"\xff"), "cannot be read: it is not UTF-8", id="text"
        ),
        pytest.param(lambda path: path.write_bytes(b"a" * 4097), "is too large", id="long"),
    ],
)
def test_a_file_that_gives_none_is_named(
    prepare: Callable[[Path], object], problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "password"
    prepare(path)
    with pytest.raises(IdentityError) as caught:
        PasswordFile(path).read(WHAT)
    assert caught.value.message == f"password file {path} {problem}"
    assert caught.value.hint


def test_a_file_of_the_greatest_size_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"a" * 4096)
    assert len(PasswordFile(path).read(WHAT)) == 4096


def test_a_variable_gives_what_it_holds() -> None:
    source = PasswordVariable("KEY_PASSWORD", {"KEY_PASSWORD": "canary\n"})
    assert source.read(WHAT).reveal() == "canary\n"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(IdentityError) as caught:
        PasswordVariable("KEY_PASSWORD", {"OTHER": "canary"}).read(WHAT)
    assert caught.value.message == f"variable KEY_PASSWORD, for the password of {WHAT}, is not set"


def test_no_source_says_what_needs_one() -> None:
    with pytest.raises(NoPassword, match=f"^{WHAT} needs a password and none is configured$"):
        NoPasswordSource().read(WHAT)


def test_the_variables_that_may_give_one_are_named() -> None:
    hint = NoPassword(WHAT).hint
    assert "identity.password_file" in hint
    assert all(name in hint for name in ("SIDECAR_PASSWORD_FILE", "SIDECAR_PASSWORD_ENV"))


def test_no_source_shows_the_password_that_it_holds() -> None:
    sources = (PasswordGiven(Secret("canary")), PasswordVariable("X", {"X": "canary"}))
    assert "canary" not in repr(sources)


_ASK: Final = """
import os, sys
os.close(os.open(sys.argv[1], os.O_RDWR))  # makes it this session's terminal
from sidecar.identity.password import NoPassword, PasswordPrompt
try:
    print(PasswordPrompt().read("private key x").reveal())
except NoPassword as exc:
    print("refused:", exc.message)
"""


@contextmanager
def _asked(terminal: Path | str) -> Iterator["subprocess.Popen[str]"]:
    """Run a program that asks; neither its stdin nor its stdout is a terminal."""
    with subprocess.Popen(
        [sys.executable, "-c", _ASK, str(terminal)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """Give a terminal: our end of it, and its name for the other."""
    ours, theirs = pty.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        (b"canary\n", "canary\n"),
        (b"\n", "\n"),
        (b"\x04", "refused: private key x needs a password and none is configured\n"),
    ],
    ids=["a password", "nothing", "the end of input"],
)
def test_a_terminal_is_asked_without_echo_whatever_stdin_is(
    typed: bytes, printed: str, terminal: tuple[int, str]
) -> None:
    ours, name = terminal
    with _asked(name) as process:
        assert _read_until(ours, b": ") == b"Password of private key x: "
        os.write(ours, typed)
        assert process.communicate(timeout=TIMEOUT_SECONDS)[0] == printed
        assert b"canary" not in _echoed(ours)


def _echoed(descriptor: int) -> bytes:
    """Give what the terminal shows besides the question."""
    ready, _, _ = select.select([descriptor], [], [], 0)
    return os.read(descriptor, 1000) if ready else b""


def _read_until(descriptor: int, end: bytes) -> bytes:
    read = b""
    while not read.endswith(end):
        read += os.read(descriptor, 1000)
    return read


def test_without_a_terminal_nobody_is_asked() -> None:
    with _asked(os.devnull) as process:
        said, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    assert said == "refused: private key x needs a password and none is configured\n"


def test_a_file_of_somebody_else_is_named(
    tmp_path: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "password"
    path.write_text("canary")
    path.chmod(0)
    with ordinary_user(), pytest.raises(IdentityError, match=r": Permission denied$"):
        PasswordFile(path).read(WHAT)
