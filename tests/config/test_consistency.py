"""What must hold between options that are each right by themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.app_consistency import shared_roles
from sidecar.config.consistency import (
    default_region,
    inconsistencies,
    secrets_role,
    sts_region,
)
from sidecar.config.load import Loaded, read_config
from sidecar.config.schema import LISTS, SECTIONS, TABLES
from sidecar.errors import ConfigError

ROLE = {
    "trust_anchor_arn": "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/a",
    "profile_arn": "arn:aws:rolesanywhere:eu-central-1:123456789012:profile/p",
    "role_arn": "arn:aws:iam::123456789012:role/web",
}
PREFETCH_FOR_NOTHING = (
    "secrets.prefetch: cannot go with secrets.ttl_seconds = 0: nothing is cached",
    "remove one of the two",
)
CHINA = {name: arn.replace("arn:aws:", "arn:aws-cn:") for name, arn in ROLE.items()}
TOKEN = {"source": "web-identity", "token_file": "token", "role_arn": ROLE["role_arn"]}
CHAINED = {"source": "assume-role", "via": "default", "role_arn": ROLE["role_arn"]}
APP = {"roles": ["default"], "token_env": "WEB_TOKEN"}
NO_TOKEN_FILE = (
    "apps.web.token_file: is missing, and its mode, owner or group is set",
    "add it, or remove token_file_mode, token_file_owner and token_file_group",
)
NO_TOKEN_HINT = (
    "set exactly one of token_file, static_token_file, token_env, issuer (without a file: "
    "SIDECAR_TOKEN or SIDECAR_TOKEN_FILE), or tokens.key_file and `sidecar token issue`"
)

Found = Callable[[dict[str, Any]], list[tuple[str, str]]]


@pytest.fixture
def found(load: Callable[..., Loaded], sound: dict[str, Any]) -> Found:
    """Give a function that changes the sound configuration and returns what contradicts."""

    def run(change: dict[str, Any]) -> list[tuple[str, str]]:
        problems = inconsistencies(load(sound | change).config)
        return [(str(each), each.hint) for each in problems]

    return run


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"identity": {"certificate": "a.pem", "private_key": "x/t"}}, "identity.private_key"),
        ({"identity": {"certificate": "x/t"}}, "identity.certificate"),
        ({"tokens": {"key_file": "x/t"}}, "tokens.key_file"),
        ({"admin": {"static_token_file": "x/../x/t"}}, "admin.static_token_file"),
        ({"audit": {"destination": "./x/t"}}, "audit.destination"),
        ({"files": [{"path": "x/t", "secret": "s"}]}, "files.1.path"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_file_that_the_sidecar_writes_a_token_to_is_nothing_else(
    found: Found, change: dict[str, Any], where: str
) -> None:
    apps = {"web": {"roles": ["default"], "token_file": "x/t"}}
    ((problem, hint),) = found({"apps": apps} | change)
    assert problem.startswith(f"{where}: ")
    assert problem.endswith("x/t is what the sidecar writes for app web")
    assert hint == "name another file"
    apps["web"]["token_file"] = "x/other"
    assert found({"apps": apps} | change) == []


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("token_file", "apps.batch.token_file: x/../x/t is that of app web too"),
        (
            "static_token_file",
            "apps.batch.static_token_file: x/../x/t is what the sidecar writes for app web",
        ),
    ],
)
def test_no_two_apps_have_one_token_file(found: Found, option: str, problem: str) -> None:
    apps = {"web": {"token_file": "x/t"}, "batch": {option: "x/../x/t"}}
    assert [each for each, _ in found({"apps": apps})] == [problem]
    apps["batch"][option] = "x/other"
    assert found({"apps": apps}) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="the sound one"),
        pytest.param({"roles": {"default": CHINA}}, id="all of another partition"),
        pytest.param({"roles": {"a": ROLE, "default": ROLE}}, id="two roles, one is default"),
        pytest.param({"secrets": {"via": "default"}}, id="via a role that exists"),
        pytest.param({"apps": {"web": {"static_token_file": "t"}}}, id="an app without roles"),
        pytest.param(
            {"doors": {"credentials": "127.0.0.1:1", "admin": "[::1]:1"}}, id="one port, two hosts"
        ),
        pytest.param(
            {
                "doors": {
                    "credentials": "169.254.170.2:80",
                    "secrets": "[fd00:ec2::23]:80",
                    "admin": ["127.0.0.2:1", "[::1]:1"],
                }
            },
            id="doors that want a token on link-local",
        ),
        pytest.param(
            {"doors": dict.fromkeys(("credentials", "secrets", "aws_api", "admin"), "127.0.0.1:0")},
            id="free ports for all",
        ),
        pytest.param(
            {
                "doors": {"secrets": "off", "aws_api": "off"},
                "roles": {"a": ROLE, "b": ROLE},
                "apps": {"web": APP | {"roles": ["a", "b"]}},
            },
            id="nobody reads secrets, so no role must",
        ),
    ],
)
def test_what_fits_together_has_no_problem(found: Found, change: dict[str, Any]) -> None:
    assert found(change) == []


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        pytest.param(
            {"profile_arn": ROLE["profile_arn"].replace("eu-central-1", "us-east-1")},
            "profile_arn: is in us-east-1, the trust anchor in eu-central-1",
            "CreateSession needs both in one region",
            id="regions",
        ),
        pytest.param(
            {"trust_anchor_arn": ROLE["trust_anchor_arn"].replace("123456789012", "000000000000")},
            "profile_arn: is in account 123456789012, the trust anchor in 000000000000",
            "CreateSession needs both in one account",
            id="anchor's account",
        ),
        pytest.param(
            {"role_arn": "arn:aws:iam::000000000000:role/web"},
            "role_arn: is in account 000000000000, the profile in 123456789012",
            "a profile can only hold roles of its own account",
            id="role's account",
        ),
    ],
)
def test_arns_of_a_role_that_disagree_are_refused(
    found: Found, change: dict[str, str], problem: str, hint: str
) -> None:
    assert found({"roles": {"default": ROLE | change}}) == [(f"roles.default.{problem}", hint)]


def test_arns_of_different_partitions_are_refused(found: Found) -> None:
    mixed = ROLE | {"role_arn": CHINA["role_arn"]}
    assert found({"roles": {"default": mixed}}) == [
        ("roles.default: its ARNs are of different partitions", "they must agree")
    ]


@pytest.mark.parametrize(
    ("app", "problem", "hint"),
    [
        pytest.param(
            APP | {"roles": ["default", "ghost"]},
            "apps.web.roles: there is no role 'ghost'",
            "configured are default",
            id="an unknown role",
        ),
        pytest.param({}, "apps.web: has no token", NO_TOKEN_HINT, id="no token"),
        pytest.param(
            APP | {"static_token_file": "t"},
            "apps.web: has two tokens: static_token_file and token_env",
            "set exactly one of token_file, static_token_file, token_env, issuer",
            id="two tokens",
        ),
        *(
            pytest.param(APP | how, *NO_TOKEN_FILE, id=f"{next(iter(how))} alone")
            for how in (
                {"token_file_mode": "0640"},
                {"token_file_owner": "web"},
                {"token_file_group": "web"},
            )
        ),
    ],
)
def test_an_app_without_one_token_or_with_a_role_that_is_not_there_is_refused(
    found: Found, app: dict[str, Any], problem: str, hint: str
) -> None:
    assert found({"apps": {"web": app}}) == [(problem, hint)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"secrets": {"via": "ghost"}}, "there is no role 'ghost'", id="unknown"),
        pytest.param(
            {"secrets": {"via": "ghost"}, "doors": {"secrets": "off"}},
            "there is no role 'ghost'",
            id="unknown, with the door off",
        ),
        pytest.param(
            {"roles": {"a": ROLE, "b": ROLE}, "apps": {"web": APP | {"roles": ["a"]}}},
            "must say whose credentials read secrets",
            id="several and none is default",
        ),
    ],
)
def test_secrets_need_a_role_that_reads_them(
    found: Found, change: dict[str, Any], problem: str
) -> None:
    roles = ", ".join(change.get("roles", {"default": ROLE}))
    assert found(change) == [(f"secrets.via: {problem}", f"configured are {roles}")]


TWO_APPS = {"web": APP, "batch": APP | {"token_env": "B"}, "idle": {"token_env": "C"}}
OPEN = {"doors": {"metadata": "127.0.0.1:0"}}
CONFIGURED = "configured are web, batch, idle"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(OPEN, id="the only app"),
        pytest.param({"apps": TWO_APPS}, id="several apps, and the door is off"),
        pytest.param(OPEN | {"apps": TWO_APPS, "metadata": {"app": "batch"}}, id="a named app"),
        pytest.param({"metadata": {"availability_zone": "eu-central-1b"}}, id="a zone"),
        pytest.param(
            {"aws": {"region": "us-east-1"}, "metadata": {"availability_zone": "us-east-1b"}},
            id="a zone of the configured region",
        ),
        pytest.param({"doors": {"metadata": "169.254.169.254:80"}}, id="where EC2 has it"),
    ],
)
def test_a_metadata_door_that_knows_whom_to_serve_has_no_problem(
    found: Found, change: dict[str, Any]
) -> None:
    assert found(change) == []


@pytest.mark.parametrize(
    ("change", "problem", "hint"),
    [
        pytest.param(
            OPEN | {"apps": TWO_APPS},
            "app: must name one of several apps: the metadata door cannot tell callers apart",
            CONFIGURED,
            id="several apps",
        ),
        pytest.param(
            {"apps": TWO_APPS, "metadata": {"app": "ghost"}},
            "app: there is no app 'ghost'",
            CONFIGURED,
            id="an unknown app, even if off",
        ),
        pytest.param(
            OPEN | {"apps": TWO_APPS, "metadata": {"app": "idle"}},
            "app: app 'idle' has no role to serve",
            "set apps.idle.roles",
            id="an app without roles",
        ),
        pytest.param(
            {"metadata": {"availability_zone": "us-east-1a"}},
            "availability_zone: us-east-1a is not in region eu-central-1",
            "SDKs take a zone without its letter for their region",
            id="a zone of another region",
        ),
    ],
)
def test_a_metadata_door_that_could_not_serve_is_refused(
    found: Found, change: dict[str, Any], problem: str, hint: str
) -> None:
    assert found(change) == [(f"metadata.{problem}", hint)]


def test_the_metadata_door_has_an_address_of_its_own(found: Found) -> None:
    doors = {"credentials": "127.0.0.1:1", "metadata": "127.0.0.1:1"}
    assert found({"doors": doors}) == [
        ("doors.metadata: 127.0.0.1:1 is taken by doors.credentials", "use another")
    ]


@pytest.mark.parametrize("role", [{"source": "magic"}, ROLE])
def test_nothing_is_said_of_the_metadata_door_where_what_it_needs_could_not_be_read(
    file: Path, toml: Callable[[object], str], sound: dict[str, Any], role: dict[str, str]
) -> None:
    sound |= OPEN | {"metadata": {"app": "ghost"}}
    sound["roles"]["other"] = role
    file.write_text(toml(sound))
    loaded = read_config(file, {})
    told = [each.where for each in inconsistencies(loaded.config, loaded.faulty)]
    assert told == (["metadata.app"] if role is ROLE else [])


def test_everything_that_contradicts_is_found_at_once(found: Found) -> None:
    change = {"apps": {"web": {"roles": ["ghost"]}}, "secrets": {"via": "ghost"}}
    assert [problem.partition(":")[0] for problem, _ in found(change)] == [
        "apps.web.roles",
        "apps.web",
        "secrets.via",
    ]


@pytest.mark.parametrize(
    ("roles", "via", "chosen"),
    [
        pytest.param(["a"], None, "a", id="the only one"),
        pytest.param(["a", "default"], None, "default", id="the one called default"),
        pytest.param(["a", "default"], "a", "a", id="the one configured"),
        pytest.param(["a", "b"], None, None, id="none"),
    ],
)
def test_the_role_that_reads_secrets(
    load: Callable[..., Loaded],
    sound: dict[str, Any],
    roles: list[str],
    via: str | None,
    chosen: str | None,
) -> None:
    sound |= {"roles": dict.fromkeys(roles, ROLE), "secrets": {"via": via} if via else {}}
    assert secrets_role(load(sound).config) == chosen


@pytest.mark.parametrize(
    ("aws", "region"), [({}, "eu-central-1"), ({"region": "us-east-1"}, "us-east-1")]
)
def test_services_are_asked_in_the_region_configured_or_the_first_anchor_s(
    load: Callable[..., Loaded], sound: dict[str, Any], aws: dict[str, str], region: str
) -> None:
    sound["roles"] = {"token": TOKEN, **sound["roles"]}
    assert default_region(load(sound | {"aws": aws}).config) == region


@pytest.mark.parametrize("what", ["prefetch", "prefetch_tags"])
def test_nothing_is_prefetched_where_nothing_is_cached(found: Found, what: str) -> None:
    assert found({"secrets": {"ttl_seconds": 0, what: "a"}}) == [PREFETCH_FOR_NOTHING]
    assert found({"secrets": {"ttl_seconds": 1, what: "a"}}) == []


@pytest.mark.parametrize(
    ("change", "region"),
    [
        pytest.param({}, "cn-north-1", id="its chain's anchor"),
        pytest.param({"aws": {"region": "cn-northwest-1"}}, "cn-northwest-1", id="configured"),
        pytest.param({"region": "cn-northwest-1"}, "cn-northwest-1", id="its own"),
    ],
)
def test_a_chained_role_is_asked_for_in_the_region_of_its_chain(
    load: Callable[..., Loaded], sound: dict[str, Any], change: dict[str, Any], region: str
) -> None:
    china = {name: arn.replace("eu-central-1", "cn-north-1") for name, arn in CHINA.items()}
    own = {"region": change.pop("region")} if "region" in change else {}
    chained = CHAINED | {"via": "china", "role_arn": CHINA["role_arn"]} | own
    sound["roles"] |= {"china": china, "chained": chained, "token": TOKEN}
    config = load(sound | change).config
    assert sts_region("chained", config) == region
    assert sts_region("token", config) == default_region(config)


@pytest.mark.parametrize(("key", "value"), [("max_megabytes", 1), ("keep", 1)])
def test_only_a_trail_in_a_file_is_rotated(found: Found, key: str, value: int) -> None:
    assert found({"audit": {key: value}}) == [
        (
            f"audit.{key}: cannot go with audit.destination = stdout: only a file is rotated",
            "remove it, or name a file",
        )
    ]
    for destination in ("/var/log/audit.jsonl", "off"):
        assert found({"audit": {"destination": destination, key: value}}) == []


NO_REGION = (
    "aws.region: is missing, and no role of source roles-anywhere tells it by its trust anchor",
    "such as eu-central-1; or set AWS_REGION",
)


def test_without_a_trust_anchor_the_region_must_be_configured(found: Found) -> None:
    roles = {"roles": {"default": TOKEN}}
    assert found(roles) == [NO_REGION]
    assert found(roles | {"aws": {"region": "eu-west-1"}}) == []


def test_a_region_that_nothing_tells_is_an_error_for_who_asks(
    load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    config = load(sound | {"roles": {"default": TOKEN}}).config
    with pytest.raises(ConfigError) as caught:
        default_region(config)
    assert [str(each) for each in caught.value.problems] == [NO_REGION[0]]


@pytest.mark.parametrize("kind", ["use_fips_endpoint", "use_dualstack_endpoint"])
@pytest.mark.parametrize(
    "custom",
    [
        "endpoint_url",
        "endpoint_url_rolesanywhere",
        "endpoint_url_sts",
        "endpoint_url_secretsmanager",
    ],
)
def test_a_custom_endpoint_and_a_kind_of_aws_s_own_exclude_each_other(
    found: Found, custom: str, kind: str
) -> None:
    assert found({"aws": {custom: "http://a", kind: True}}) == [
        (
            f"aws.{kind}: cannot go with aws.{custom}: it chooses among AWS's own endpoints",
            "remove one of the two; AWS_ENDPOINT_URL and AWS_USE_… variables count too",
        )
    ]
    assert found({"aws": {custom: "http://a", kind: False}}) == []
    assert found({"aws": {kind: True}}) == []


def test_a_password_has_one_place(found: Found, sound: dict[str, Any]) -> None:
    places = {"password_file": "p", "password_env": "P"}
    assert found({"identity": sound["identity"] | places}) == [
        (
            "identity.password_env: cannot go with identity.password_file",
            "there is one password: say where it is",
        )
    ]


def test_nothing_is_said_of_sections_that_could_not_be_read(
    file: Path, toml: Callable[[object], str], sound: dict[str, Any]
) -> None:
    sound["identity"] = {"password_file": "p", "password_env": "P"}
    sound["aws"] = {"region": "mars", "endpoint_url": "http://a", "use_fips_endpoint": True}
    sound["roles"] |= {
        "default": {"source": "magic"},
        "chained": CHAINED,
        "odd": CHAINED | {"via": 1},
    }
    file.write_text(toml(sound))
    loaded = read_config(file, {})
    assert loaded.faulty == {"identity", "aws", "roles.default", "roles.odd"}
    assert inconsistencies(loaded.config, loaded.faulty) == []


@pytest.mark.parametrize(
    ("other", "doors", "warned"),
    [
        pytest.param({"secrets": "a"}, {}, True, id="other secrets"),
        pytest.param({"parameters": "a"}, {}, True, id="other parameters"),
        pytest.param({}, {}, False, id="the same"),
        pytest.param({"roles": ["own"], "secrets": "a"}, {}, False, id="no role in common"),
        pytest.param({"secrets": "a"}, {"aws_api": "off"}, False, id="no such door"),
    ],
)
def test_apps_that_share_a_session_and_may_not_read_the_same_are_warned_of(
    load: Callable[..., Loaded],
    sound: dict[str, Any],
    other: dict[str, Any],
    doors: dict[str, Any],
    *,
    warned: bool,
) -> None:
    for role in sound["roles"].values():
        role["shared_session"] = True
    sound["roles"] |= {"own": ROLE}
    sound |= {"apps": {"web": APP, "batch": APP | {"token_env": "B"} | other}, "doors": doors}
    found = list(shared_roles(load(sound).config))
    assert bool(found) == warned
    assert all("apps web, batch share one session of role default" in each for each in found)


@pytest.mark.parametrize("section", sorted({*SECTIONS, *TABLES, *LISTS}))
def test_a_section_that_is_none_hinders_no_look_at_the_others(
    file: Path, toml: Callable[[object], str], sound: dict[str, Any], section: str
) -> None:
    file.write_text(toml(sound | {"apps": {"web": {"token_file": "t"}}} | {section: 3}))
    loaded = read_config(file, {})
    assert [each.where for each in loaded.problems] == [section]
    assert inconsistencies(loaded.config, loaded.faulty) == []
