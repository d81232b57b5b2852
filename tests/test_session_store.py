"""Sessions kept between processes: private, whole, and never trusted further than they can be."""

import json
import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sidecar import session_store
from sidecar.aws import roles_anywhere
from sidecar.cli import new_session
from sidecar.credentials import Credentials
from sidecar.errors import NotReady, OperatorError
from sidecar.file_lock import locked
from sidecar.providers import attempts
from sidecar.redaction import Secret
from sidecar.session_store import SessionStore, session_key

KEY, OTHER = session_key({"role": "a"}), session_key({"role": "b"})


@pytest.fixture
def session(now: datetime) -> Credentials:
    return Credentials(
        access_key_id="ASIAEXAMPLE",
        secret_access_key=Secret("secret"),
        session_token=Secret("token"),
        issued_at=now,
        expires_at=now + timedelta(hours=1),
        role_arn="arn:aws:iam::123456789012:role/web",
        account_id="123456789012",
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.fixture
def store(directory: Path) -> SessionStore:
    return SessionStore.open(directory)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_session_comes_back_as_it_was_kept_and_only_its_owner_can_read_it(
    store: SessionStore, directory: Path, session: Credentials, now: datetime
) -> None:
    store.write(KEY, session, now)
    assert SessionStore.open(directory).read(KEY) == session
    assert store.read(OTHER) is None
    assert [_mode(directory), *map(_mode, directory.iterdir())] == [0o700, 0o600]


def test_a_name_tells_nothing_and_changes_with_every_part() -> None:
    assert KEY == session_key({"role": "a"}) != OTHER
    assert session_key({"a": 1, "b": 2}) == session_key({"b": 2, "a": 1})
    assert len(KEY) == 64


def _as_others(directory: Path) -> None:
    directory.mkdir()
    os.chown(directory, 65534, 65534)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        pytest.param(
            lambda path: (path.mkdir(), path.chmod(0o750)),
            "has mode 0750: others may enter it",
            id="mode",
        ),
        pytest.param(
            lambda path: path.touch(mode=0o600),
            "is not a directory (a link to one is refused too)",
            id="file",
        ),
        pytest.param(
            lambda path: (path.with_name("x").mkdir(mode=0o700), path.symlink_to("x")),
            "is not a directory (a link to one is refused too)",
            id="link",
        ),
        pytest.param(
            _as_others,
            f"belongs to uid 65534, this is {os.geteuid()}",
            id="another user's",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give it away"),
        ),
    ],
)
def test_a_directory_that_others_could_read_is_refused(
    directory: Path, prepare: Callable[[Path], Any], message: str
) -> None:
    prepare(directory)
    with pytest.raises(OperatorError) as refused:
        SessionStore.open(directory)
    assert refused.value.message == f"cache directory {directory} {message}"


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be used: No such file"):
        SessionStore.open(tmp_path / "missing" / "sessions")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 60_000,
        b'{"AccessKeyId": 1}',
        b"{}",
    ],
)
def test_an_entry_that_cannot_be_read_is_not_there_and_is_replaced(
    store: SessionStore, directory: Path, session: Credentials, now: datetime, content: bytes
) -> None:
    file = directory / f"{KEY}.json"
    file.touch(mode=0o600)
    file.write_bytes(content)
    assert store.read(KEY) is None
    store.write(KEY, session, now)
    assert store.read(KEY) == session


@pytest.mark.parametrize("missing", ["SecretAccessKey", "Expiration", "IssuedAt", "RoleArn"])
@pytest.mark.parametrize("value", [None, "", 5])
def test_half_an_entry_is_none(
    store: SessionStore,
    directory: Path,
    session: Credentials,
    now: datetime,
    missing: str,
    value: object,
) -> None:
    store.write(KEY, session, now)
    file = directory / f"{KEY}.json"
    fields = json.loads(file.read_bytes())
    file.write_text(json.dumps({**fields, missing: value}))
    assert store.read(KEY) is None


def test_an_entry_that_is_a_link_or_open_to_others_is_not_read(
    store: SessionStore, directory: Path, session: Credentials, now: datetime
) -> None:
    store.write(KEY, session, now)
    (directory / f"{OTHER}.json").symlink_to(f"{KEY}.json")
    assert store.read(OTHER) is None
    (directory / f"{KEY}.json").chmod(0o640)
    assert store.read(KEY) is None


def test_what_has_expired_or_was_left_behind_goes_when_a_session_comes(
    store: SessionStore, directory: Path, session: Credentials, now: datetime
) -> None:
    store.write(OTHER, session, now)
    (directory / "notes.txt").touch()
    old, new = (directory / f".{KEY}.json.{each * 12}" for each in "ab")
    for path, age in ((old, 7200), (new, 60)):
        path.touch()
        later = (now + timedelta(hours=2)).timestamp() - age
        os.utime(path, (later, later))
    store.write(KEY, session, now + timedelta(hours=2))
    assert {each.name for each in directory.iterdir()} == {"notes.txt", new.name}


def test_a_session_that_is_still_good_stays_when_another_comes(
    store: SessionStore, session: Credentials, now: datetime
) -> None:
    store.write(OTHER, session, now)
    store.write(KEY, session, now + timedelta(minutes=59))
    assert (store.read(OTHER), store.read(KEY)) == (session, session)


def test_a_turn_that_never_comes_is_a_failure_that_may_pass(
    store: SessionStore, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.session_store._PATIENCE_SECONDS", 0)
    with (
        locked(directory / f"lock.{KEY[:2]}", patience_seconds=0),
        pytest.raises(NotReady, match="another process has been asking") as refused,
        store.turn(KEY),
    ):
        pass
    assert refused.value.retryable
    with store.turn(KEY):
        pass


def test_a_lock_that_cannot_be_made_is_a_complaint(store: SessionStore, directory: Path) -> None:
    (directory / f"lock.{KEY[:2]}").symlink_to("elsewhere")
    with pytest.raises(OperatorError, match="cannot be used: Too many levels"), store.turn(KEY):
        pass
    assert not (directory / "elsewhere").exists()


def test_locks_do_not_pile_up(store: SessionStore, directory: Path) -> None:
    for number in range(2000):
        with store.turn(session_key({"n": number})):
            pass
    assert len(list(directory.iterdir())) == 256


def test_whoever_waits_outlasts_whoever_asks() -> None:
    assert roles_anywhere._TIMEOUT.total is not None
    asking = new_session._ATTEMPTS * roles_anywhere._TIMEOUT.total
    assert asking + attempts._LONGEST_PAUSES.total_seconds() < session_store._PATIENCE_SECONDS
