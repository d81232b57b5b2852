"""The configuration in docs/roles.md is one that is accepted, as the page says."""

import re
from collections.abc import Callable
from pathlib import Path

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
