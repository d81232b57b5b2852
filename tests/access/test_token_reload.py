"""Token files that change while the sidecar runs: good is never replaced by bad."""

import logging
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from sidecar.access.policy import App
from sidecar.access.tokens import AppTokens, load_tokens

WEB, BATCH = App("web", (), ()), App("batch", (), ())
OLD, NEW = "canary-the-old-token", "canary-the-new-token"

_second = count(1_700_000_000)


def _write(file: Path, token: str) -> None:
    """Write in place, at a moment of its own: the file system's clock may stand still meanwhile."""
    file.write_text(token)
    moment = next(_second)
    os.utime(file, (moment, moment))


def _replace(file: Path, token: str) -> None:
    temporary = file.with_name("temporary")
    temporary.write_text(token)
    temporary.rename(file)


def _swap_link(file: Path, token: str) -> None:
    """Change a token as Kubernetes does: by a link to a directory that is swapped."""
    target = file.with_name(f"data-{next(_second)}")
    target.write_text(token)
    link = file.with_name("link")
    link.symlink_to(target)
    link.rename(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "web.token"
    _write(path, OLD)
    return path


@pytest.fixture
def tokens(file: Path) -> AppTokens:
    found, problems = load_tokens({WEB: file}, {})
    assert problems == []
    return found


@pytest.fixture(autouse=True)
def said(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Give what was logged; whatever a test does, no token may be in it."""
    caplog.set_level(logging.DEBUG)
    yield lambda: [record.getMessage() for record in caplog.records]
    assert "canary" not in caplog.text


Said = Callable[[], list[str]]
Change = Callable[[Path, str], None]


@pytest.mark.parametrize("change", [_write, _replace, _swap_link])
def test_a_new_token_counts_at_its_first_use_and_the_old_one_no_more(
    tokens: AppTokens, file: Path, said: Said, change: Change
) -> None:
    change(file, NEW)
    assert tokens.app_for(NEW.encode()) is WEB
    assert tokens.app_for(OLD.encode()) is None
    assert said() == [f"app web: new token from {file}"]


def test_the_old_token_counts_until_the_new_one_is_used_or_the_file_looked_at(
    tokens: AppTokens, file: Path
) -> None:
    _replace(file, NEW)
    assert tokens.app_for(OLD.encode()) is WEB
    assert tokens.reload()
    assert tokens.app_for(OLD.encode()) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(f"{NEW}\n", "holds a newline, which AWS SDKs refuse in a token file", id="nl"),
        pytest.param("", "is empty", id="empty"),
        pytest.param("canary", "has 6 characters; between 16 and 4096 are accepted", id="short"),
    ],
)
def test_a_bad_replacement_leaves_the_old_token_in_force_and_is_logged_once(
    tokens: AppTokens, file: Path, said: Said, content: str, reason: str
) -> None:
    _replace(file, content)
    assert [tokens.reload() for _ in range(3)] == [False] * 3
    assert tokens.app_for(OLD.encode()) is WEB
    assert tokens.app_for(content.encode()) is None
    assert said() == [f"app web: token file {file} {reason}; the old token stays"]


def test_a_token_mended_after_a_bad_replacement_counts(tokens: AppTokens, file: Path) -> None:
    _replace(file, f"{NEW}\n")
    tokens.reload()
    _replace(file, NEW)
    assert tokens.app_for(NEW.encode()) is WEB


def test_a_file_that_can_no_longer_be_read_leaves_the_old_token_in_force(
    tokens: AppTokens, file: Path, said: Said
) -> None:
    file.unlink()
    file.mkdir()
    assert not tokens.reload()
    assert tokens.app_for(OLD.encode()) is WEB
    assert said() == [
        f"app web: token file {file} cannot be read: not a regular file; the old token stays"
    ]


def test_a_removed_file_leaves_the_old_token_in_force(
    tokens: AppTokens, file: Path, said: Said
) -> None:
    file.unlink()
    assert not tokens.reload()
    assert tokens.app_for(OLD.encode()) is WEB
    assert said() == []


def test_a_file_put_back_after_its_removal_is_read(tokens: AppTokens, file: Path) -> None:
    file.unlink()
    tokens.reload()
    _write(file, NEW)
    assert tokens.app_for(NEW.encode()) is WEB


def test_a_file_that_was_only_touched_is_no_new_token(
    tokens: AppTokens, file: Path, said: Said
) -> None:
    _write(file, OLD)
    assert not tokens.reload()
    assert said() == []


def test_a_token_from_a_variable_never_changes(tokens: AppTokens) -> None:
    held, _ = load_tokens({WEB: "WEB_TOKEN"}, {"WEB_TOKEN": OLD})
    assert not held.reload()
    assert held.app_for(OLD.encode()) is WEB


def test_another_app_s_token_is_not_taken_over(file: Path, said: Said) -> None:
    held, _ = load_tokens({BATCH: "BATCH_TOKEN", WEB: file}, {"BATCH_TOKEN": NEW})
    _replace(file, NEW)
    assert not held.reload()
    assert (held.app_for(NEW.encode()), held.app_for(OLD.encode())) == (BATCH, WEB)
    assert said() == [f"app web: token file {file} holds another app's token; the old token stays"]


def test_two_apps_may_exchange_their_tokens(file: Path) -> None:
    other = file.with_name("batch.token")
    other.write_text(NEW)
    held, _ = load_tokens({WEB: file, BATCH: other}, {})
    _replace(file, NEW)
    _replace(other, OLD)
    assert held.reload()
    assert (held.app_for(NEW.encode()), held.app_for(OLD.encode())) == (WEB, BATCH)


def test_a_token_that_had_to_stay_is_not_taken_over_either(tmp_path: Path) -> None:
    other = App("other", (), ())
    files = {app: tmp_path / app.name for app in (WEB, BATCH, other)}
    letters = dict(zip(files, "abc", strict=True))
    for app, letter in letters.items():
        _write(files[app], f"canary-{letter * 16}")
    held, _ = load_tokens(files, {})
    _replace(files[WEB], f"canary-{'b' * 16}")  # batch's, which batch seems to give up …
    _replace(files[BATCH], f"canary-{'c' * 16}")  # … but cannot, for this is the other app's
    assert not held.reload()
    found = {app.name: held.app_for(f"canary-{letters[app] * 16}".encode()) for app in files}
    assert found == {app.name: app for app in files}
