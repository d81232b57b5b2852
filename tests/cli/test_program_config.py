"""What is left of a configuration for one program, and that what is left means the same."""

from pathlib import Path

import pytest

from sidecar.cli.program_config import for_one_program, own_variables
from sidecar.config.consistency import default_region, inconsistencies, secrets_role, sts_region
from sidecar.config.load import read_config
from sidecar.config.schema import Config
from sidecar.config.tokens_section import TokensSection

ANCHOR = "arn:aws:rolesanywhere:{region}:123456789012:{kind}"
ARN = "arn:aws:iam::123456789012:role/any"


def _anchored(name: str, region: str = "eu-central-1") -> str:
    anchor = ANCHOR.format(region=region, kind="trust-anchor/a")
    profile = ANCHOR.format(region=region, kind="profile/p")
    return (
        f'[roles.{name}]\nrole_arn = "{ARN}"\n'
        f'trust_anchor_arn = "{anchor}"\nprofile_arn = "{profile}"\n'
    )


def _chained(name: str, via: str) -> str:
    return f'[roles.{name}]\nsource = "assume-role"\nrole_arn = "{ARN}"\nvia = "{via}"\n'


def _app(roles: str) -> str:
    own = f"roles = [{roles}]\n" if roles else ""
    return f"[apps.web]\n{own}[apps.other]\n"


def _alone(directory: Path, *parts: str) -> tuple[Config, Config]:
    """Give the whole configuration and what is left of it for app web."""
    file = directory / "sidecar.toml"
    file.write_text("\n".join(('identity = { certificate = "a.pem" }', *parts)))
    whole = read_config(file, {}).config
    return whole, for_one_program(whole, "web", reads_events=False)


@pytest.mark.parametrize(
    ("roles", "via", "left"),
    [
        pytest.param('"a"', "a", ["a"], id="its own"),
        pytest.param('"a", "b"', "a", ["a", "b"], id="all of its own"),
        pytest.param('"leaf"', "a", ["a", "b", "trunk", "leaf"], id="what its own is chained on"),
        pytest.param('"a"', "trunk", ["a", "b", "trunk"], id="what secrets are read via"),
        pytest.param("", "b", ["b"], id="none of its own"),
    ],
)
def test_only_needed_roles_are_left(tmp_path: Path, roles: str, via: str, left: list[str]) -> None:
    tables = (*map(_anchored, ("a", "b", "c")), _chained("trunk", "b"), _chained("leaf", "trunk"))
    _, alone = _alone(tmp_path, *tables, _app(roles), f'[secrets]\nvia = "{via}"')
    assert list(alone.roles) == left
    assert inconsistencies(alone) == []


def test_no_key_is_rotated_for_a_program_and_the_role_that_does_is_not_needed(
    tmp_path: Path,
) -> None:
    rotation = '[rotation."batch"]\nuser_name = "batch"\nschedule = "rate(30 days)"\nvia = "b"'
    whole, alone = _alone(
        tmp_path, *map(_anchored, ("a", "b")), _app('"a"'), '[secrets]\nvia = "a"', rotation
    )
    assert (list(whole.rotation), list(alone.rotation)) == (["batch"], [])
    assert inconsistencies(alone) == []


@pytest.mark.parametrize("region", ["", '[aws]\nregion = "us-west-2"'])
def test_what_is_meant_by_default_stays_the_same(tmp_path: Path, region: str) -> None:
    tables = (_anchored("first", "us-east-1"), _anchored("default", "eu-west-1"))
    chained = (_chained("leaf", "default"), _chained("second", "default"))
    whole, alone = _alone(tmp_path, *tables, *chained, _app('"leaf", "second"'), region)
    assert "first" not in alone.roles
    assert default_region(alone) == default_region(whole)
    assert secrets_role(alone) == secrets_role(whole) == "default"
    for name in ("leaf", "second"):
        assert sts_region(name, alone) == sts_region(name, whole)


