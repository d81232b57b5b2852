"""The secrets door over real sockets: the statuses, bodies and order of checks of AWS's agent."""

from typing import TYPE_CHECKING

import pytest

from sidecar.aws.secret import SecretQuery
from sidecar.errors import (
    NotReady,
    SidecarError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from sidecar.web.secrets_door import SecretsDoorOptions

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.web.conftest import OpenSecrets, PlannedSecrets, Wire

HEADER = "X-Aws-Parameters-Secrets-Token"
WEB = f"{HEADER}: token-of-the-web-app-0001"
WRONG = f"{HEADER}: token-of-nobody-at-all-9"
DATABASE = "/secretsmanager/get?secretId=web/database"
BAD_ARN = "invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>"


@pytest.mark.parametrize("target", ["/ping", "/ping?x=y"])
async def test_ping_needs_no_token(target: str, secrets: "Wire") -> None:
    reply = await secrets.ask(target)
    assert (reply.status_line, reply.body) == ("HTTP/1.1 200 OK", b"healthy")


@pytest.mark.parametrize("target", [DATABASE, "/v1/web/database", "/v1/./web/database"])
async def test_a_secret_is_answered_as_the_agent_answers(target: str, secrets: "Wire") -> None:
    reply = await secrets.ask(target, WEB)
    assert reply.status_line == "HTTP/1.1 200 OK"
    assert reply.header("Content-Type") == "application/json"
    assert reply.header("Cache-Control") == "no-store"
    assert reply.body == (
        b'{"ARN":"arn:aws:secretsmanager:us-east-1:123456789012:secret:web/database-AbCdEf",'
        b'"Name":"web/database","VersionId":"11111111-2222-3333-4444-555555555555",'
        b'"SecretString":"hunter2","VersionStages":["AWSCURRENT"],"CreatedDate":"1772366400.046"}'
    )


async def test_binary_values_and_missing_stages_have_the_agents_form(
    secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    planned_secrets.binaries["web/blob"] = "AAEC/w=="
    planned_secrets.stages = ()
    body = (await secrets.ask("/v1/web/blob", WEB)).json()
    assert list(body) == ["ARN", "Name", "VersionId", "SecretBinary", "CreatedDate"]
    assert body["SecretBinary"] == "AAEC/w=="


async def test_a_large_value_comes_whole(
    secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    planned_secrets.texts["web/large"] = "ü" * 32_000
    assert (await secrets.ask("/v1/web/large", WEB)).json()["SecretString"] == "ü" * 32_000


@pytest.mark.parametrize(
    "line",
    [WEB, WEB.lower().replace("TOKEN", "token"), WEB.replace(HEADER, "X-Vault-Token")],
    ids=["agent", "lower-case", "vault"],
)
async def test_the_token_may_stand_in_either_header(line: str, secrets: "Wire") -> None:
    assert (await secrets.ask(DATABASE, line)).status == 200


@pytest.mark.parametrize(
    ("method", "target", "lines", "status", "body"),
    [
        pytest.param("GET", DATABASE, (), 403, "Bad Token", id="no token"),
        pytest.param("GET", DATABASE, (WRONG,), 403, "Bad Token", id="wrong token"),
        pytest.param("GET", DATABASE, (f"{HEADER}:",), 403, "Bad Token", id="empty token"),
        pytest.param(
            "GET", DATABASE, (WRONG, WEB), 403, "Bad Token", id="only the first value counts"
        ),
        pytest.param(
            "GET", DATABASE, (WEB.replace(HEADER, "Authorization"),), 403, "Bad Token", id="other"
        ),
        pytest.param("POST", DATABASE, (), 403, "Bad Token", id="token before method"),
        pytest.param("POST", DATABASE, (WEB,), 405, "Not allowed", id="POST"),
        pytest.param("POST", "/nothing", (WEB,), 405, "Not allowed", id="method before route"),
        pytest.param("POST", "/ping", (), 405, "Not allowed", id="POST ping"),
        pytest.param("GET", "/nothing", (), 403, "Bad Token", id="token before route"),
        pytest.param("GET", "/nothing", (WEB,), 404, "Not found", id="unknown path"),
        pytest.param("GET", "/ping/", (WEB,), 404, "Not found", id="ping with slash"),
        pytest.param("GET", "/secretsmanager/get/", (WEB,), 404, "Not found", id="slash"),
        pytest.param("GET", "/v1", (WEB,), 404, "Not found", id="prefix without slash"),
        pytest.param(
            "GET", DATABASE, ("X-Forwarded-For: 10.0.0.1",), 400, "Forwarded", id="forwarded first"
        ),
        pytest.param(
            "POST", DATABASE, ("X-Forwarded-For:", WEB), 400, "Forwarded", id="forwarded, empty"
        ),
    ],
)
async def test_the_order_of_checks_decides_which_error_wins(
    method: str, target: str, lines: tuple[str, ...], status: int, body: str, secrets: "Wire"
) -> None:
    reply = await secrets.ask(target, *lines, method=method)
    assert (reply.status, reply.body.decode()) == (status, body)
    assert reply.header("Content-Type") == "text/plain"
    assert reply.header("Allow") == ("GET" if status == 405 else None)


@pytest.mark.parametrize(
    ("target", "status"), [(DATABASE, 405), ("/ping", 405)], ids=["secret", "ping"]
)
async def test_head_is_not_allowed_either(target: str, status: int, secrets: "Wire") -> None:
    assert (await secrets.ask(target, WEB, method="HEAD")).status == status
    assert (await secrets.ask(target, WEB)).status == 200


async def test_a_forwarded_ping_is_answered_as_the_agent_does(secrets: "Wire") -> None:
    assert (await secrets.ask("/ping", "X-Forwarded-For: 10.0.0.1")).body == b"healthy"


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/secretsmanager/get", "missing parameter secretId"),
        ("/secretsmanager/get?secretId=", "missing parameter secretId"),
        ("/secretsmanager/get?versionId=1", "missing parameter secretId"),
        ("/v1/", "missing secret ID"),
        ("/v1/?abc=1", "missing secret ID"),
        ("/v1/..", "missing secret ID"),
        (f"{DATABASE}&abc=1", "unknown parameter: abc"),
        (f"{DATABASE}&refreshNow=maybe&abc=1", "invalid refreshNow value"),
        (f"{DATABASE}&%FF=1", "unknown parameter: \N{REPLACEMENT CHARACTER}"),
        (f"{DATABASE}&SecretId=x", "unknown parameter: SecretId"),
        ("/v1/web/database?secretId=x", "unknown parameter: secretId"),
        (f"{DATABASE}&refreshNow=maybe", "invalid refreshNow value"),
        (f"{DATABASE}&refreshNow=", "invalid refreshNow value"),
        (f"{DATABASE}&roleArn=web", BAD_ARN),
        (f"{DATABASE}&roleArn=arn:aws:iam::1:role/x", BAD_ARN),
    ],
)
async def test_a_malformed_question_is_refused_before_aws_is_asked(
    target: str, body: str, secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    reply = await secrets.ask(target, WEB)
    assert (reply.status, reply.body.decode()) == (400, body)
    assert reply.header("Content-Type") == "text/plain"
    assert planned_secrets.asked == []


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        ("", SecretQuery("web/database", None, "AWSCURRENT")),
        ("&versionStage=AWSPREVIOUS", SecretQuery("web/database", None, "AWSPREVIOUS")),
        ("&versionId=v1", SecretQuery("web/database", "v1", None)),
        ("&versionId=v1&versionStage=S", SecretQuery("web/database", "v1", "S")),
        ("&versionId=v1&versionId=v2", SecretQuery("web/database", "v2", None)),
    ],
)
async def test_aws_is_asked_for_the_version_that_was_named(
    parameters: str, query: SecretQuery, secrets: "Wire", planned_secrets: "PlannedSecrets"
) -> None:
    assert (await secrets.ask(DATABASE + parameters, WEB)).status == 200
    assert planned_secrets.asked == [query]


