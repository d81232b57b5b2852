"""What a configuration has the metadata door say of the machine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.config.load import load_config
from sidecar.config.schema import Config
from sidecar.web.instance_facts import instance_facts
from sidecar.web.metadata_paths import InstanceFacts

ROLE = """
source = "web-identity"
token_file = "token"
role_arn = "arn:aws:iam::123456789012:role/web"
"""
CONFIG = f"""
[aws]
region = "eu-west-1"
[roles.default]{ROLE}
[roles.reports]{ROLE}
[apps.web]
roles = ["reports", "default"]
token_env = "WEB_TOKEN"
[apps.batch]
roles = ["default"]
token_env = "BATCH_TOKEN"
"""

Load = Callable[[str], Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Give a function that reads the configuration with more lines."""

    def loaded(more: str) -> Config:
        file = tmp_path / "sidecar.toml"
        file.write_text(CONFIG + more)
        return load_config(file, {}).config

    return loaded


def test_by_default_the_zone_is_the_first_and_the_machine_is_nobody_s(load: Load) -> None:
    assert instance_facts(load(""), "default") == InstanceFacts(
        region="eu-west-1",
        account_id="123456789012",
        instance_id="i-00000000000000000",
        availability_zone="eu-west-1a",
    )


def test_what_is_configured_is_told(load: Load) -> None:
    section = """
    [metadata]
    availability_zone = "eu-west-1b"
    availability_zone_id = "euw1-az2"
    instance_id = "i-0123abcd"
    instance_type = "t3.micro"
    """
    assert instance_facts(load(section), "default") == InstanceFacts(
        region="eu-west-1",
        account_id="123456789012",
        instance_id="i-0123abcd",
        availability_zone="eu-west-1b",
        availability_zone_id="euw1-az2",
        instance_type="t3.micro",
    )


def test_a_user_s_account_is_that_of_the_role_which_reads_its_secret(load: Load) -> None:
    legacy = '[roles.legacy]\nsource = "access-key-secret"\nvia = "default"\nsecret_id = "s"'
    assert instance_facts(load(legacy), "legacy").account_id == "123456789012"
