"""Reading secrets: boto3 against a server that plays AWS's replies, good and bad."""

import base64
import logging
import socket
from datetime import UTC, datetime
from http.server import HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from sidecar.aws.boto_service import BOTO_CONFIG
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.aws.secret import SecretQuery
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.credentials import Credentials
from sidecar.errors import (
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from sidecar.redaction import Secret
from sidecar.signing.throttling import THROTTLING

if TYPE_CHECKING:
    from tests.aws.conftest import CannedServer, MakeCredentials

REGION = "eu-central-1"
# One attempt, since waiting between several is botocore's business, and a short patience.
IMPATIENT = BOTO_CONFIG.merge(
    Config(connect_timeout=1, read_timeout=0.2, retries={"total_max_attempts": 1})
)
ANSWER = {
    "ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/web-AbCdEf",
    "Name": "prod/web",
    "VersionId": "11111111-2222-3333-4444-555555555555",
    "SecretString": "canary-value",
    "VersionStages": ["AWSCURRENT"],
    "CreatedDate": 1569533534.046,
}


@pytest.fixture(scope="module")
def manager(canned_server: HTTPServer) -> SecretsManager:
    """Give one for all tests: making a client takes long."""
    url = f"http://127.0.0.1:{canned_server.server_port}"
    return SecretsManager(lambda *_: url, boto_config=IMPATIENT)


async def _refusal(manager: SecretsManager, credentials: Credentials) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await manager.get_secret_value(SecretQuery("prod/web"), credentials, region=REGION)
    return caught.value


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        pytest.param(SecretQuery("a"), {"VersionStage": "AWSCURRENT"}, id="current is named"),
        pytest.param(
            SecretQuery("a", version_stage="AWSPREVIOUS"),
            {"VersionStage": "AWSPREVIOUS"},
            id="a stage",
        ),
        pytest.param(SecretQuery("a", version_id="v"), {"VersionId": "v"}, id="a version"),
        pytest.param(SecretQuery("a", version_id=""), {"VersionId": ""}, id="AWS judges it"),
        pytest.param(
            SecretQuery("a", "v", "s"), {"VersionId": "v", "VersionStage": "s"}, id="both"
        ),
    ],
)
async def test_what_aws_is_asked(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
    query: SecretQuery,
    asked: dict[str, str],
) -> None:
    canned.then(ANSWER)
    await manager.get_secret_value(query, credentials, region=REGION)
    assert canned.bodies == [{"SecretId": "a"} | asked]
    assert canned.headers[0]["X-Amz-Target"] == "secretsmanager.GetSecretValue"


async def test_a_text_is_read_with_all_that_belongs_to_it(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
) -> None:
    canned.then(ANSWER)
    value = await manager.get_secret_value(SecretQuery("prod/web"), credentials, region=REGION)
    assert (value.arn, value.name, value.version_id) == (
        ANSWER["ARN"],
        ANSWER["Name"],
        ANSWER["VersionId"],
    )
    assert (value.text, value.binary) == (Secret("canary-value"), None)
    assert value.version_stages == ("AWSCURRENT",)
    assert value.created_at == datetime(2019, 9, 26, 21, 32, 14, 46000, UTC)
    assert "canary" not in repr(value)