@pytest.mark.parametrize(
    ("failure", "status", "body"),
    [
        pytest.param(
            UpstreamRefused("no such secret", status=400, code="ResourceNotFoundException"),
            400,
            '{"__type":"ResourceNotFoundException","message":"no such secret"}',
            id="not found",
        ),
        pytest.param(
            UpstreamRefused("not allowed", status=400, code="AccessDeniedException"),
            400,
            '{"__type":"AccessDeniedException","message":"not allowed"}',
            id="denied by AWS",
        ),
        pytest.param(
            UpstreamUnavailable("Rate exceeded", status=400, code="ThrottlingException"),
            400,
            '{"__type":"ThrottlingException","message":"Rate exceeded"}',
            id="throttled",
        ),
        pytest.param(
            UpstreamRefused("", status=400, code="DecryptionFailure"),
            400,
            '{"__type":"InternalFailure"}',
            id="without a message",
        ),
        pytest.param(
            UpstreamUnavailable("down", status=503, code=""),
            500,
            '{"__type":"InternalFailure"}',
            id="without a code",
        ),
        pytest.param(
            UpstreamTimeout("Timeout", code="TimeoutError"),
            504,
            '{"__type":"TimeoutError","message":"Timeout"}',
            id="timeout",
        ),
        pytest.param(
            UpstreamUnreachable("Read Error", code="ConnectionError"),
            502,
            '{"__type":"ConnectionError","message":"Read Error"}',
            id="connection",
        ),
        pytest.param(
            UpstreamUnreachable("Response Error", code="ConnectionError"),
            502,
            '{"__type":"ConnectionError","message":"Response Error"}',
            id="no answer of AWS",
        ),
        pytest.param(
            NotReady("no session for role default yet"),
            500,
            '{"__type":"InternalFailure"}',
            id="no credentials",
        ),
        pytest.param(
            NotReady("no valid session for role default: AccessDeniedException: disabled"),
            403,
            '{"__type":"AccessDeniedException","message":'
            '"no valid session for role default: AccessDeniedException: disabled"}',
            id="credentials denied",
        ),
        pytest.param(
            UpstreamRefused('für "alle"', status=400, code="InvalidRequestException"),
            400,
            '{"__type":"InvalidRequestException","message":"für \\"alle\\""}',
            id="a message as it is",
        ),
    ],
)
async def test_a_failure_has_the_agents_status_and_body(
    failure: SidecarError,
    status: int,
    body: str,
    secrets: "Wire",
    planned_secrets: "PlannedSecrets",
) -> None:
    planned_secrets.failure = failure
    reply = await secrets.ask(DATABASE, WEB)
    assert (reply.status, reply.body.decode()) == (status, body)
    assert reply.header("Content-Type") == "application/json"
    assert (reply.header("Age"), reply.header("X-Sidecar-Cache")) == (None, None)


