"""The secrets door of a whole sidecar in front of AWS: what curl would see, byte for byte."""

import asyncio
import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
from botocore.config import Config as BotoConfig

from sidecar.aws.boto_service import BOTO_CONFIG
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.demo.stage import ROLE_NAME
from sidecar.emulator.faults import Fault

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.service.conftest import Doors, ServeHere, Start, Until

GET = "/secretsmanager/get?secretId="
PARAMETER = "/systemsmanager/parameters/get?name="


@dataclass(frozen=True)
class Curl:
    """Asks the secrets door as a shell script would: one request in plain text, one answer."""

    port: int
    token_file: Path

    async def get(self, target: str) -> tuple[int, dict[str, str], bytes]:
        """Give status, headers in lower case, and body."""
        token = self.token_file.read_text()
        request = (
            f"GET {target} HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
            f"X-Aws-Parameters-Secrets-Token: {token}\r\nConnection: close\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        line, *fields = head.decode().split("\r\n")
        headers = {key.lower(): value for key, _, value in (f.partition(": ") for f in fields)}
        return int(line.split(" ")[1]), headers, body


def _curl(doors: "Doors") -> Curl:
    return Curl(urlsplit(doors.urls["secrets"]).port or 0, doors.token_file)


@pytest.fixture
def variables(aws: "Aws", variables: dict[str, str]) -> dict[str, str]:
    """Let the app read parameters, and the sidecar see how a connection to AWS ends."""
    return variables | {
        "AWS_ENDPOINT_URL": aws.emulator.url,
        "SIDECAR_APPS_WEB_PARAMETERS": "/demo/*,/aws/service/*",
    }


@pytest.fixture
def curl(warm: "Doors") -> Curl:
    return _curl(warm)


@pytest.fixture
def permissions(aws: "Aws") -> None:
    """Let the demo's role read parameters, too."""
    actions = ["ssm:GetParameter", "kms:Decrypt"]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    aws.client("iam").put_role_policy(
        RoleName=ROLE_NAME, PolicyName="tests-of-secrets-door", PolicyDocument=document
    )


async def test_a_shell_script_gets_what_it_asks_for_from_a_running_sidecar(
    aws: "Aws", serve_here: "ServeHere", until: "Until", permissions: None
) -> None:
    name = aws.new_secret('{"user":"web","password":"hünter2"}')
    parameter = f"/demo/{uuid4().hex}"
    aws.client("ssm").put_parameter(Name=parameter, Value="http://db", Type="String")
    with serve_here() as served:
        await until(served.doors.ready)
        curl = _curl(served.doors)
        assert (await curl.get("/ping"))[::2] == (200, b"healthy")

        status, headers, body = await curl.get(f"/v1/{name}")
        secret = json.loads(body)
        assert (status, headers["content-type"]) == (200, "application/json")
        assert (headers["age"], headers["x-sidecar-cache"]) == ("0", "miss")
        members = ["ARN", "Name", "VersionId", "SecretString", "VersionStages", "CreatedDate"]
        assert list(secret) == members
        assert json.loads(secret["SecretString"])["password"] == "hünter2"
        assert float(secret["CreatedDate"]) > 0

        status, headers, body = await curl.get(PARAMETER + quote(parameter, safe=""))
        assert (status, headers["content-type"]) == (200, "application/json")
        assert json.loads(body)["Parameter"]["Value"] == "http://db"

        status, _, body = await curl.get(f"{GET}demo/no-such-secret")
        assert (status, json.loads(body)["__type"]) == (400, "ResourceNotFoundException")
        assert (await curl.get("/v1/other/secret"))[0] == 403


async def test_every_alias_is_answered_with_the_same_bytes(aws: "Aws", curl: Curl) -> None:
    name = aws.new_secret("hunter2")
    arn = aws.client("secretsmanager").describe_secret(SecretId=name)["ARN"]
    version = json.loads((await curl.get(f"/v1/{name}"))[2])["VersionId"]
    aliases = [
        f"{GET}{name}",
        f"{GET}{quote(name, safe='')}",
        f"{GET}{name}&versionStage=AWSCURRENT",
        f"{GET}{name}&versionId={version}",
        f"{GET}{name}&versionId={version}&versionStage=AWSCURRENT",
        f"{GET}{arn}",
        f"{GET}{arn[:-7]}",
        f"/v1/{name}",
        f"/v1/{arn}",
        f"/v1/{arn}?versionStage=AWSCURRENT",
        f"/v1/{arn[:-7]}",
    ]
    answers = [await curl.get(target) for target in aliases]
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, _, body in answers}) == 1


