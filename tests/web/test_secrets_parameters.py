"""Parameters at the secrets door: the Lambda extension's route, over real sockets."""

from typing import TYPE_CHECKING

import pytest

from sidecar.aws.parameter import ParameterQuery
from sidecar.errors import NotReady, SidecarError, UpstreamRefused, UpstreamTimeout
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.web.conftest import PlannedParameters, Wire

HEADER = "X-Aws-Parameters-Secrets-Token"
WEB = f"{HEADER}: token-of-the-web-app-0001"
BATCH = f"{HEADER}: token-of-the-batch-app-02"
GET = "/systemsmanager/parameters/get?name="
URL = f"{GET}%2Fweb%2Furl"
REFERENCE = f"{GET}%2Faws%2Freference%2Fsecretsmanager%2F"
DENIED = '{"__type":"AccessDeniedException","message":"app web may not read this parameter"}'


@pytest.mark.parametrize("target", [URL, URL.replace("get?", "get/?"), f"{GET}/web/url"])
async def test_a_parameter_is_answered_as_the_extension_answers(
    target: str, secrets: "Wire"
) -> None:
    reply = await secrets.ask(target, WEB)
    assert reply.status_line == "HTTP/1.1 200 OK"
    assert reply.header("Content-Type") == "application/json"
    assert reply.header("Cache-Control") == "no-store"
    assert (reply.header("Age"), reply.header("X-Sidecar-Cache")) == ("0", "miss")
    assert reply.json()["Parameter"]["Value"] == "http://db"
    assert reply.json()["Parameter"]["Name"] == "/web/url"


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        ("", ParameterQuery("/web/url")),
        ("&version=3", ParameterQuery("/web/url", version=3)),
        ("&label=live&version=3", ParameterQuery("/web/url", label="live")),
        ("&withDecryption=true", ParameterQuery("/web/url", with_decryption=True)),
    ],
)
async def test_aws_is_asked_for_what_was_named(
    parameters: str, asked: ParameterQuery, secrets: "Wire", planned_parameters: "PlannedParameters"
) -> None:
    assert (await secrets.ask(URL + parameters, WEB)).status == 200
    assert planned_parameters.asked == [asked]


@pytest.mark.parametrize(
    ("method", "target", "lines", "status", "body"),
    [
        pytest.param("GET", URL, (), 403, "Bad Token", id="no token"),
        pytest.param("POST", URL, (WEB,), 405, "Not allowed", id="POST"),
        pytest.param("GET", URL, (WEB, "X-Forwarded-For: a"), 400, "Forwarded", id="forwarded"),
        pytest.param("GET", GET, (WEB,), 400, "missing parameter name", id="no name"),
        pytest.param("GET", f"{URL}&a=1", (WEB,), 400, "unknown parameter: a", id="unknown"),
        pytest.param("GET", f"{URL}&version=x", (WEB,), 400, "invalid version value", id="version"),
        pytest.param("GET", f"{URL}&label=", (WEB,), 400, "invalid label value", id="label"),
        pytest.param(
            "GET",
            f"{URL}&withDecryption=1st",
            (WEB,),
            400,
            "invalid withDecryption value",
            id="kms",
        ),
    ],
)
async def test_what_is_wrong_with_the_request_is_said_in_plain_words(
    method: str, target: str, lines: tuple[str, ...], status: int, body: str, secrets: "Wire"
) -> None:
    reply = await secrets.ask(target, *lines, method=method)
    assert (reply.status, reply.body.decode()) == (status, body)
    assert reply.header("Content-Type") == "text/plain"


@pytest.mark.parametrize(
    ("failure", "status", "body"),
    [
        (
            UpstreamRefused("not there", status=400, code="ParameterNotFound"),
            400,
            '{"__type":"ParameterNotFound","message":"not there"}',
        ),
        (
            UpstreamRefused("", status=400, code="ParameterVersionNotFound"),
            400,
            '{"__type":"InternalFailure"}',
        ),
        (
            UpstreamTimeout("Timeout", code="TimeoutError"),
            504,
            '{"__type":"TimeoutError","message":"Timeout"}',
        ),
        (NotReady("no session yet"), 500, '{"__type":"InternalFailure"}'),
    ],
    ids=["not found", "without a message", "timeout", "no credentials"],
)
async def test_a_failure_of_aws_has_the_same_form_as_for_secrets(
    failure: SidecarError,
    status: int,
    body: str,
    secrets: "Wire",
    planned_parameters: "PlannedParameters",
) -> None:
    planned_parameters.failure = failure
    reply = await secrets.ask(URL, WEB)
    assert (reply.status, reply.body.decode()) == (status, body)
    assert reply.header("Content-Type") == "application/json"


async def test_a_parameter_is_asked_for_once_per_lifetime(
    secrets: "Wire", planned_parameters: "PlannedParameters", clock: "ManualClock"
) -> None:
    await secrets.ask(URL, WEB)
    await clock.advance(61)
    reply = await secrets.ask(URL, WEB)
    assert (reply.header("Age"), reply.header("X-Sidecar-Cache")) == ("61", "hit")
    assert len(planned_parameters.asked) == 1


@pytest.mark.parametrize(
    "name",
    [
        "/batch/url",
        "/web",
        "/batch/url:/web/url",
        "arn:aws:ssm:us-east-1:123456789012:parameter/batch/url",
        "/aws/reference/secretsmanager/batch/key",
    ],
)
async def test_another_apps_parameter_is_denied_without_asking_aws(
    name: str, secrets: "Wire", planned_parameters: "PlannedParameters"
) -> None:
    reply = await secrets.ask(GET + name, WEB)
    assert (reply.status, reply.body.decode()) == (403, DENIED)
    assert planned_parameters.asked == []


async def test_an_app_without_parameters_reads_none(secrets: "Wire") -> None:
    assert (await secrets.ask(URL, WEB)).status == 200
    assert (await secrets.ask(URL, BATCH)).status == 403


async def test_the_real_name_of_a_parameter_decides(
    secrets: "Wire", planned_parameters: "PlannedParameters"
) -> None:
    planned_parameters.values = {"x": "theirs"}
    reply = await secrets.ask(f"{GET}/web/x", WEB)
    assert (reply.status, reply.body.decode()) == (403, DENIED)
    assert len(planned_parameters.asked) == 1


@pytest.mark.parametrize(
    ("told", "status"), [('{"name":"web/key"}', 200), ('{"name":"batch/key"}', 403)]
)
async def test_a_secret_behind_a_parameter_is_judged_by_its_own_name(
    told: str, status: int, secrets: "Wire", planned_parameters: "PlannedParameters"
) -> None:
    planned_parameters.values = {"/aws/reference/secretsmanager/web/key": "hunter2"}
    planned_parameters.source_result = Secret(told)
    reply = await secrets.ask(f"{REFERENCE}web%2Fkey&withDecryption=true", WEB)
    assert (reply.status, b"hunter2" in reply.body) == (status, status == 200)
