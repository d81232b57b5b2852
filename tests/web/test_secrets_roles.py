"""Roles that requests name at the secrets door: who may, and what a failure looks like."""

from typing import TYPE_CHECKING

import pytest

from sidecar.aws.reader import Reader
from sidecar.errors import NotReady, SidecarError, UpstreamRefused

if TYPE_CHECKING:
    from tests.web.conftest import PlannedReaders, PlannedSecrets, Wire

WEB = "X-Aws-Parameters-Secrets-Token: token-of-the-web-app-0001"
BATCH = "X-Aws-Parameters-Secrets-Token: token-of-the-batch-app-02"
DATABASE = "/secretsmanager/get?secretId=web/database"
ROLE = "arn:aws:iam::123456789012:role/web-reader"
OTHER = "arn:aws:iam::123456789012:role/other"


def _no_client(role: str) -> str:
    message = f"Failed to create caching client from role: {role}"
    return f'{{"__type":"AccessDeniedException","message":"{message}"}}'


@pytest.mark.parametrize("target", [f"{DATABASE}&roleArn=", "/v1/web/database?roleArn="])
async def test_a_role_that_the_app_may_name_reads_for_it(
    target: str,
    secrets: "Wire",
    planned_secrets: "PlannedSecrets",
    planned_readers: "PlannedReaders",
) -> None:
    reply = await secrets.ask(target + ROLE, WEB)
    assert (reply.status, reply.json()["SecretString"]) == (200, "hunter2")
    assert planned_secrets.readers == [Reader(ROLE, "us-east-1")]
    assert planned_readers.in_use == []


async def test_what_one_role_read_is_not_what_another_would_read(
    secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    for target in (DATABASE, f"{DATABASE}&roleArn={ROLE}", f"{DATABASE}&roleArn={ROLE}2"):
        assert (await secrets.ask(target, WEB)).header("X-Sidecar-Cache") == "miss"
    assert len(planned_secrets.asked) == 3


@pytest.mark.parametrize(("line", "role"), [(WEB, OTHER), (BATCH, ROLE)])
async def test_a_role_that_the_app_may_not_name_is_denied_without_asking_aws(
    line: str,
    role: str,
    secrets: "Wire",
    planned_secrets: "PlannedSecrets",
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply = await secrets.ask(f"{DATABASE}&roleArn={role}", line)
    assert (reply.status, reply.body.decode()) == (403, _no_client(role))
    assert planned_secrets.asked == []
    assert [each.message for each in caplog.records] == [
        f"app {'web' if line == WEB else 'batch'} was denied role {role}"
    ]


async def test_a_role_does_not_open_another_apps_secret(
    secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    reply = await secrets.ask(f"/v1/batch/key?roleArn={ROLE}", WEB)
    assert reply.json()["message"] == "app web may not read this secret"
    assert planned_secrets.asked == []


@pytest.mark.parametrize(
    ("failure", "status", "body"),
    [
        pytest.param(NotReady("STS said no"), 403, _no_client(ROLE), id="no session of the role"),
        pytest.param(
            UpstreamRefused("not allowed", status=400, code="AccessDeniedException"),
            400,
            '{"__type":"AccessDeniedException","message":"not allowed"}',
            id="Secrets Manager refuses the role",
        ),
    ],
)
async def test_who_failed_is_told_apart(
    failure: SidecarError,
    status: int,
    body: str,
    secrets: "Wire",
    planned_secrets: "PlannedSecrets",
    planned_readers: "PlannedReaders",
) -> None:
    planned_secrets.failure = failure
    reply = await secrets.ask(f"{DATABASE}&roleArn={ROLE}", WEB)
    assert (reply.status, reply.body.decode()) == (status, body)
    assert planned_readers.in_use == []
