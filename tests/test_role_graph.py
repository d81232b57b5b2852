"""Roles made from the configuration: in which order, with what, and how they hang together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from sidecar.aws.http import http_client
from sidecar.clock import iso_seconds
from sidecar.config.load import load_config
from sidecar.config.schema import AwsSection, Config
from sidecar.errors import ConfigError, IdentityError, NotReady
from sidecar.providers.refreshing import RefreshingRole
from sidecar.role_graph import build_role_graph, endpoint_of
from sidecar.signing.x509 import CertifiedKey

if TYPE_CHECKING:
    from tests.conftest import ManualClock

PATIENCE_SECONDS = 30.0


@dataclass
class FakeSts:
    """A server that gives whatever session is asked for, and keeps what it was asked."""

    clock: "ManualClock"
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        action, _, role = form["Action"], *form["RoleArn"].rpartition("/")[1:]
        account = form["RoleArn"].split(":")[4]
        name = f"{role}/{form['RoleSessionName']}"
        lifetime = timedelta(seconds=int(form["DurationSeconds"]))
        return web.Response(
            content_type="text/xml",
            text=f"<{action}Response><{action}Result><AssumedRoleUser>"
            f"<Arn>arn:aws:sts::{account}:assumed-role/{name}</Arn></AssumedRoleUser>"
            f"<Credentials><AccessKeyId>ASIA{role.upper()}</AccessKeyId>"
            "<SecretAccessKey>canary-key</SecretAccessKey><SessionToken>canary</SessionToken>"
            f"<Expiration>{iso_seconds(self.clock.now() + lifetime)}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>",
        )

    def roles(self) -> list[str]:
        return [each["RoleArn"].rpartition("/")[2] for each in self.asked]


@pytest.fixture
async def sts(clock: "ManualClock") -> AsyncIterator[FakeSts]:
    fake = FakeSts(clock)
    application = web.Application()
    application.router.add_post("/", fake.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with http_client(None) as session:
        yield session


TOML = """
[aws]
region = "eu-central-1"
{aws}
[roles.grandchild]
source = "assume-role"
via = "child"
role_arn = "arn:aws:iam::123456789012:role/grandchild"
role_session_name = "{{role}}"
[roles.child]
source = "assume-role"
via = "parent"
role_arn = "arn:aws:iam::123456789012:role/team/child"
{child}
[roles.parent]
source = "web-identity"
token_file = "{directory}/token"
role_arn = "arn:aws:iam::123456789012:role/parent"
[apps.web]
token_env = "TOKEN"
"""

Configure = Callable[..., Config]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Give a function that loads three roles, each chained on the next."""

    def load(*, aws: str = "", child: str = "") -> Config:
        file = tmp_path / "sidecar.toml"
        file.write_text(TOML.format(aws=aws, child=child, directory=tmp_path))
        return load_config(file, {}).config

    return load


def _no_key() -> CertifiedKey:
    raise IdentityError("no identity is configured")


