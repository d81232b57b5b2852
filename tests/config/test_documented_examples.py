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
from sidecar.notify.webhook import post
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


def test_the_page_s_way_to_verify_a_signature_takes_ours_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "webhook.key").write_bytes(b"k" * 32 + b"\n")
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(r"^```python\n(.*?)^```$", (DOCS / "notifications.md").read_text(), _LINES)
    space: dict[str, Any] = {}
    exec(code, space)
    now = SystemClock().now()
    notice = Notice(Kind.TEST, Severity.INFO, "a test", now)
    sent = post(notice, Secret("k" * 32), now)
    late = post(notice, Secret("k" * 32), now - timedelta(minutes=6))
    genuine = space["is_genuine"]
    assert genuine(sent.headers, sent.body)
    assert genuine(sent.headers, sent.body, b"k" * 32)
    assert not genuine(sent.headers, sent.body + b" ", b"k" * 32)
    assert not genuine(sent.headers, sent.body, b"x" * 32)
    assert not genuine(late.headers, late.body, b"k" * 32)
