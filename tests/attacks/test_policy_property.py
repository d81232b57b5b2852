"""Whatever the policy and whatever is asked: what is given is allowed, and is not denied."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.attacks.oracle import Policy, fits
from tests.attacks.requests import api, ask, quoted, vault
from tests.attacks.world import INPUTS

if TYPE_CHECKING:
    from tests.attacks.world import World
    from tests.conftest import Aws

pytestmark = pytest.mark.asyncio(loop_scope="session")

APP = "web"
# Names that stand close to each other: ends like an ARN's, slashes, prefixes of one another.
SECRETS = ("a", "a/b", "a/b-AbCdEf", "a/b-AbCdEf-GhIjKl", "a/bb", "ab/b", "b/a", "b")
PARAMETERS = ("/a", "/a/b", "/a/b/a", "/ab/a", "/b/a", "/a.b")
REFERENCE = "/aws/reference/secretsmanager/"
# Every value holds the name of what it is the value of.
VALUE = re.compile(r"value of ([A-Za-z/.-]+)")

pieces = st.sampled_from(["a", "b", "/", "*", "-", "-AbCdEf", "ab", "a/b", "**", "."])
patterns = st.lists(pieces, min_size=1, max_size=4).map("".join)
wide = st.sampled_from(["*", "a*", "*b", "/a*", "a/*", "/*", "b*"])
exact = st.sampled_from(SECRETS)
allowed = st.lists(wide | exact | patterns, min_size=1, max_size=3).map(tuple)
refused = st.lists(patterns | exact, max_size=2).map(tuple)
policies = st.builds(Policy, allowed, refused, allowed, refused)


@dataclass(frozen=True)
class Stored:
    """What the emulator holds: from a name to its ARN."""

    secrets: Mapping[str, str]
    parameters: Mapping[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stored(shared_aws: "Aws") -> Stored:
    """Make the secrets and parameters; each one's value is its name."""
    manager, ssm = shared_aws.client("secretsmanager"), shared_aws.client("ssm")
    secrets = {
        name: manager.create_secret(Name=name, SecretString=f"value of {name}")["ARN"]
        for name in SECRETS
    }
    for name in PARAMETERS:
        ssm.put_parameter(Name=name, Value=f"value of {name}", Type="String")
    arns = {name: ssm.get_parameter(Name=name)["Parameter"]["ARN"] for name in PARAMETERS}
    return Stored(secrets, arns)


@contextmanager
def under(world: "World", policy: Policy) -> Iterator[None]:
    """Have one app's policy be this one."""
    before = world.callers.access
    apps = tuple(
        replace(
            app,
            secrets=policy.secrets,
            deny_secrets=policy.deny_secrets,
            parameters=policy.parameters,
            deny_parameters=policy.deny_parameters,
        )
        if app.name == APP
        else app
        for app in before.apps
    )
    world.callers.replace(replace(before, apps=apps))
    try:
        yield
    finally:
        world.callers.replace(before)


@st.composite
def secret_ids(draw: st.DrawFn, arns: Mapping[str, str]) -> str:
    """Draw an id: a name, an ARN whole or in part, with an end that is another's, or nonsense."""
    name = draw(st.sampled_from(SECRETS))
    arn = arns[name]
    return draw(
        st.sampled_from([name, arn, arn[:-7], f"{arn[:-7]}-AbCdEf", f"{arn}-AbCdEf"])
        | patterns
        | patterns.map(lambda made: f"{arn.rpartition(':')[0]}:{made}")
    )


@st.composite
def parameter_names(draw: st.DrawFn, stored: Stored) -> str:
    """Draw a name: of a parameter in several spellings, or of one that stands for a secret."""
    name = draw(st.sampled_from(PARAMETERS))
    spelled = [name, name[1:], f"/{name}", stored.parameters[name], f"{name}:1", f"/b/..{name}"]
    referred = draw(secret_ids(stored.secrets))
    prefix = draw(st.sampled_from([REFERENCE, REFERENCE[1:], f"/{REFERENCE}", "/AWS/reference/"]))
    usual = st.sampled_from(spelled)
    return draw(st.one_of(usual, usual, usual, st.just(f"{prefix}{referred}"), patterns))


@st.composite
def requests(draw: st.DrawFn, world: "World", stored: Stored) -> tuple[str, bytes]:
    """Draw a door and a request for something by the app."""
    me = world.actors[APP]
    secret_id, name = draw(secret_ids(stored.secrets)), draw(parameter_names(stored))
    if draw(st.booleans()):
        targets = (
            f"/v1/{secret_id}",
            f"/v1/b/../{secret_id}",
            f"/secretsmanager/get?secretId={quoted(secret_id)}",
            f"/systemsmanager/parameters/get?name={quoted(name)}&withDecryption=true",
        )
        return "secrets", ask(world, "secrets", draw(st.sampled_from(targets)), vault(me.token))
    ids = [secret_id, draw(secret_ids(stored.secrets))]
    names = list(dict.fromkeys([name, draw(parameter_names(stored))]))
    path = draw(st.sampled_from(["/", "/a", "/a/", "/ab", "/b", REFERENCE]) | patterns)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("secretsmanager.GetSecretValue", {"SecretId": secret_id}),
        ("secretsmanager.DescribeSecret", {"SecretId": secret_id}),
        ("secretsmanager.BatchGetSecretValue", {"SecretIdList": ids}),
        ("secretsmanager.BatchGetSecretValue", {"Filters": [{"Key": "name", "Values": ["a"]}]}),
        ("AmazonSSM.GetParameter", {"Name": name, "WithDecryption": True}),
        ("AmazonSSM.GetParameters", {"Names": names, "WithDecryption": True}),
        ("AmazonSSM.GetParameterHistory", {"Name": name, "WithDecryption": True}),
        ("AmazonSSM.GetParametersByPath", {"Path": path, "Recursive": True}),
    ]
    operation, members = draw(st.sampled_from(calls))
    return "aws_api", api(world, me, operation, members)


