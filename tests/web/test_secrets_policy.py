"""Which app may read which secret, asked over real sockets in every form of an id."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.conftest import PlannedSecrets, Wire

HEADER = "X-Aws-Parameters-Secrets-Token"
WEB = f"{HEADER}: token-of-the-web-app-0001"
BATCH = f"{HEADER}: token-of-the-batch-app-02"
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
DENIED = '{"__type":"AccessDeniedException","message":"app web may not read this secret"}'


@pytest.mark.parametrize(
    "secret_id",
    [
        "batch/key",
        "web",
        "web%2Fdatabase",
        f"{ARN}batch/key-AbCdEf",
        f"{ARN}batch/key",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:web",
        "../v1/batch/key",
    ],
)
async def test_another_apps_secret_is_denied_without_asking_aws(
    secret_id: str, secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    reply = await secrets.ask(f"/v1/{secret_id}", WEB)
    assert (reply.status, reply.body.decode()) == (403, DENIED)
    assert planned_secrets.asked == []


@pytest.mark.parametrize("secret_id", ["web/database", f"{ARN}web/database-AbCdEf"])
async def test_the_same_forms_are_served_to_the_app_that_may_read(
    secret_id: str, secrets: "Wire"
) -> None:
    assert (await secrets.ask(f"/v1/{secret_id}", WEB)).json()["Name"] == "web/database"
    assert (await secrets.ask(f"/v1/{secret_id}", BATCH)).status == 403


@pytest.mark.parametrize(("name", "status"), [("exact", 200), ("exact-AbCdEf", 403)])
async def test_where_an_arn_can_mean_two_names_the_real_name_decides(
    name: str, status: int, secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    planned_secrets.texts[name] = "theirs"
    reply = await secrets.ask(f"/v1/{ARN}exact-AbCdEf", BATCH)
    assert (reply.status, b"theirs" in reply.body) == (status, status == 200)
    assert len(planned_secrets.asked) == 1


async def test_a_held_value_is_not_handed_to_an_app_that_may_not_read_it(
    secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    assert (await secrets.ask("/v1/batch/key", BATCH)).status == 200
    reply = await secrets.ask("/v1/batch/key", WEB)
    assert (reply.status, reply.body.decode()) == (403, DENIED)
