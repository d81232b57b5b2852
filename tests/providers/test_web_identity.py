"""A role by token: the token is read anew each time, and what cannot be one is refused."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from sidecar.arn import role_arn
from sidecar.aws.sts import SessionRequest, Sts
from sidecar.credentials import Credentials
from sidecar.errors import OperatorError
from sidecar.providers.web_identity import WebIdentitySource, read_token
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.providers.conftest import FakeSource

REQUEST = SessionRequest(
    role_arn=role_arn("arn:aws:iam::999999999999:role/api"),
    session_name="api",
    duration_seconds=900,
)
HINT = "check token_file, that this user may read it, and what writes it"


class FakeSts:
    """Stands for STS: notes what it was asked with and gives a session."""

    def __init__(self, sessions: "FakeSource") -> None:
        self._sessions = sessions
        self.tokens: list[str] = []

    async def assume_role_with_web_identity(
        self, asked: SessionRequest, token: Secret
    ) -> Credentials:
        assert asked is REQUEST
        self.tokens.append(token.reveal())
        return await self._sessions.fetch()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


def _replace(file: Path, token: str) -> None:
    file.with_name("next").write_text(token)
    file.with_name("next").replace(file)


async def test_every_session_is_asked_for_with_the_token_of_that_moment(
    source: "FakeSource", file: Path
) -> None:
    sts = FakeSts(source)
    role = WebIdentitySource(cast("Sts", sts), file, lambda: REQUEST)
    for token in ("first\n", "second"):
        _replace(file, token)
        await role.fetch()
    assert sts.tokens == ["first", "second"]


async def test_without_a_token_aws_is_not_asked(source: "FakeSource", file: Path) -> None:
    sts = FakeSts(source)
    with pytest.raises(OperatorError):
        await WebIdentitySource(cast("Sts", sts), file, lambda: REQUEST).fetch()
    assert sts.tokens == []


@pytest.mark.parametrize(
    ("content", "token"),
    [(b"a.b.c", "a.b.c"), (b" a.b.c\r\n", "a.b.c"), (b"x" * 20_000, "x" * 20_000)],
)
def test_a_token_is_read_without_white_space_around_it(
    file: Path, content: bytes, token: str
) -> None:
    file.write_bytes(content)
    assert read_token(file) == Secret(token)


def test_a_symlink_is_followed_as_kubernetes_makes_them(file: Path) -> None:
    file.with_name("..data").write_text("a.b.c")
    file.symlink_to("..data")
    assert read_token(file) == Secret("a.b.c")


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        (b"", "is empty", "it must hold one token of up to 20000 characters"),
        (b" \n", "is empty", "it must hold one token of up to 20000 characters"),
        (b"canary" * 4000, "is too long", "it must hold one token of up to 20000 characters"),
        (b"canary\xff", "cannot be read: it is not plain text", HINT),
        (None, "cannot be read: No such file or directory", HINT),
    ],
    ids=["empty", "white", "endless", "not text", "missing"],
)
def test_a_file_that_holds_no_token_is_refused_by_name(
    file: Path, content: bytes | None, what: str, hint: str
) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(OperatorError) as caught:
        read_token(file)
    assert (caught.value.message, caught.value.hint) == (f"token file {file} {what}", hint)


def test_a_pipe_in_the_token_s_place_is_refused_and_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(OperatorError, match=r"cannot be read: not a regular file$"):
        read_token(file)


def test_a_token_of_somebody_else_is_refused(
    file: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    file.touch(mode=0o200)
    with ordinary_user(), pytest.raises(OperatorError, match=r"Permission denied$"):
        read_token(file)