@dataclass
class Running:
    """Roles that are renewing, by name, and the way to wait for one without moving time."""

    roles: Mapping[str, RefreshingRole]

    async def session_of(self, name: str) -> str:
        """Wait until a role has a session and give its access key id."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return self.roles[name].current().access_key_id
                except NotReady:
                    await asyncio.sleep(0.01)


Run = Callable[[Config], Running]


@pytest.fixture
async def run(http: aiohttp.ClientSession, clock: "ManualClock") -> AsyncIterator[Run]:
    """Give a function that makes the roles of a configuration and lets them renew."""
    tasks: list[asyncio.Task[None]] = []

    def begin(config: Config) -> Running:
        graph = build_role_graph(config, http, _no_key, clock, hostname="vm-7", jitter=lambda: 0.99)
        roles = graph.roles
        tasks.extend(asyncio.create_task(role.run()) for role in roles.values())
        return Running(roles)

    yield begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_roles_are_asked_for_from_the_root_and_listed_as_configured(
    configure: Configure, run: Run, sts: FakeSts, tmp_path: Path
) -> None:
    _write(tmp_path / "token")
    running = run(configure(aws=f'endpoint_url = "{sts.url}"'))
    assert list(running.roles) == ["grandchild", "child", "parent"]
    assert await running.session_of("grandchild") == "ASIAGRANDCHILD"
    assert sts.roles() == ["parent", "child", "grandchild"]
    assert [each["RoleSessionName"] for each in sts.asked] == [
        "parent@vm-7",
        "child@vm-7",
        "grandchild",
    ]


def _write(file: Path, content: str = "a.b.c") -> None:
    file.write_text(content)


async def test_a_role_whose_parent_was_down_comes_soon_after_it(
    configure: Configure, run: Run, sts: FakeSts, tmp_path: Path, clock: "ManualClock"
) -> None:
    running = run(configure(aws=f'endpoint_url = "{sts.url}"'))
    # By now all three rest for a minute after each failure, and in step.
    await clock.advance(600)
    assert sts.asked == []
    _write(tmp_path / "token")
    await clock.advance(60)
    await running.session_of("parent")
    await clock.advance(5)
    await running.session_of("child")
    await clock.advance(5)
    await running.session_of("grandchild")
    assert sts.roles() == ["parent", "child", "grandchild"]


async def test_a_renewal_of_the_parent_renews_no_child(
    configure: Configure, run: Run, sts: FakeSts, tmp_path: Path, clock: "ManualClock"
) -> None:
    _write(tmp_path / "token")
    config = configure(aws=f'endpoint_url = "{sts.url}"')
    running = run(config)
    await running.session_of("grandchild")
    running.roles["parent"].renew_soon()
    await clock.advance(10)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while sts.roles().count("parent") < 2:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)
    await clock.advance(10)
    assert sts.roles() == ["parent", "child", "grandchild", "parent"]


async def test_a_policy_file_is_read_for_every_session(
    configure: Configure, run: Run, sts: FakeSts, tmp_path: Path, clock: "ManualClock"
) -> None:
    _write(tmp_path / "token")
    config = configure(
        aws=f'endpoint_url = "{sts.url}"', child=f'policy_file = "{tmp_path}/policy"'
    )
    running = run(config)
    await running.session_of("parent")
    with pytest.raises(NotReady):
        running.roles["child"].current()
    _write(tmp_path / "policy", '{"Statement": []}')
    await clock.advance(60)
    await running.session_of("child")
    assert sts.asked[1]["Policy"] == '{"Statement": []}'


@pytest.mark.parametrize(
    ("child", "problems"),
    [
        pytest.param('region = "mars-north-1"', ["roles.child.region"], id="a role's own"),
        pytest.param(
            'region = "mars-north-1"\n[roles.other]\nsource = "web-identity"\ntoken_file = "t"\n'
            'role_arn = "arn:aws:iam::123456789012:role/other"\nregion = "mars-south-1"',
            ["roles.other.region", "roles.child.region"],
            id="two of them",
        ),
    ],
)
async def test_every_region_that_nobody_knows_is_refused_by_its_place(
    configure: Configure,
    http: aiohttp.ClientSession,
    clock: "ManualClock",
    child: str,
    problems: list[str],
) -> None:
    with pytest.raises(ConfigError) as caught:
        build_role_graph(configure(child=child), http, _no_key, clock)
    assert [each.where for each in caught.value.problems] == problems
    assert all("mars-" in each.what for each in caught.value.problems)


@pytest.mark.parametrize(
    ("aws", "endpoint"),
    [
        pytest.param({}, "https://sts.eu-central-1.amazonaws.com", id="AWS's own"),
        pytest.param(
            {"use_fips_endpoint": True}, "https://sts-fips.eu-central-1.amazonaws.com", id="FIPS"
        ),
        pytest.param(
            {"use_dualstack_endpoint": True}, "https://sts.eu-central-1.api.aws", id="IPv6"
        ),
        pytest.param({"endpoint_url": "http://a"}, "http://a", id="for all"),
        pytest.param({"endpoint_url_sts": "http://b"}, "http://b", id="for this one"),
        pytest.param(
            {"endpoint_url": "http://a", "endpoint_url_sts": "http://b"}, "http://b", id="for both"
        ),
        pytest.param(
            {"endpoint_url_rolesanywhere": "http://b"},
            "https://sts.eu-central-1.amazonaws.com",
            id="for another",
        ),
    ],
)
def test_the_endpoint_is_the_most_particular_one(aws: dict[str, Any], endpoint: str) -> None:
    assert endpoint_of("sts", "eu-central-1", AwsSection(**aws)) == endpoint


BY_CERTIFICATE = """
[identity]
certificate = "workload.pem"
[aws]
start_spread_seconds = {spread}
[roles.default]
trust_anchor_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/1"
profile_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:profile/1"
role_arn = "arn:aws:iam::123456789012:role/web"
[apps.web]
token_env = "TOKEN"
"""


@pytest.mark.parametrize(("spread", "asked_at"), [(0, 0), (600, 300)])
async def test_the_first_session_is_asked_for_within_the_spread_of_the_start(
    spread: int, asked_at: int, http: aiohttp.ClientSession, clock: "ManualClock", tmp_path: Path
) -> None:
    file = tmp_path / "sidecar.toml"
    file.write_text(BY_CERTIFICATE.format(spread=spread))
    asked: list[float] = []

    def key() -> CertifiedKey:
        asked.append(clock.elapsed())
        return _no_key()

    config = load_config(file, {}).config
    graph = build_role_graph(config, http, key, clock, jitter=lambda: 0.5)
    (role,) = graph.roles.values()
    task = asyncio.create_task(role.run())
    await clock.advance(301)
    task.cancel()
    assert asked[0] == asked_at
