"""What is forwarded goes and comes back byte for byte; what a write changed is read anew."""

import asyncio
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from sidecar.access.policy import App
from sidecar.access.shared_role import RoleHolders
from sidecar.access.vended import VendedSession
from sidecar.aws.json_api import ApiCall
from sidecar.web.aws_api.caller import Caller
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api.writes import Write
from sidecar.web.ledger import Entry

if TYPE_CHECKING:
    from sidecar.credentials import Credentials
    from tests.conftest import HeardAudit, ManualClock
    from tests.web.aws_api.conftest import Call, PlannedAws, PlannedValues, Received

GET = "secretsmanager.GetSecretValue"
PUT = "secretsmanager.PutSecretValue"
DESCRIBE = "secretsmanager.DescribeSecret"
PARAMETER = "AmazonSSM.GetParameter"
PATH = "AmazonSSM.GetParametersByPath"
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web/database-AbCdEf"


async def test_a_request_is_forwarded_byte_for_byte_as_the_callers_own_role(
    call: "Call", planned_aws: "PlannedAws", sessions: "dict[str, Credentials]"
) -> None:
    body = b'{ "Name" : "new/\\u00e9" ,"X":1e2}\r\n'
    answered = b'{"ARN":  "arn", "Name": "new" }'
    planned_aws.then(answered, x_amzn_RequestId="of-aws")
    headers = {"X_Amzn_Trace_Id": "Root=1", "amz_sdk_request": "attempt=1", "User_Agent": "app/1"}
    answer = await call("secretsmanager.ListSecrets", body, **headers)
    assert (answer.status, answer.body) == (200, answered)
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-amzn-RequestId"] == "of-aws"
    assert answer.headers["Cache-Control"] == "no-store"
    (received,) = planned_aws.received
    assert received.body == body
    assert received.headers["X-Amz-Target"] == "secretsmanager.ListSecrets"
    assert received.headers["X-Amzn-Trace-Id"] == "Root=1"
    assert received.headers["amz-sdk-request"] == "attempt=1"
    assert received.headers["User-Agent"] == "app/1"
    assert_signed_with(received, sessions["default"], planned_aws.url)


