"""The configurations in the docs are ones that are accepted, as the pages say."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sidecar.clock import SystemClock
from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded
from sidecar.config.notify_section import NOTIFY_TYPES
from sidecar.config.role_sources import ROLE_SOURCES
from sidecar.notice import Kind, Notice, Severity
from sidecar.notify.webhook import Post, post
from sidecar.redaction import Secret

_LINES = re.DOTALL | re.MULTILINE
DOCS = Path(__file__).parents[2] / "docs"
APP = '\n[apps.web]\nroles = ["default", "tenant", "audit", "ci"]\ntoken_env = "WEB_TOKEN"\n'


def _blocks(page: str) -> list[str]:
    text = (DOCS / page).read_text()
    return re.findall(r"^```toml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_examples_of_role_sources_are_one_sound_configuration(
    load: Callable[..., Loaded],
) -> None:
    loaded = load("\n".join(_blocks("roles.md")) + APP)
    assert inconsistencies(loaded.config) == []
    assert {role.source for role in loaded.config.roles.values()} == set(ROLE_SOURCES.schemas)


@pytest.mark.parametrize("block", _blocks("listening.md"))
def test_each_example_of_where_doors_listen_is_sound(
    block: str,
    load: Callable[..., Loaded],
    sound: dict[str, Any],
    toml: Callable[[dict[str, Any]], str],
) -> None:
    assert inconsistencies(load(toml(sound) + block).config) == []


def test_the_example_of_an_outside_issuer_is_sound_beside_a_role(
    load: Callable[..., Loaded], sound: dict[str, Any], toml: Callable[[object], str]
) -> None:
    page = (DOCS / "app-tokens.md").read_text()
    [block] = re.findall(r"^```toml\n(\[issuers.*?)^```$", page, re.DOTALL | re.MULTILINE)
    del sound["apps"]
    config = load(toml(sound) + block).config
    assert inconsistencies(config) == []
    assert config.apps["web"].issuer == "cluster"


def test_the_example_of_a_rotation_is_sound_and_opens_when_the_page_says(
    load: Callable[..., Loaded], sound: dict[str, Any], toml: Callable[[object], str]
) -> None:
    [block] = [each for each in _blocks("configuration.md") if each.startswith("[rotation")]
    config = load(toml(sound) + block).config
    assert inconsistencies(config) == []
    schedule = config.rotation["prod/backup"].parsed_schedule()
    new_year = datetime(2026, 1, 1, tzinfo=UTC)
    assert schedule is not None
    window = schedule.next_window(new_year, since=new_year)
    assert f"{window.start:%a %d %H}, {window.end:%H}" == "Sun 04 02, 05"


def test_the_example_of_sinks_is_sound_and_has_one_of_each_type(
    load: Callable[..., Loaded], sound: dict[str, Any], toml: Callable[[object], str]
) -> None:
    [block] = _blocks("notifications.md")
    config = load(toml(sound) + block).config
    assert inconsistencies(config) == []
    assert {sink.type for sink in config.notify.values()} == set(NOTIFY_TYPES.schemas)


def test_the_page_names_every_kind_of_notice() -> None:
    page = (DOCS / "notifications.md").read_text()
    told = [each.value for each in Kind if each is not Kind.TEST]
    assert [each for each in told if f"`{each}`" not in page] == []


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the page's receiver, beside a key with a newline at its end."""
    (tmp_path / "webhook.key").write_bytes(b"k" * 32 + b"\n")
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(r"^```python\n(.*?)^```$", (DOCS / "notifications.md").read_text(), _LINES)
    space: dict[str, Any] = {}
    exec(code, space)
    return space


def _sent(sentence: str = "a test", **ago: float) -> Post:
    now = SystemClock().now()
    return post(
        Notice(Kind.TEST, Severity.INFO, sentence, now),
        Secret("k" * 32),
        now - timedelta(**ago),
    )


def test_the_page_s_way_to_verify_a_signature_takes_ours_and_no_other(
    receiver: dict[str, Any],
) -> None:
    sent, genuine = _sent(), receiver["is_genuine"]
    assert genuine(sent.headers, sent.body)
    assert genuine(sent.headers, sent.body, b"k" * 32)
    assert not genuine(sent.headers, sent.body + b" ", b"k" * 32)
    assert not genuine(sent.headers, sent.body, b"x" * 32)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_the_page_s_way_takes_no_request_from_another_time(
    minutes: int, receiver: dict[str, Any]
) -> None:
    early, late = _sent(minutes=minutes * 0.8), _sent(minutes=minutes)
    assert receiver["is_genuine"](early.headers, early.body)
    assert not receiver["is_genuine"](late.headers, late.body)


@pytest.mark.parametrize(
    "other",
    [
        {"X-Sidecar-Timestamp": ""},
        {"X-Sidecar-Timestamp": "now"},
        {"X-Sidecar-Timestamp": "\N{SUPERSCRIPT TWO}"},
        {"X-Sidecar-Signature": ""},
        {"X-Sidecar-Signature": "v1=\N{PILE OF POO}"},
    ],
)
def test_the_page_s_way_refuses_nonsense_without_stumbling(
    other: dict[str, str], receiver: dict[str, Any]
) -> None:
    sent = _sent()
    assert not receiver["is_genuine"]({**sent.headers, **other}, sent.body)
    assert not receiver["is_genuine"]({}, sent.body)


def test_the_page_s_way_takes_a_request_that_is_sent_again_once(
    receiver: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead, other = _sent(minutes=-4), _sent("another")
    assert [receiver["is_new"](each.body) for each in (ahead, ahead, other)] == [True, False, True]
    start = receiver["time"].time()
    for minutes, known in ((8, True), (11, False)):
        monkeypatch.setattr(receiver["time"], "time", lambda now=start + minutes * 60: now)
        # As long as it is genuine it is known; what is forgotten is not genuine any more.
        assert receiver["is_new"](ahead.body) is not known
        assert receiver["is_genuine"](ahead.headers, ahead.body) is known
