"""The configurations in the pages are ones that are accepted, as the pages say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded
from sidecar.config.role_sources import ROLE_SOURCES

PAGE = Path(__file__).parents[2] / "docs/roles.md"
APP = '\n[apps.web]\nroles = ["default", "tenant", "audit", "ci"]\ntoken_env = "WEB_TOKEN"\n'


def test_the_examples_of_role_sources_are_one_sound_configuration(
    load: Callable[..., Loaded],
) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    loaded = load("\n".join(blocks) + APP)
    assert inconsistencies(loaded.config) == []
    assert {role.source for role in loaded.config.roles.values()} == set(ROLE_SOURCES.schemas)


def test_the_example_of_an_outside_issuer_is_sound_beside_a_role(
    load: Callable[..., Loaded], sound: dict[str, Any], toml: Callable[[object], str]
) -> None:
    page = (PAGE.parent / "app-tokens.md").read_text()
    [block] = re.findall(r"^```toml\n(\[issuers.*?)^```$", page, re.DOTALL | re.MULTILINE)
    del sound["apps"]
    config = load(toml(sound) + block).config
    assert inconsistencies(config) == []
    assert config.apps["web"].issuer == "cluster"
