"""The one-shot that compose runs: what it hands out, and how."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sidecar.emulator.server import Emulator

SCRIPT = Path(__file__).parents[2] / "deploy/prepare_demo.py"
LIFE = "AKIAEXAMPLE"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """Give what the script defines."""
    return runpy.run_path(str(SCRIPT), run_name="prepare_demo")


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    directory = tmp_path / "prepared"
    directory.mkdir()
    (directory / "token").write_text("new token")
    return directory


@pytest.fixture
def handed_out(tmp_path: Path) -> Path:
    directory = tmp_path / "handed out"
    directory.mkdir()
    return directory


@pytest.fixture
def hand_out(script: dict[str, Any], prepared: Path, handed_out: Path) -> Callable[[], None]:
    """Give a function that hands out the token."""
    return lambda: script["hand_out"](prepared, handed_out, LIFE)


def test_it_finds_the_emulator_past_a_proxy(
    emulator: "Emulator", monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    script = runpy.run_path(str(SCRIPT), run_name="prepare_demo")
    assert script["life_of"](emulator.url) == emulator.administrator.access_key_id


def test_the_app_gets_its_token_and_nothing_else(
    hand_out: Callable[[], None], handed_out: Path
) -> None:
    hand_out()
    assert [(each.name, each.read_text()) for each in handed_out.iterdir()] == [
        ("token", "new token")
    ]
    assert (handed_out / "token").stat().st_mode & 0o777 == 0o600


def test_who_has_the_old_token_open_reads_it_to_its_end(
    hand_out: Callable[[], None], handed_out: Path
) -> None:
    (handed_out / "token").write_text("old token")
    with (handed_out / "token").open() as reading:
        hand_out()
        assert reading.read() == "old token"
    assert (handed_out / "token").read_text() == "new token"


def test_symlinks_are_replaced_and_not_followed(
    hand_out: Callable[[], None], prepared: Path, handed_out: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    for link in (handed_out / "token", prepared / "prepared-for"):
        link.symlink_to(elsewhere)
    hand_out()
    assert elsewhere.read_text() == "untouched"
    assert not (handed_out / "token").is_symlink()
    assert (handed_out / "token").read_text() == "new token"


def test_it_is_prepared_once_in_an_emulators_life(
    script: dict[str, Any], hand_out: Callable[[], None], prepared: Path
) -> None:
    assert not script["is_prepared"](prepared, LIFE)
    hand_out()
    assert script["is_prepared"](prepared, LIFE)
    assert not script["is_prepared"](prepared, "another life")


def test_nothing_counts_as_prepared_when_the_token_could_not_be_handed_out(
    script: dict[str, Any], prepared: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        script["hand_out"](prepared, tmp_path / "missing", LIFE)
    assert not script["is_prepared"](prepared, LIFE)