async def test_bytes_are_kept_as_base64(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
) -> None:
    encoded = base64.b64encode(bytes(range(256))).decode()
    binary = {name: ANSWER[name] for name in ("ARN", "Name", "VersionId")}
    canned.then(binary | {"SecretBinary": encoded})
    value = await manager.get_secret_value(SecretQuery("prod/web"), credentials, region=REGION)
    assert (value.text, value.binary) == (None, Secret(encoded))
    assert (value.version_stages, value.created_at) == ((), None)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ResourceNotFoundException"),
        (400, "AccessDeniedException"),
        (400, "DecryptionFailure"),
        (400, "InvalidRequestException"),
        (403, "MissingAuthenticationTokenException"),
    ],
)
async def test_a_no_of_aws_is_passed_on_with_code_status_and_words(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
    status: int,
    code: str,
) -> None:
    canned.then({"__type": f"com.amazonaws#{code}", "Message": "no!"}, status)
    refusal = await _refusal(manager, credentials)
    assert type(refusal) is UpstreamRefused
    assert (refusal.message, refusal.status, refusal.code) == ("no!", status, code)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidSignatureException"),
        (400, "RequestExpired"),
        (429, "TooManyRequestsException"),
        (500, "InternalServiceError"),
        (503, "AnythingAtAll"),
        *((400, code) for code in sorted(THROTTLING)),
        *((400, code) for code in sorted(CREDENTIALS_REFUSED)),
    ],
)
async def test_a_failure_that_may_pass_is_told_apart(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
    status: int,
    code: str,
) -> None:
    canned.then({"__type": code, "message": "wait"}, status)
    refusal = await _refusal(manager, credentials)
    assert type(refusal) is UpstreamUnavailable
    assert (refusal.message, refusal.status, refusal.code) == ("wait", status, code)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(200, b"<html>canary</html>", id="a captive portal"),
        pytest.param(200, b"", id="nothing"),
        pytest.param(200, b"{}", id="an empty object"),
        pytest.param(200, b'["canary"]', id="a list"),
        pytest.param(200, b"\xff\xfe", id="no UTF-8"),
        pytest.param(
            200,
            b'{"ARN":"a","Name":"n","VersionId":"v","SecretString":"canary","CreatedDate":"x"}',
            id="a date that is none",
        ),
        pytest.param(
            200,
            b'{"ARN":"a","Name":"n","VersionId":"v","SecretString":"canary\\ud800"}',
            id="half a surrogate pair",
        ),
        pytest.param(
            200,
            b'{"ARN":"a","Name":"n","VersionId":"v","SecretString":{"canary":1}}',
            id="an object for a text",
        ),
        pytest.param(
            200,
            b'{"ARN":"a","Name":"n","VersionId":"v","SecretBinary":"canary!"}',
            id="bytes that are not base64",
        ),
        pytest.param(
            200,
            b'{"ARN":"a","Name":"n","VersionId":"v","VersionStages":[["canary"]]}',
            id="a stage that is a list",
        ),
        pytest.param(
            200,
            b'{"ARN":"a","Name":"n","VersionId":"v","CreatedDate":1e300}',
            id="a date after the end of time",
        ),
        pytest.param(400, b'{"__type":["canary"]}', id="a list for a code"),
        pytest.param(400, b'{"__type":"A","message":{"canary":1}}', id="an object for words"),
        pytest.param(302, b"canary", id="a redirect"),
        pytest.param(403, b"<html>canary</html>", id="a proxy's refusal"),
        pytest.param(404, b'{"error":"canary"}', id="somebody else's JSON"),
        pytest.param(503, b"<html>canary</html>", id="a load balancer's complaint"),
    ],
)
async def test_what_is_no_answer_of_aws_is_never_taken_for_one(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: bytes,
) -> None:
    canned.then(body, status)
    refusal = await _refusal(manager, credentials)
    assert type(refusal) is UpstreamUnreachable
    assert (refusal.message, refusal.code) == ("Response Error", "ConnectionError")
    assert len(caplog.messages) == 1
    assert "canary" not in caplog.text


async def test_an_answer_that_does_not_come_is_a_timeout(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
) -> None:
    refusal = await _refusal(manager, credentials)
    assert type(refusal) is UpstreamTimeout
    assert (refusal.message, refusal.code) == ("Timeout", "TimeoutError")


async def test_a_connection_that_fails_is_logged_with_its_reason(
    credentials: Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        closed = f"http://127.0.0.1:{listening.getsockname()[1]}"
    manager = SecretsManager(lambda *_: closed, boto_config=IMPATIENT)
    refusal = await _refusal(manager, credentials)
    assert type(refusal) is UpstreamUnreachable
    assert (refusal.message, refusal.code) == ("Read Error", "ConnectionError")
    asked = "no answer from Secrets Manager to GetSecretValue of prod/web"
    assert caplog.messages == [f'{asked}: Could not connect to the endpoint URL: "{closed}/"']


async def test_an_id_cannot_write_a_line_of_its_own_into_the_log(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
    caplog: pytest.LogCaptureFixture,
) -> None:
    canned.then(b"")
    with pytest.raises(UpstreamError):
        await manager.get_secret_value(SecretQuery("a\nforged"), credentials, region=REGION)
    assert caplog.messages == [
        "no answer from Secrets Manager to GetSecretValue of a\ufffdforged: KeyError"
    ]


async def test_calls_are_signed_with_the_credentials_of_the_moment(
    manager: SecretsManager,
    canned: "CannedServer",
    make_credentials: "MakeCredentials",
) -> None:
    canned.then(ANSWER)
    first, second = make_credentials("ASIAFIRST"), make_credentials("ASIASECOND")
    for credentials in (first, first, second):
        await manager.get_secret_value(SecretQuery("prod/web"), credentials, region=REGION)
    used = [
        (
            sent["Authorization"].partition("Credential=")[2].partition("/")[0],
            sent["X-Amz-Security-Token"],
        )
        for sent in canned.headers
    ]
    assert used == [("ASIAFIRST", "canary-session-ASIAFIRST")] * 2 + [
        ("ASIASECOND", "canary-session-ASIASECOND")
    ]


async def test_no_logger_writes_a_value_whatever_the_level(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: Credentials,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    canned.then(ANSWER)
    await manager.get_secret_value(SecretQuery("prod/web"), credentials, region=REGION)
    assert "canary" not in caplog.text


@pytest.mark.parametrize("name", ["botocore", "boto3", "urllib3", "s3transfer"])
def test_the_loggers_of_the_aws_stack_stay_at_warning(name: str) -> None:
    logger = logging.getLogger(f"{name}.anything")
    assert logger.getEffectiveLevel() == logging.WARNING


def test_botocore_tries_three_times_with_short_timeouts() -> None:
    settings: Any = BOTO_CONFIG
    assert (settings.connect_timeout, settings.read_timeout) == (3, 5)
    assert settings.retries == {"mode": "standard", "total_max_attempts": 3}