def test_a_contradiction_is_told_with_every_role_in_view(tmp_path: Path) -> None:
    _, alone = _alone(tmp_path, _anchored("default"), _anchored("batch"), _app('"bach"'))
    (problem,) = inconsistencies(alone)
    assert (str(problem), problem.hint) == (
        "apps.web.roles: there is no role 'bach'",
        "configured are default, batch",
    )


def test_a_program_whose_app_has_an_issuer_needs_neither_it_nor_its_keys(tmp_path: Path) -> None:
    issuer = '[issuers.corp]\nissuer = "corp"\naudience = "a"\njwks_file = "none.jwks"\n'
    app = '[apps.web]\nroles = ["a"]\nissuer = "corp"\nsubject = "web"\nclaims = { b = "c" }\n'
    _, alone = _alone(tmp_path, _anchored("a"), app, issuer)
    assert (alone.issuers, inconsistencies(alone)) == ({}, [])
    assert alone.apps["web"].token_env is not None


def test_a_program_needs_no_key_for_tokens(tmp_path: Path) -> None:
    app = '[apps.web]\nroles = ["a"]\nnot_before = 2999-01-01T00:00:00Z\n'
    tokens = '[tokens]\nkey_file = "/root/not/ours.key"\nalgorithm = "HS256"\n'
    _, alone = _alone(tmp_path, _anchored("a"), app, tokens)
    assert (alone.tokens, inconsistencies(alone)) == (TokensSection(), [])
    assert alone.apps["web"].not_before is None


def test_a_program_has_no_metadata_door_whichever_app_that_serves(tmp_path: Path) -> None:
    door = '[doors]\nmetadata = "127.0.0.1:0"\n[metadata]\napp = "other"'
    _, alone = _alone(tmp_path, _anchored("default"), _app('"default"'), door)
    assert inconsistencies(alone) == []
    assert alone.doors.metadata == ()


def test_a_program_s_doors_are_on_loopback_whatever_serve_s_are(tmp_path: Path) -> None:
    doors = '[doors]\ncredentials = "10.0.0.1:1"\nallow_remote = true\nadd_link_local = true\n'
    admin = '[admin]\ntoken_env = "ADMIN_TOKEN"\n'
    whole, alone = _alone(tmp_path, _anchored("default"), _app('"default"'), doors, admin)
    opened = [each for found in alone.doors.by_door().values() for each in found]
    assert {str(each.host) for each in opened} == {"127.0.0.1"}
    assert (alone.doors.allow_remote, alone.doors.add_link_local) == (False, False)
    assert alone.admin.token_env is None
    assert "ADMIN_TOKEN" in own_variables(whole)


@pytest.mark.parametrize(
    ("destination", "left"),
    [("stdout", "off"), ("off", "off"), ("/tmp/audit.jsonl", Path("/tmp/audit.jsonl"))],
)
def test_nothing_is_put_down_on_the_stdout_of_the_program(
    tmp_path: Path, destination: str, left: object
) -> None:
    section = f'[audit]\ndestination = "{destination}"\nchain = true'
    _, alone = _alone(tmp_path, _anchored("default"), _app('"default"'), section)
    assert (alone.audit.destination, alone.audit.chain) == (left, True)


def test_a_program_has_no_sink_of_notices_and_none_of_their_secrets(tmp_path: Path) -> None:
    sinks = (
        '[notify.a]\ntype = "slack"\nurl_env = "CHAT_URL"\n',
        '[notify.b]\ntype = "webhook"\nurl_file = "/x/url"\nhmac_key_env = "HOOK_KEY"\n',
        '[notify.c]\ntype = "file"\ndestination = "stdout"\n',
    )
    whole, alone = _alone(tmp_path, _anchored("default"), _app('"default"'), *sinks)
    assert alone.notify == {}
    assert own_variables(whole) >= {"CHAT_URL", "HOOK_KEY"}
