"""What must hold between the options of a role, and between roles."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.config.consistency import inconsistencies
from sidecar.config.load import Loaded

ROLE = "arn:aws:iam::123456789012:role/api"
CHAINED = {"source": "assume-role", "via": "default", "role_arn": ROLE}
TOKEN = {"source": "web-identity", "token_file": "token", "role_arn": ROLE}
KEY = {"source": "access-key-secret", "via": "default", "secret_id": "legacy/batch-user"}
POLICY = '{"Statement": []}'

Found = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def found(load: Callable[..., Loaded], sound: dict[str, Any]) -> Found:
    """Give a function that adds roles to the sound configuration and returns what contradicts."""

    def run(**roles: dict[str, Any]) -> list[tuple[str, str]]:
        sound["roles"] |= roles
        problems = inconsistencies(load(sound).config)
        return [(str(each), each.hint) for each in problems]

    return run


@pytest.mark.parametrize(
    "roles",
    [
        pytest.param({"a": CHAINED}, id="on a role from Roles Anywhere"),
        pytest.param({"a": CHAINED | {"via": "b"}, "b": TOKEN}, id="on a role by a token"),
        pytest.param({"a": CHAINED, "b": CHAINED | {"via": "a"}}, id="on a chained role"),
        pytest.param({"a": CHAINED | {"policy_file": "p"}}, id="a policy in a file"),
        pytest.param(
            {"a": CHAINED | {"session_tags": {"x": "1", "y": "2"}, "transitive_tag_keys": ["y"]}},
            id="a tag that is inherited",
        ),
        pytest.param(
            {"a": CHAINED | {"role_session_name": "{certificate_cn}"}}, id="named by certificate"
        ),
        pytest.param(
            {"a": CHAINED | {"role_arn": ROLE.replace("123456789012", "000000000000")}},
            id="in another account",
        ),
        pytest.param({"a": KEY, "b": CHAINED | {"via": "a"}}, id="on a user's key"),
        pytest.param({"a": KEY | {"via": "b"}, "b": CHAINED}, id="a key read by a chained role"),
        pytest.param({"a": KEY, "b": KEY | {"exchange": "session-token"}}, id="key and session"),
        pytest.param({"a": KEY, "b": KEY | {"secret_id": "other"}}, id="two users"),
        pytest.param({"a": KEY | {"session_duration_seconds": 43200}}, id="a key for half a day"),
        pytest.param(
            {"a": KEY | {"exchange": "session-token", "session_duration_seconds": 129600}},
            id="a user's session of 36 hours",
        ),
    ],
)
def test_roles_that_fit_together_have_no_problem(found: Found, roles: dict[str, Any]) -> None:
    assert found(**roles) == []


@pytest.mark.parametrize(
    ("role", "problem", "hint"),
    [
        pytest.param(
            {"via": "ghost"},
            "via: there is no role 'ghost'",
            "configured are default, api",
            id="unknown parent",
        ),
        pytest.param(
            {"role_arn": ROLE.replace("arn:aws:", "arn:aws-cn:")},
            "role_arn: is of partition aws-cn, role default of aws",
            "a role can only be assumed within its own partition",
            id="another partition",
        ),
        pytest.param(
            {"policy": POLICY, "policy_file": "p"},
            "policy_file: cannot go with roles.api.policy",
            "keep one",
            id="two policies",
        ),
        pytest.param(
            {"session_tags": {"x": "1"}, "transitive_tag_keys": ["y"]},
            "transitive_tag_keys: there is no session tag 'y'",
            "only tags in session_tags can be inherited",
            id="a key without a tag",
        ),
        pytest.param(
            {"via": "api"},
            "via: the role would be assumed through itself: api → api",
            "let one of them come from roles-anywhere or web-identity",
            id="on itself",
        ),
    ],
)
def test_a_chained_role_that_cannot_work_is_refused(
    found: Found, role: dict[str, Any], problem: str, hint: str
) -> None:
    assert found(api=CHAINED | role) == [(f"roles.api.{problem}", hint)]


@pytest.mark.parametrize(
    ("role", "problem", "hint"),
    [
        pytest.param(
            {"via": "ghost"},
            "via: there is no role 'ghost'",
            "configured are default, first, api",
            id="unknown parent",
        ),
        pytest.param(
            {"secret_id": "first"},
            "secret_id: is that of role first too, and both hand out its key as it is",
            "give applications one of the two roles, or set exchange = session-token",
            id="one key twice",
        ),
        *(
            pytest.param(
                {"session_duration_seconds": seconds},
                f"session_duration_seconds: must be 1800 to 43200 without exchange (got {seconds})",
                "SDKs come back for the key some minutes before that; 3600 suits most",
                id=f"{seconds} seconds",
            )
            for seconds in (1799, 43201)
        ),
        pytest.param(
            {"via": "api"},
            "via: the role would be assumed through itself: api → api",
            "let one of them come from roles-anywhere or web-identity",
            id="on itself",
        ),
    ],
)
def test_a_users_key_that_cannot_work_is_refused(
    found: Found, role: dict[str, Any], problem: str, hint: str
) -> None:
    first = KEY | {"secret_id": "first"}
    assert found(first=first, api=KEY | role) == [(f"roles.api.{problem}", hint)]


def test_a_role_on_a_users_key_is_of_the_partition_that_the_secret_is_read_in(
    found: Found,
) -> None:
    china = CHAINED | {"via": "key", "role_arn": ROLE.replace("arn:aws:", "arn:aws-cn:")}
    [(problem, _)] = found(key=KEY, china=china)
    assert problem == "roles.china.role_arn: is of partition aws-cn, role key of aws"


@pytest.mark.parametrize("field", ["certificate_cn", "certificate_serial"])
def test_a_name_by_certificate_needs_a_certificate(
    load: Callable[..., Loaded], sound: dict[str, Any], field: str
) -> None:
    del sound["identity"]
    named = {"role_session_name": f"x-{{{field}}}-{{role}}"}
    changed = sound | {"roles": {"default": TOKEN | named}, "aws": {"region": "eu-west-1"}}
    [problem] = inconsistencies(load(changed).config)
    assert str(problem) == (
        f"roles.default.role_session_name: uses {{{field}}}, and there is no certificate"
    )
    assert problem.hint == "add [identity], or use {hostname} and {role}"


def test_every_cycle_is_shown_once_from_the_role_named_first(found: Found) -> None:
    def on(via: str) -> dict[str, str]:
        return CHAINED | {"via": via}

    problems = found(
        before=on("b"), c=on("a"), b=on("c"), a=on("b"), after=on("a"), y=on("x"), x=on("y")
    )
    assert [problem for problem, _ in problems] == [
        "roles.c.via: the role would be assumed through itself: c → a → b → c",
        "roles.y.via: the role would be assumed through itself: y → x → y",
    ]
