"""The machine's configuration names what was made, and nothing that was not."""

import tomllib
from pathlib import Path

import pytest

from sidecar.config.consistency import inconsistencies
from sidecar.config.load import read_config
from sidecar.errors import OperatorError
from sidecar.provision.description import resources
from sidecar.provision.kinds.kind import Found
from sidecar.provision.machine import Machine, sidecar_toml
from sidecar.provision.resource import Resource
from tests.provision.wishes import ROTATION, Switches, called, chosen, wish_of

_ROLE = "arn:aws:iam::123456789012:role/web-workload"
_RESOURCES = (
    Resource("Anchor", "AWS::RolesAnywhere::TrustAnchor", {}),
    Resource("Profile", "AWS::RolesAnywhere::Profile", {}),
    Resource("Key", "AWS::SecretsManager::Secret", {}),
    Resource("Changes", "AWS::SQS::Queue", {}),
)
_FOUND = {
    "Anchor": Found("1", {"TrustAnchorArn": "arn:anchor"}, {}),
    "Profile": Found("2", {"ProfileArn": "arn:profile"}, {"RoleArns": [_ROLE]}),
    "Key": Found("arn:key", {}, {"Name": "prod/key"}),
    "Changes": Found("https://sqs.example/q", {}, {}),
}
_MACHINE = Machine(Path("/etc/sidecar"), "eu-central-1", None, ("prod/web/*",))


def test_everything_that_was_made_is_named() -> None:
    read = tomllib.loads(sidecar_toml(_MACHINE, _RESOURCES, _FOUND))
    assert read["identity"]["certificate"] == "/etc/sidecar/workload.pem"
    assert read["aws"] == {"region": "eu-central-1"}
    assert read["roles"]["default"] == {
        "trust_anchor_arn": "arn:anchor",
        "profile_arn": "arn:profile",
        "role_arn": _ROLE,
    }
    queue = "https://sqs.example/q"
    assert read["secrets"] == {"prefetch": ["prod/key"], "events_queue_url": queue}
    assert read["apps"]["default"]["secrets"] == ["prod/web/*"]


def test_without_queue_and_secret_there_is_no_section_of_them() -> None:
    read = tomllib.loads(sidecar_toml(_MACHINE, _RESOURCES[:2], _FOUND))
    assert "secrets" not in read
    assert read["apps"]["default"]["secrets"] == ["prod/web/*"]


def test_the_endpoint_of_an_emulator_is_named() -> None:
    machine = Machine(Path("/x"), "eu-central-1", "http://127.0.0.1:5000")
    read = tomllib.loads(sidecar_toml(machine, _RESOURCES, _FOUND))
    assert read["aws"]["endpoint_url"] == "http://127.0.0.1:5000"


def test_a_path_with_signs_of_toml_stays_a_path() -> None:
    machine = Machine(Path('/a "b"\\c'), "eu-central-1")
    read = tomllib.loads(sidecar_toml(machine, _RESOURCES, _FOUND))
    assert read["identity"]["private_key"] == '/a "b"\\c/workload.key'


def test_without_a_trust_anchor_there_is_no_configuration() -> None:
    with pytest.raises(OperatorError, match="there is no AWS::RolesAnywhere::TrustAnchor"):
        sidecar_toml(_MACHINE, _RESOURCES[1:], _FOUND)


def test_a_rotated_key_is_handed_out_by_a_role_to_an_application_of_its_own() -> None:
    read = tomllib.loads(sidecar_toml(_MACHINE, _RESOURCES, _FOUND))
    assert read["roles"]["legacy"] == {
        "source": "access-key-secret",
        "secret_id": "prod/key",
        "via": "default",
    }
    assert read["apps"]["legacy"] == {
        "roles": ["legacy"],
        "secrets": ["prod/key"],
        "token_file": "/etc/sidecar/legacy/token",
    }
    assert read["apps"]["default"]["roles"] == ["default"]
    assert read["apps"]["default"]["deny_secrets"] == ["prod/key"]
    without = tomllib.loads(sidecar_toml(_MACHINE, _RESOURCES[:2], _FOUND))
    assert (list(without["roles"]), list(without["apps"])) == (["default"], ["default"])
    assert "deny_secrets" not in without["apps"]["default"]


_ARN = "arn:aws:rolesanywhere:eu-central-1:123456789012"
_MADE = {
    "AWS::RolesAnywhere::TrustAnchor": Found("1", {"TrustAnchorArn": f"{_ARN}:trust-anchor/1"}, {}),
    "AWS::RolesAnywhere::Profile": Found(
        "2", {"ProfileArn": f"{_ARN}:profile/2"}, {"RoleArns": [_ROLE]}
    ),
    "AWS::SecretsManager::Secret": Found("arn:key", {}, {"Name": ROTATION.secret_name}),
    "AWS::SQS::Queue": Found("https://sqs.eu-central-1.amazonaws.com/123456789012/q", {}, {}),
}


@pytest.mark.parametrize("switches", chosen(), ids=called)
def test_whatever_is_wished_for_the_sidecar_takes_what_is_written(
    tmp_path: Path, switches: Switches
) -> None:
    wish = wish_of(switches)
    described = resources(wish)
    made = {each.logical_id: _MADE[each.type] for each in described if each.type in _MADE}
    machine = Machine(tmp_path, "eu-central-1", None, wish.reach.secrets)
    machine.configuration.write_text(sidecar_toml(machine, described, made))
    loaded = read_config(machine.configuration, {})
    assert [*loaded.problems, *inconsistencies(loaded.config)] == []
    # What is left out allows nothing.
    assert loaded.config.apps["default"].secrets == wish.reach.secrets