@pytest.mark.parametrize(
    "value",
    [b"\x00\xff" * 32768, b"\x00", "€" * 21845, "a" * 65536, '"\\\n\u2028'],
    ids=["65,536 bytes", "one byte", "65,535 bytes of UTF-8", "65,536 characters", "escapes"],
)
async def test_whatever_a_secret_holds_comes_unchanged(
    value: str | bytes, aws: "Aws", curl: Curl
) -> None:
    name = f"demo/{uuid4().hex}"
    member = "SecretString" if isinstance(value, str) else "SecretBinary"
    aws.client("secretsmanager").create_secret(Name=name, **{member: value})
    for _ in range(2):
        status, _, body = await curl.get(f"/v1/{name}")
        found = json.loads(body)[member]
        assert status == 200
        assert (found if isinstance(value, str) else base64.b64decode(found)) == value


@pytest.mark.parametrize("member", ["SecretString", "SecretBinary"])
async def test_an_empty_secret_is_served_as_empty(member: str, aws: "Aws", curl: Curl) -> None:
    # AWS stores one character at least (CreateSecret, SecretString), and so does the emulator.
    secret = {"ARN": "arn:a", "Name": "demo/empty", "VersionId": "v" * 32, member: ""}
    aws.emulator.set_faults(Fault("secretsmanager", "GetSecretValue", body=json.dumps(secret)))
    for state in ("miss", "hit"):
        status, headers, body = await curl.get("/v1/demo/empty")
        assert (status, headers["x-sidecar-cache"]) == (200, state)
        assert json.loads(body)[member] == ""


