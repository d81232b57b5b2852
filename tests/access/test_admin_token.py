"""The admin door's token: checked like an app's, no app's own, and read again when it changes."""

import logging
import os
from pathlib import Path

import pytest

from sidecar.access.policy import App
from sidecar.access.tokens import AppTokens, load_admin_token, load_tokens

OLD, NEW = "canary-the-old-token", "canary-the-new-token"
HINT = "make one: (umask 077; openssl rand -hex 32 | tr -d '\\n' > FILE)"


@pytest.fixture
def apps() -> AppTokens:
    found, problems = load_tokens({App("web", (), ()): "WEB"}, {"WEB": "canary-token-of-web"})
    assert problems == []
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "admin.token"
    path.write_text(OLD)
    os.utime(path, (1, 1))
    return path


def test_it_comes_from_a_file_or_a_variable(file: Path, apps: AppTokens) -> None:
    for where, variables in ((file, {}), ("ADMIN", {"ADMIN": OLD})):
        tokens, problems = load_admin_token(where, variables, apps)
        assert problems == []
        assert tokens is not None
        assert tokens.app_for(OLD.encode()) is not None
        assert tokens.app_for(b"canary-token-of-web") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("short", "has 5 characters; between 16 and 4096 are accepted", id="short"),
        pytest.param(f"{OLD}\n", "holds a newline, which AWS SDKs refuse in a token file", id="nl"),
    ],
)
def test_what_cannot_be_an_app_s_token_cannot_be_this_one(
    content: str, reason: str, file: Path, apps: AppTokens
) -> None:
    file.write_text(content)
    tokens, (problem,) = load_admin_token(file, {}, apps)
    assert tokens is None
    assert (str(problem), problem.hint) == (f"admin.static_token_file: {file} {reason}", HINT)


def test_a_variable_that_is_not_set_is_missed(apps: AppTokens) -> None:
    _, (problem,) = load_admin_token("ADMIN", {}, apps)
    assert str(problem) == "admin.token_env: ADMIN is not set"


def test_it_is_no_app_s_token(apps: AppTokens) -> None:
    tokens, (problem,) = load_admin_token("ADMIN", {"ADMIN": "canary-token-of-web"}, apps)
    assert tokens is None
    assert str(problem) == "admin: has the same token as app web"
    assert problem.hint == "give the admin door a token of its own"


def test_a_new_one_counts_and_the_log_says_whose_it_is(
    file: Path, apps: AppTokens, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tokens, _ = load_admin_token(file, {}, apps)
    assert tokens is not None
    file.write_text(NEW)
    assert tokens.reload()
    assert [tokens.app_for(each.encode()) is not None for each in (OLD, NEW)] == [False, True]
    file.write_text("bad")
    assert not tokens.reload()
    assert [each.getMessage().partition("/")[0] for each in caplog.records] == [
        "the admin door: new token from ",
        "the admin door: token file ",
    ]
    assert "canary" not in caplog.text