def given_away(body: Any) -> Iterator[tuple[str, str]]:
    """Find the real name of everything in an answer: of what kind, and which."""
    for each in body.get("SecretValues", [body]):
        if "Name" in each and "ARN" in each and ":secretsmanager:" in each["ARN"]:
            yield "secret", each["Name"]
    found = body.get("Parameters", [body["Parameter"]] if "Parameter" in body else [])
    for each in found:
        source = each.get("SourceResult")
        if source:
            yield "secret", json.loads(source)["name"]
        else:
            yield "parameter", each["Name"]


@settings(
    max_examples=max(300, INPUTS // 10),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(policy=policies, data=st.data())
async def test_what_a_door_gives_is_allowed_and_not_denied(
    policy: Policy, data: st.DataObject, world: "World", stored: Stored
) -> None:
    door, request = data.draw(requests(world, stored))
    with under(world, policy):
        stream = await world.exchange(door, request)
    head, _, body = stream.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        assert b"value of" not in body
        return
    judged = {"secret": policy.may_read_secret, "parameter": policy.may_read_parameter}
    told = list(given_away(json.loads(body)))
    for kind, name in told:
        event(f"a {kind} was given")
        assert judged[kind](name), (policy, request)
    for name in VALUE.findall(body.decode()):
        judge = policy.may_read_parameter if name.startswith("/") else policy.may_read_secret
        assert judge(name), (policy, request)


EVERYTHING = Policy(("*",), (), ("*",), ())
NOTHING = Policy(("*",), ("*",), ("*",), ("*",))
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("secretsmanager.GetSecretValue", {"SecretId": "a/b"}),
    ("secretsmanager.DescribeSecret", {"SecretId": "a/b"}),
    ("secretsmanager.BatchGetSecretValue", {"SecretIdList": ["a/b"]}),
    ("secretsmanager.BatchGetSecretValue", {"Filters": [{"Key": "name", "Values": ["a"]}]}),
    ("AmazonSSM.GetParameter", {"Name": "/a/b", "WithDecryption": True}),
    ("AmazonSSM.GetParameter", {"Name": f"{REFERENCE}a/b", "WithDecryption": True}),
    ("AmazonSSM.GetParameters", {"Names": ["/a/b"]}),
    ("AmazonSSM.GetParameterHistory", {"Name": "/a/b"}),
    ("AmazonSSM.GetParametersByPath", {"Path": "/a", "Recursive": True}),
]


@pytest.mark.parametrize("policy", [EVERYTHING, NOTHING], ids=["everything", "nothing"])
@pytest.mark.parametrize(("operation", "members"), CALLS)
async def test_each_call_that_is_drawn_gives_something_where_all_is_allowed(
    policy: Policy, operation: str, members: dict[str, Any], world: "World", stored: Stored
) -> None:
    with under(world, policy):
        request = api(world, world.actors[APP], operation, members)
        stream = await world.exchange("aws_api", request)
    gives = bool(list(given_away(json.loads(stream.partition(b"\r\n\r\n")[2]))))
    assert gives is (policy is EVERYTHING)


@pytest.mark.parametrize("door", ["secrets", "aws_api"])
@pytest.mark.parametrize(("covered", "served"), [("a/b", False), ("a/b-AbCdEf", True)])
async def test_a_partial_arn_that_looks_like_a_whole_one_is_judged_by_what_it_leads_to(
    covered: str, served: bool, door: str, world: "World", stored: Stored
) -> None:
    partial = stored.secrets["a/b-AbCdEf"][:-7]
    me = world.actors[APP]
    requests = {
        "secrets": ask(world, "secrets", f"/v1/{partial}", vault(me.token)),
        "aws_api": api(world, me, "secretsmanager.GetSecretValue", {"SecretId": partial}),
    }
    with under(world, Policy((covered,), (), (), ())):
        stream = await world.exchange(door, requests[door])
    assert (b"value of a/b-AbCdEf" in stream) is served


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "a/b", True),
        ("a", "a", True),
        ("a", "ab", False),
        ("a*", "a/b\n", True),
        ("*b", "a/b", True),
        ("a*b*a", "aba", True),
        ("a*a", "a", False),
        (".", "a", False),
        ("[a]", "a", False),
        ("?", "a", False),
    ],
)
async def test_the_oracle_itself_is_right(pattern: str, name: str, expected: bool) -> None:
    assert fits(pattern, name) is expected
