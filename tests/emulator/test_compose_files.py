"""The compose files tell an app its region by both names that SDKs read."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = ["docker-compose.yml", "docker-compose.link-local.yml", "deploy/compose.aws.yml"]


@pytest.mark.parametrize("name", FILES)
def test_the_app_has_its_region_under_both_names(name: str) -> None:
    app = yaml.safe_load((ROOT / name).read_text())["services"]["app"]["environment"]
    assert app["AWS_REGION"]
    assert app["AWS_DEFAULT_REGION"] == app["AWS_REGION"]
