"""The story with steps of a test's own: what fails is told with its reason, and no value is."""

import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import NoReturn

import pytest

from sidecar.demo.result import Result
from sidecar.demo.scene import Scene
from sidecar.demo.story import STEPS, play
from sidecar.errors import OperatorError


def _wrong(scene: Scene) -> Result:
    return Result(holds=False, shown=f"two\nlines from {scene.region}")


def _hanging(scene: Scene) -> NoReturn:
    del scene
    forever = "import signal; signal.pause()"
    subprocess.run([sys.executable, "-c", forever], timeout=0.1, check=True)
    raise AssertionError


def _unanswered(scene: Scene) -> NoReturn:
    urllib.request.urlopen("http://127.0.0.1:1/", timeout=5)
    raise AssertionError


def _missing(scene: Scene) -> NoReturn:
    subprocess.run([str(scene.home / "nothing")], check=True)
    raise AssertionError


def _unprepared(scene: Scene) -> NoReturn:
    raise OperatorError("not prepared")


@dataclass(frozen=True)
class Played:
    """How a story ended, what it said, and the values that it must not say."""

    held: bool
    said: list[str]
    secrets: list[str]


@pytest.fixture(scope="module")
def played() -> Played:
    """Play the story's own steps, and then some that fail each in its way."""
    said: list[str] = []
    secrets: list[str] = []

    def note_secrets(scene: Scene) -> Result:
        secrets.extend((scene.data.database.reveal(), scene.token("app").reveal()))
        return Result(holds=True, shown="")

    ours = [
        ("wrong", _wrong),
        ("hanging", _hanging),
        ("unanswered", _unanswered),
        ("missing", _missing),
        ("unprepared", _unprepared),
    ]
    held = play(said.append, [("secrets", note_secrets), *STEPS, *ours])
    return Played(held, said, secrets)


def test_one_failed_check_fails_the_story(played: Played) -> None:
    assert not played.held
    assert f"{len(STEPS) + 1} of {len(STEPS) + 6} checks held" in played.said


@pytest.mark.parametrize("title", [title for title, _ in STEPS])
def test_a_check_that_holds_is_ticked(played: Played, title: str) -> None:
    assert f"✓ {title}" in played.said


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("wrong", "two"),
        ("hanging", "TimeoutExpired: Command"),
        ("unanswered", "URLError: <urlopen error [Errno 111] Connection refused>"),
        ("missing", "FileNotFoundError: [Errno 2]"),
        ("unprepared", "OperatorError: not prepared"),
    ],
)
def test_a_check_that_fails_is_crossed_with_its_reason(
    played: Played, title: str, reason: str
) -> None:
    told = played.said[played.said.index(f"✗ {title}") + 1]
    assert told.startswith(f"    {reason}")


def test_after_a_failure_the_last_words_of_both_daemons_are_shown(played: Played) -> None:
    assert "--- serve.log" in played.said
    assert "configuration from" in played.said[played.said.index("--- serve.log") + 1]


def test_no_secret_value_and_no_token_is_told(played: Played) -> None:
    assert len(played.secrets) == 2
    assert [secret for secret in played.secrets if secret in "\n".join(played.said)] == []
