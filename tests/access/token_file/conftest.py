"""An app's token file in a directory of its own, and what its tokens are signed with."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.access.callers import OwnTokens
from sidecar.access.own_token import OwnToken, OwnTokenRules, verify
from sidecar.access.token_file import TokenFiles, TokenPlace, prepare_place
from sidecar.access.token_key import TokenKey
from sidecar.file_target import Target

if TYPE_CHECKING:
    from tests.conftest import ManualClock

MODE: Final = 0o640
RULES: Final = OwnTokenRules(
    audience="credential-sidecar",
    lifetime=timedelta(seconds=60),
    grace=timedelta(seconds=120),
)


class Own:
    """What tokens are signed with at this moment; tests change it, as a reload does."""

    def __init__(self, clock: "ManualClock") -> None:
        self.now = OwnTokens(TokenKey.generate("EdDSA"), RULES)
        self._clock = clock

    def rules(self, rules: OwnTokenRules) -> None:
        self.now = replace(self.now, rules=rules)

    def read(self, file: Path) -> OwnToken:
        """Say what a file's token says, if it counts."""
        return self.verify(file.read_text())

    def verify(self, token: str) -> OwnToken:
        return verify(token, self.now.key, self.now.rules, self._clock.now())


@pytest.fixture
def own(clock: "ManualClock") -> Own:
    return Own(clock)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web" / "token"


@pytest.fixture
def place(file: Path) -> TokenPlace:
    place = TokenPlace("web", Target(file, MODE))
    prepare_place(place)
    return place


@pytest.fixture
def files(place: TokenPlace, own: Own, clock: "ManualClock") -> TokenFiles:
    files = TokenFiles([place], lambda: own.now, clock)
    files.bring_up_to_date()
    return files


@pytest.fixture
def nothing_is_told(caplog: pytest.LogCaptureFixture, file: Path) -> Iterator[None]:
    """See that no token gets into the log."""
    caplog.set_level(logging.DEBUG)
    yield
    if file.is_file():
        assert file.read_text().rpartition(".")[2] not in caplog.text
