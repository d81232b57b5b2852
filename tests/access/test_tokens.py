"""App tokens: what can be one, where it comes from, and who it belongs to."""

import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sidecar.access.policy import App
from sidecar.access.tokens import (
    AppTokens,
    UnusableToken,
    check_token,
    load_tokens,
    read_token_file,
    token_file_warnings,
)
from sidecar.errors import Problem

WEB, BATCH = App("web", (), ()), App("batch", (), ())
TOKEN, OTHER = "canary-token-of-the-web-app", "canary-token-of-another-app"
SHORT = "has {} characters; between 16 and 4096 are accepted"
NEWLINE = "holds a newline, which AWS SDKs refuse in a token file"
BINARY = "holds blanks or characters outside ASCII"
EXPORT = 'export {}="$(openssl rand -hex 32)"'
HINT = "make one: (umask 077; openssl rand -hex 32 | tr -d '\\n' > FILE)"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 16, id="the shortest"),
        pytest.param("x" * 4096, id="the longest"),
        pytest.param("!#$%&'()*+,-./:;<=>?@[]^_`{|}~", id="every kind of character"),
    ],
)
def test_a_token_that_every_sdk_can_send_is_accepted(text: str) -> None:
    assert check_token(text).reveal() == text


REFUSED = [
    pytest.param("", "is empty", id="empty"),
    pytest.param(f"{TOKEN}\n", NEWLINE, id="a newline at its end"),
    pytest.param(f"{TOKEN}\r\n", NEWLINE, id="a DOS line end"),
    pytest.param(f"{TOKEN}\r", NEWLINE, id="a carriage return"),
    pytest.param("\n", NEWLINE, id="a newline alone"),
    pytest.param(f"{TOKEN} x", BINARY, id="a blank"),
    pytest.param(f"\t{TOKEN}", BINARY, id="a tab"),
    pytest.param(f"{TOKEN}\0", BINARY, id="a NUL"),
    pytest.param(f"{TOKEN}\x7f", BINARY, id="a DEL"),
    pytest.param(f"{TOKEN}é", BINARY, id="a letter outside ASCII"),
    pytest.param("x" * 15, SHORT.format(15), id="too short"),
    pytest.param("x" * 4097, SHORT.format(4097), id="too long"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_any_other_token_is_refused_without_being_shown(text: str, reason: str) -> None:
    with pytest.raises(UnusableToken, match=f"^{re.escape(reason)}$"):
        check_token(text)


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_a_file_with_such_a_token_is_refused_alike(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(text.encode())
    with pytest.raises(UnusableToken, match=f"^{re.escape(reason)}$"):
        read_token_file(file)


def test_a_file_with_a_good_token_is_read(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    assert read_token_file(file)[0].reveal() == TOKEN


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xff" * 32)
    with pytest.raises(UnusableToken, match=f"^{BINARY}$"):
        read_token_file(file)


def test_a_device_is_no_token_file() -> None:
    with pytest.raises(UnusableToken, match=r"^cannot be read: not a regular file$"):
        read_token_file(Path("/dev/zero"))


def test_a_pipe_in_the_place_of_a_token_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token")
    with pytest.raises(UnusableToken, match=r"^cannot be read: not a regular file$"):
        read_token_file(tmp_path / "token")


def test_a_missing_token_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableToken, match=r"^cannot be read: No such file or directory$"):
        read_token_file(tmp_path / "token")


def test_a_directory_is_no_token_file(tmp_path: Path) -> None:
    with pytest.raises(UnusableToken, match=r"^cannot be read: not a regular file$"):
        read_token_file(tmp_path)


def test_a_token_file_of_somebody_else_is_refused(
    tmp_path: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o200)
    refused = pytest.raises(UnusableToken, match=r"^cannot be read: Permission denied$")
    with ordinary_user(), refused:
        read_token_file(file)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666])
def test_a_token_file_open_to_every_user_is_warned_of(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.touch()
    file.chmod(mode)
    assert token_file_warnings(file) == [
        f"token file {file} has mode {mode:04o}: every user may use it; chmod o= {file}"
    ]


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o660])
def test_a_token_file_for_owner_and_group_is_not_warned_of(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.touch()
    file.chmod(mode)
    assert token_file_warnings(file) == []


def test_a_missing_token_file_is_not_warned_of_as_well(tmp_path: Path) -> None:
    assert token_file_warnings(tmp_path / "token") == []


def _loaded(wanted: dict[App, Path | str], environment: dict[str, str]) -> AppTokens:
    tokens, problems = load_tokens(wanted, environment)
    assert problems == []
    return tokens


def test_each_token_belongs_to_its_app_and_every_other_to_nobody(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    tokens = _loaded({WEB: file, BATCH: "BATCH_TOKEN"}, {"BATCH_TOKEN": OTHER})
    assert (tokens.app_for(TOKEN.encode()), tokens.app_for(OTHER.encode())) == (WEB, BATCH)


@pytest.mark.parametrize(
    "presented",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(TOKEN.encode()[:-1], id="a part"),
        pytest.param(TOKEN.encode() + b"x", id="more"),
        pytest.param(TOKEN.encode().upper(), id="in capitals"),
        pytest.param(b"\xff" * 27, id="no text"),
        pytest.param(b"WEB_TOKEN", id="the variable's name"),
    ],
)
def test_a_token_that_is_not_quite_right_belongs_to_nobody(presented: bytes) -> None:
    assert _loaded({WEB: "WEB_TOKEN"}, {"WEB_TOKEN": TOKEN}).app_for(presented) is None


def test_without_apps_no_token_belongs_to_anybody() -> None:
    assert _loaded({}, {}).app_for(b"") is None


def test_every_token_that_cannot_be_used_is_reported_and_none_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    wanted: dict[App, Path | str] = {
        WEB: file,
        BATCH: "BATCH_TOKEN",
        App("short", (), ()): "SHORT_TOKEN",
    }
    _, problems = load_tokens(wanted, {"SHORT_TOKEN": "canary"})
    assert problems == [
        Problem("apps.web.static_token_file", f"{file} {NEWLINE}", HINT),
        Problem("apps.batch.token_env", "BATCH_TOKEN is not set", EXPORT.format("BATCH_TOKEN")),
        Problem(
            "apps.short.token_env", f"SHORT_TOKEN {SHORT.format(6)}", EXPORT.format("SHORT_TOKEN")
        ),
    ]


def test_two_apps_with_one_token_are_refused() -> None:
    wanted: dict[App, Path | str] = {WEB: "WEB_TOKEN", BATCH: "BATCH_TOKEN"}
    _, problems = load_tokens(wanted, {"WEB_TOKEN": TOKEN, "BATCH_TOKEN": TOKEN})
    assert problems == [
        Problem("apps.batch", "has the same token as app web", "give each app a token of its own")
    ]
