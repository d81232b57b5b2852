"""A sidecar without a certificate: its role comes by a token from a file."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from sidecar.clock import iso_seconds

if TYPE_CHECKING:
    from tests.service.conftest import Start, Until

ROLE = "arn:aws:iam::123456789012:role/web"
TOML = f"""
[aws]
region = "eu-central-1"
[doors]
credentials = "127.0.0.1:0"
secrets = "127.0.0.1:0"
aws_api = "127.0.0.1:0"
admin = "127.0.0.1:0"
[roles.default]
source = "web-identity"
role_arn = "{ROLE}"
token_file = "web-identity-token"
role_session_name = "web"
[apps.web]
roles = ["default"]
"""


async def _answer(request: web.Request) -> web.Response:
    """Give a session for one token, and for no other."""
    if (await request.post()).get("WebIdentityToken") != "a.b.c":
        error = "<Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error>"
        return web.Response(status=400, text=f"<ErrorResponse>{error}</ErrorResponse>")
    ends = iso_seconds(datetime.now(UTC) + timedelta(hours=1))
    result = "AssumeRoleWithWebIdentityResult"
    return web.Response(
        text=f"<AssumeRoleWithWebIdentityResponse><{result}><AssumedRoleUser>"
        "<Arn>arn:aws:sts::123456789012:assumed-role/web/web</Arn></AssumedRoleUser><Credentials>"
        "<AccessKeyId>ASIABYTOKEN</AccessKeyId><SecretAccessKey>canary-key</SecretAccessKey>"
        f"<SessionToken>canary</SessionToken><Expiration>{ends}</Expiration></Credentials>"
        f"</{result}></AssumeRoleWithWebIdentityResponse>"
    )


@pytest.fixture
async def variables(variables: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    """Lead STS, and STS alone, to a server of the test's own."""
    application = web.Application()
    application.router.add_post("/", _answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    yield variables | {"AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{port}"}
    await runner.cleanup()


@pytest.fixture
def web_identity_token(tmp_path: Path) -> Path:
    return tmp_path / "web-identity-token"


@pytest.fixture
def config_file(tmp_path: Path, web_identity_token: Path) -> Path:
    file = tmp_path / "sidecar.toml"
    file.write_text(TOML.replace("web-identity-token", str(web_identity_token)))
    return file


async def test_without_a_certificate_a_token_gets_a_session(
    start: "Start", until: "Until", web_identity_token: Path
) -> None:
    web_identity_token.write_text("a.b.c\n")  # noqa: ASYNC240 - a few bytes
    doors = await start()
    await until(doors.ready)
    status, answer = await doors.credentials()
    assert (status, answer["AccessKeyId"], answer["RoleArn"]) == (200, "ASIABYTOKEN", ROLE)


@pytest.mark.parametrize(
    ("token", "reason"),
    [("canary", "InvalidIdentityToken"), (None, "No such file or directory")],
    ids=["refused", "missing"],
)
async def test_a_token_that_does_not_get_one_is_the_reason_told(
    start: "Start", until: "Until", web_identity_token: Path, token: str | None, reason: str
) -> None:
    if token is not None:
        web_identity_token.write_text(token)  # noqa: ASYNC240 - a few bytes
    doors = await start()

    async def told() -> bool:
        return reason in (await doors.waits_for())["role default"]

    await until(told)
    assert (await doors.credentials())[0] == 503