async def test_a_secret_without_a_value_is_aws_s_own_error(aws: "Aws", curl: Curl) -> None:
    name = f"demo/{uuid4().hex}"
    aws.client("secretsmanager").create_secret(Name=name)
    status, _, body = await curl.get(f"/v1/{name}")
    assert (status, json.loads(body)["__type"]) == (400, "ResourceNotFoundException")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sidecar wait for Secrets Manager for a moment only, and ask once."""
    once = BotoConfig(read_timeout=0.2, retries={"total_max_attempts": 1})
    defaults: Any = SecretsManager.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "boto_config", BOTO_CONFIG.merge(once))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        pytest.param(
            {"hang": True}, 504, '{"__type":"TimeoutError","message":"Timeout"}', id="timeout"
        ),
        pytest.param(
            {"reset": True}, 502, '{"__type":"ConnectionError","message":"Read Error"}', id="reset"
        ),
        pytest.param(
            {"body": "<html>"},
            502,
            '{"__type":"ConnectionError","message":"Response Error"}',
            id="no JSON",
        ),
        pytest.param(
            {"body": "{}"},
            502,
            '{"__type":"ConnectionError","message":"Response Error"}',
            id="no secret",
        ),
        pytest.param({"status": 400, "code": "ThrottlingException"}, 400, None, id="throttled"),
        pytest.param({"status": 400, "code": "DecryptionFailure"}, 400, None, id="KMS"),
        pytest.param({"status": 400, "code": "AccessDeniedException"}, 400, None, id="denied"),
        pytest.param({"status": 500, "code": "InternalServiceError"}, 500, None, id="their fault"),
        pytest.param({"status": 503, "code": "ServiceUnavailable"}, 503, None, id="overloaded"),
    ],
)
async def test_a_failure_of_aws_is_told_as_the_agent_tells_it(
    fault: dict[str, Any], status: int, body: str | None, aws: "Aws", curl: Curl
) -> None:
    name = aws.new_secret("hunter2")
    aws.emulator.set_faults(Fault.parse({"service": "secretsmanager", **fault}))
    found, headers, answer = await curl.get(f"/v1/{name}")
    assert (found, headers["content-type"]) == (status, "application/json")
    if body is not None:
        assert answer.decode() == body
    else:
        assert json.loads(answer)["__type"] == fault["code"]
        assert list(json.loads(answer)) == ["__type", "message"]


async def test_without_any_session_a_secret_is_an_internal_failure(
    aws: "Aws", start: "Start"
) -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", status=503))
    status, _, body = await _curl(await start()).get("/v1/demo/any")
    assert (status, body) == (500, b'{"__type":"InternalFailure"}')


async def test_a_session_that_aws_denies_is_told_as_denied(aws: "Aws", start: "Start") -> None:
    aws.emulator.set_faults(Fault("rolesanywhere", status=403, code="AccessDeniedException"))
    status, _, body = await _curl(await start()).get("/v1/demo/any")
    told = json.loads(body)
    assert (status, told["__type"]) == (403, "AccessDeniedException")
    assert "role default" in told["message"]


@pytest.mark.usefixtures("permissions")
@pytest.mark.parametrize(
    ("parameters", "value"),
    [
        ("", "two"),
        ("&version=1", "one"),
        ("&label=old", "one"),
        ("&label=old&version=2", "one"),
        ("&version=2&label=old", "two"),
        (":1", "one"),
        (":old", "one"),
    ],
)
async def test_a_version_of_a_parameter_is_chosen_by_number_or_label(
    parameters: str, value: str, aws: "Aws", curl: Curl
) -> None:
    ssm, name = aws.client("ssm"), f"/demo/{uuid4().hex}"
    for each in ("one", "two"):
        ssm.put_parameter(Name=name, Value=each, Type="String", Overwrite=True)
    ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["old"])
    newest = PARAMETER + quote(name, safe="")
    for target, expected in ((newest, "two"), (newest + parameters, value), (newest, "two")):
        status, _, body = await curl.get(target)
        assert (status, json.loads(body)["Parameter"]["Value"]) == (200, expected)


@pytest.mark.usefixtures("permissions")
async def test_a_secure_parameter_is_decrypted_where_that_is_asked_for(
    aws: "Aws", curl: Curl
) -> None:
    name = f"/demo/{uuid4().hex}"
    aws.client("ssm").put_parameter(Name=name, Value="hunter2", Type="SecureString")
    target = PARAMETER + quote(name, safe="")
    assert b"hunter2" not in (await curl.get(target))[2]
    assert b'"hunter2"' in (await curl.get(f"{target}&withDecryption=true"))[2]
    assert b"hunter2" not in (await curl.get(f"{target}&withDecryption=false"))[2]


@pytest.mark.usefixtures("permissions")
async def test_a_secret_is_read_as_a_parameter_by_who_may_read_the_secret(
    aws: "Aws", curl: Curl
) -> None:
    mine, other = aws.new_secret("hunter2"), aws.new_secret("s3cr3t", "other")
    target = f"{PARAMETER}/aws/reference/secretsmanager/{{}}&withDecryption=true"
    status, _, body = await curl.get(target.format(mine))
    assert (status, json.loads(body)["Parameter"]["Value"]) == (200, "hunter2")
    status, _, body = await curl.get(target.format(other))
    assert (status, b"s3cr3t" in body) == (403, False)


@pytest.mark.usefixtures("permissions")
async def test_a_public_parameter_is_read(curl: Curl) -> None:
    name = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"
    status, _, body = await curl.get(PARAMETER + quote(name, safe=""))
    assert status == 200, body
    assert json.loads(body)["Parameter"]["Value"].startswith("ami-")


async def test_a_parameter_that_is_not_there_is_aws_s_own_error(
    curl: Curl, permissions: None
) -> None:
    status, _, body = await curl.get(f"{PARAMETER}/demo/no-such-parameter")
    assert (status, json.loads(body)["__type"]) == (400, "ParameterNotFound")