async def test_a_value_is_asked_for_once_per_lifetime_and_on_demand(
    secrets: "Wire", planned_secrets: "PlannedSecrets", clock: "ManualClock"
) -> None:
    async def calls(target: str) -> int:
        assert (await secrets.ask(target, WEB)).status == 200
        return len(planned_secrets.asked)

    assert [await calls(DATABASE), await calls("/v1/web/database")] == [1, 1]
    assert await calls(f"{DATABASE}&refreshNow=true") == 2
    await clock.advance(269)
    assert await calls(DATABASE) == 2
    await clock.advance(31)
    assert await calls(DATABASE) == 3


async def test_a_held_value_is_served_while_aws_is_down(
    secrets: "Wire", planned_secrets: "PlannedSecrets", clock: "ManualClock"
) -> None:
    first = await secrets.ask(DATABASE, WEB)
    planned_secrets.failure = UpstreamTimeout("Timeout", code="TimeoutError")
    await clock.advance(3600)
    assert (await secrets.ask(DATABASE, WEB)).body == first.body
    await clock.advance(301)
    assert (await secrets.ask(DATABASE, WEB)).status == 504


async def test_an_answer_says_how_old_it_is_and_where_it_came_from(
    secrets: "Wire", planned_secrets: "PlannedSecrets", clock: "ManualClock"
) -> None:
    async def told() -> tuple[str | None, str | None]:
        reply = await secrets.ask(DATABASE, WEB)
        assert reply.status == 200
        return reply.header("Age"), reply.header("X-Sidecar-Cache")

    assert await told() == ("0", "miss")
    await clock.advance(61.9)
    assert await told() == ("61", "hit")
    planned_secrets.failure = UpstreamTimeout("Timeout", code="TimeoutError")
    await clock.advance(300)
    assert await told() == ("361", "stale")


@pytest.mark.parametrize(
    ("options", "accepted", "refused"),
    [
        pytest.param(
            SecretsDoorOptions(path_prefix="/secrets/"),
            ("/secrets/web/database", WEB),
            ("/v1/web/database", WEB, 404),
            id="prefix",
        ),
        pytest.param(
            SecretsDoorOptions(ssrf_headers=("X-Own",)),
            ("/v1/web/database", WEB.replace(HEADER, "X-Own")),
            ("/v1/web/database", WEB, 403),
            id="headers",
        ),
    ],
)
async def test_what_aws_lets_users_choose_may_be_chosen_here(
    options: SecretsDoorOptions,
    accepted: tuple[str, str],
    refused: tuple[str, str, int],
    open_secrets: "OpenSecrets",
) -> None:
    wire = await open_secrets(options)
    assert (await wire.ask(*accepted)).status == 200
    *request, status = refused
    assert (await wire.ask(*request)).status == status


@pytest.mark.parametrize(
    "line",
    ["GET http://127.0.0.1/v1/web/database HTTP/1.1", "GET /v1/web/database HTTP/3.0", "GET  HTTP"],
    ids=["absolute", "version", "nonsense"],
)
async def test_a_target_that_is_no_path_is_not_read_as_one(line: str, secrets: "Wire") -> None:
    lines = [line, f"Host: {secrets.authority}", WEB, "Connection: close", "", ""]
    reply = await secrets.send("\r\n".join(lines))
    assert reply.status in (400, 404)
    assert reply.header("Content-Type") == "text/plain"