def assert_signed_with(received: "Received", session: "Credentials", url: str) -> None:
    """Let botocore sign the same again and compare."""
    keys = ReadOnlyCredentials(
        session.access_key_id,
        session.secret_access_key.reveal(),
        session.session_token.reveal(),
    )
    authorization = received.headers["Authorization"]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    sent = {name.lower(): value for name, value in received.headers.items()}
    signer: Any = SigV4Auth(keys, "secretsmanager", "eu-west-1")
    request = AWSRequest(
        "POST", f"{url}/", headers={name: sent[name] for name in names}, data=received.body
    )
    request.context["timestamp"] = sent["x-amz-date"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert authorization.endswith(f"Signature={signer.signature(text, request)}")
    assert sent["x-amz-security-token"] == session.session_token.reveal()


async def test_nothing_about_the_callers_connection_or_signature_goes_on(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({})
    await call("secretsmanager.ListSecrets", {}, Cookie="a=b", X_Other="1", Accept_Encoding="br")
    (received,) = planned_aws.received
    assert not received.headers.keys() & {"Cookie", "X-Other", "Connection"}
    assert received.headers["Accept-Encoding"] == "br"
    assert received.headers["Host"] == planned_aws.url.removeprefix("http://")
    assert len(received.headers.keys() & {"X-Amz-Date", "x-amz-date"}) == 1


async def test_a_compressed_answer_comes_back_compressed(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    packed = zlib.compress(b'{"SecretList": []}')
    planned_aws.then(packed, Content_Encoding="deflate")
    answer = await call("secretsmanager.ListSecrets", {}, Accept_Encoding="deflate")
    assert (answer.body, answer.headers["Content-Encoding"]) == (packed, "deflate")


@pytest.mark.parametrize("status", [400, 500, 503])
async def test_a_refusal_of_aws_comes_back_as_it_is(
    status: int, call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"__type": "com.amazonaws#Odd", "Message": "é"}, status)
    answer = await call("secretsmanager.ListSecrets", {})
    assert (answer.status, answer.json()) == (
        status,
        {"__type": "com.amazonaws#Odd", "Message": "é"},
    )


async def test_a_redirect_is_not_followed_nor_passed_on_with_its_target(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then(b"", 307, Location="http://127.0.0.1:1/")
    answer = await call("secretsmanager.ListSecrets", {})
    assert (answer.status, answer.headers.get("Location")) == (307, None)


async def test_no_answer_is_a_503_which_sdks_try_again(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then_hang_up()
    answer = await call("secretsmanager.ListSecrets", {})
    assert (answer.status, answer.code) == (503, "ServiceUnavailableException")


async def test_an_answer_beyond_all_measure_is_a_503(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then(b"x" * (10 * 1024 * 1024 + 1))
    assert (await call("secretsmanager.ListSecrets", {})).status == 503


async def test_a_batch_by_filters_is_aws_s_to_answer(
    call: "Call", planned_aws: "PlannedAws", values: "PlannedValues"
) -> None:
    planned_aws.then({"SecretValues": [], "NextToken": "t"})
    members = {"Filters": [{"Key": "name", "Values": ["web/"]}]}
    answer = await call("secretsmanager.BatchGetSecretValue", members)
    assert (answer.json()["NextToken"], values.asked) == ("t", [])


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("PutSecretValue", {"SecretId": "web/database", "SecretString": "new"}),
        ("PutSecretValue", {"SecretId": ARN}),
        ("PutSecretValue", {"SecretId": ARN.removesuffix("-AbCdEf")}),
        ("UpdateSecret", {"SecretId": "web/database"}),
        ("UpdateSecretVersionStage", {"SecretId": "web/database"}),
        ("DeleteSecret", {"SecretId": "web/database"}),
        ("RestoreSecret", {"SecretId": "web/database"}),
        ("RotateSecret", {"SecretId": "web/database"}),
        ("CancelRotateSecret", {"SecretId": "web/database"}),
    ],
)
async def test_after_its_write_the_app_reads_what_it_wrote(
    operation: str,
    members: dict[str, str],
    call: "Call",
    values: "PlannedValues",
    planned_aws: "PlannedAws",
) -> None:
    planned_aws.then({"Name": "web/database"})
    for target in (GET, DESCRIBE):
        await call(target, {"SecretId": "web/database"})
    values.secrets["web/database"] = "new"
    assert (await call(f"secretsmanager.{operation}", members)).status == 200
    read = await call(GET, {"SecretId": "web/database"})
    assert read.json()["SecretString"] == "new"
    described = await call(DESCRIBE, {"SecretId": "web/database"})
    assert described.headers["X-Sidecar-Cache"] == "miss"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("PutParameter", {"Name": "/web/color", "Value": "red"}),
        ("DeleteParameter", {"Name": "/web/color"}),
        ("DeleteParameters", {"Names": ["/web/size", "/web/color"]}),
        ("LabelParameterVersion", {"Name": "/web/color", "Labels": ["live"]}),
        ("UnlabelParameterVersion", {"Name": "/web/color", "Labels": ["live"]}),
    ],
)
async def test_after_its_write_the_app_reads_the_parameter_anew(
    operation: str,
    members: dict[str, Any],
    call: "Call",
    values: "PlannedValues",
    planned_aws: "PlannedAws",
) -> None:
    planned_aws.then({"Parameters": []})
    await call(PARAMETER, {"Name": "/web/color"})
    await call(PATH, {"Path": "/web"})
    values.parameters["/web/color"] = "red"
    assert (await call(f"AmazonSSM.{operation}", members)).status == 200
    read = await call(PARAMETER, {"Name": "/web/color"})
    assert read.json()["Parameter"]["Value"] == "red"
    assert (await call(PATH, {"Path": "/web"})).headers["X-Sidecar-Cache"] == "miss"


async def test_the_read_after_a_write_waits_for_aws_however_long(
    reads: CachedReads,
    values: "PlannedValues",
    sessions: "dict[str, Credentials]",
    apps: tuple[App, ...],
    clock: "ManualClock",
    audit: "HeardAudit",
) -> None:
    session = VendedSession("default", sessions["default"])
    entry = Entry(audit, clock, "aws_api", "", "Connect")
    caller = Caller(session, RoleHolders(apps[:1]), entry)
    asked = ApiCall("secretsmanager", "eu-west-1", (), b'{"SecretId": "web/database"}')
    await reads.answer(asked, "GetSecretValue", caller)
    values.gate.clear()
    values.secrets["web/database"] = "new"
    write = Write("secretsmanager", "eu-west-1", ("web/database",), value=True)
    reads.written(write, certain=True)
    read = asyncio.create_task(reads.answer(asked, "GetSecretValue", caller))
    await clock.advance(60)
    assert not read.done()
    values.gate.set()
    found = await read
    assert found is not None
    assert json.loads(found.body)["SecretString"] == "new"


async def test_a_parameter_that_stands_for_the_secret_is_read_anew_too(
    call: "Call", values: "PlannedValues", planned_aws: "PlannedAws"
) -> None:
    reference = "/aws/reference/secretsmanager/web/database"
    values.parameters[reference] = "hunter2"
    await call(PARAMETER, {"Name": reference, "WithDecryption": True})
    values.parameters[reference] = "new"
    planned_aws.then({})
    await call(PUT, {"SecretId": "web/database"})
    read = await call(PARAMETER, {"Name": reference, "WithDecryption": True})
    assert read.json()["Parameter"]["Value"] == "new"


async def test_a_tag_changes_the_description_and_not_the_value(
    call: "Call", values: "PlannedValues", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Name": "web/database"})
    for target in (GET, DESCRIBE):
        await call(target, {"SecretId": "web/database"})
    await call("secretsmanager.TagResource", {"SecretId": "web/database", "Tags": []})
    marks = [
        (await call(target, {"SecretId": "web/database"})).headers["X-Sidecar-Cache"]
        for target in (GET, DESCRIBE)
    ]
    assert marks == ["hit", "miss"]


@pytest.mark.parametrize("answered", ["lost", "500"])
async def test_after_a_write_whose_outcome_is_not_known_aws_is_asked(
    answered: str, call: "Call", values: "PlannedValues", planned_aws: "PlannedAws"
) -> None:
    await call(GET, {"SecretId": "web/database"})
    values.secrets["web/database"] = "new"
    if answered == "lost":
        planned_aws.then_hang_up()
    else:
        planned_aws.then({"__type": "InternalServiceError"}, 500)
    assert (await call(PUT, {"SecretId": "web/database"})).status >= 500
    assert (await call(GET, {"SecretId": "web/database"})).json()["SecretString"] == "new"


async def test_a_write_that_aws_refused_changes_nothing_here(
    call: "Call", values: "PlannedValues", planned_aws: "PlannedAws"
) -> None:
    await call(GET, {"SecretId": "web/database"})
    planned_aws.then({"__type": "AccessDeniedException", "Message": "no"}, 400)
    assert (await call(PUT, {"SecretId": "web/database"})).status == 400
    await call(GET, {"SecretId": "web/database"})
    assert len(values.asked) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b'{"SecretId": 7}', b'{"SecretId": null}'])
async def test_a_malformed_write_is_left_to_aws(
    body: bytes, call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"__type": "SerializationException"}, 400)
    assert (await call(PUT, body)).status == 400
    assert [each.body for each in planned_aws.received] == [body]


async def test_a_write_is_sent_once(call: "Call", planned_aws: "PlannedAws") -> None:
    planned_aws.then_hang_up()
    await call(PUT, json.dumps({"SecretId": "web/database"}).encode())
    assert len(planned_aws.received) == 1
