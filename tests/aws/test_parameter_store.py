"""Reading parameters: boto3 against a server that plays AWS's replies, good and bad."""

from datetime import UTC, datetime
from http.server import HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from sidecar.aws.boto_service import BOTO_CONFIG
from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.parameter_store import ParameterStore
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable, UpstreamUnreachable
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from sidecar.credentials import Credentials
    from tests.aws.conftest import CannedServer

REGION = "eu-central-1"
ONCE = BOTO_CONFIG.merge(Config(read_timeout=5, retries={"total_max_attempts": 1}))
SCOPE = f"arn:aws:ssm:{REGION}:123456789012:parameter"


@pytest.fixture(scope="module")
def store(canned_server: HTTPServer) -> ParameterStore:
    url = f"http://127.0.0.1:{canned_server.server_port}"
    return ParameterStore(lambda *_: url, boto_config=ONCE)


def _parameter(name: str, **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "SecureString",
        "Value": f"canary of {name}",
        "Version": 3,
        "LastModifiedDate": 1569533534.046,
        "ARN": f"{SCOPE}{name}",
        "DataType": "text",
        **more,
    }


@pytest.mark.parametrize(
    ("query", "name", "with_decryption"),
    [
        pytest.param(ParameterQuery("/a/b"), "/a/b", False, id="the newest"),
        pytest.param(ParameterQuery("/a", version=3), "/a:3", False, id="a version"),
        pytest.param(ParameterQuery("/a", version=0), "/a:0", False, id="AWS judges it"),
        pytest.param(ParameterQuery("/a", label="prod"), "/a:prod", False, id="a label"),
        pytest.param(
            ParameterQuery(f"{SCOPE}/a", label="prod", with_decryption=True),
            f"{SCOPE}/a:prod",
            True,
            id="an ARN, decrypted",
        ),
    ],
)
async def test_what_aws_is_asked(
    store: ParameterStore,
    canned: "CannedServer",
    credentials: "Credentials",
    query: ParameterQuery,
    name: str,
    with_decryption: bool,
) -> None:
    canned.then({"Parameter": _parameter("/a")})
    await store.get_parameter(query, credentials, region=REGION)
    assert canned.bodies == [{"Name": name, "WithDecryption": with_decryption}]
    assert canned.headers[0]["X-Amz-Target"] == "AmazonSSM.GetParameter"


async def test_a_parameter_is_read_with_all_that_belongs_to_it(
    store: ParameterStore, canned: "CannedServer", credentials: "Credentials"
) -> None:
    more = {"Selector": ":prod", "SourceResult": '{"SecretString":"canary"}'}
    canned.then({"Parameter": _parameter("/a", **more)})
    value = await store.get_parameter(ParameterQuery("/a"), credentials, region=REGION)
    assert (value.arn, value.name, value.type) == (f"{SCOPE}/a", "/a", "SecureString")
    assert (value.value, value.version, value.data_type) == (Secret("canary of /a"), 3, "text")
    assert value.last_modified == datetime(2019, 9, 26, 21, 32, 14, 46000, UTC)
    assert (value.selector, value.source_result) == (":prod", Secret('{"SecretString":"canary"}'))
    assert "canary" not in repr(value)


async def test_what_aws_may_leave_out_is_left_out(
    store: ParameterStore, canned: "CannedServer", credentials: "Credentials"
) -> None:
    parameter = _parameter("/a", Value="")
    del parameter["LastModifiedDate"], parameter["DataType"]
    canned.then({"Parameter": parameter})
    value = await store.get_parameter(ParameterQuery("/a"), credentials, region=REGION)
    assert (value.value, value.last_modified, value.data_type) == (Secret(""), None, "text")
    assert (value.selector, value.source_result) == (None, None)


@pytest.mark.parametrize(
    ("status", "code", "passing"),
    [
        (400, "ParameterNotFound", False),
        (400, "ParameterVersionNotFound", False),
        (400, "ParameterVersionLabelLimitExceeded", False),
        (400, "InvalidKeyId", False),
        (400, "AccessDeniedException", False),
        (400, "ValidationException", False),
        (400, "ThrottlingException", True),
        (400, "ExpiredTokenException", True),
        (400, "InternalServerError", True),
        (500, "InternalServerError", True),
        (503, "ServiceUnavailable", True),
        (429, "WhateverElse", True),
    ],
)
async def test_refusals_and_failures_that_may_pass_are_told_apart(
    store: ParameterStore,
    canned: "CannedServer",
    credentials: "Credentials",
    status: int,
    code: str,
    passing: bool,
) -> None:
    canned.then({"__type": f"com.amazonaws.ssm#{code}", "message": "words"}, status)
    with pytest.raises(UpstreamError) as caught:
        await store.get_parameter(ParameterQuery("/a"), credentials, region=REGION)
    told = caught.value
    assert type(told) is (UpstreamUnavailable if passing else UpstreamRefused)
    assert (told.code, told.message, told.status) == (code, "words", status)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>canary</html>", id="a captive portal"),
        pytest.param(b"{}", id="nothing"),
        pytest.param(b'{"Parameter":"canary"}', id="a text"),
        pytest.param(b'{"Parameter":{"Name":"canary"}}', id="half a parameter"),
        pytest.param(
            b'{"Parameter":{"Name":"a","ARN":"a","Type":"String","Value":"canary","Version":"1"}}',
            id="a version that is text",
        ),
        pytest.param(
            b'{"Parameter":{"Name":"a","ARN":"a","Type":"String","Value":"canary","Version":true}}',
            id="a version that is true",
        ),
        pytest.param(
            b'{"Parameter":{"Name":"a","ARN":"a","Type":"String","Value":"\\udc00","Version":1}}',
            id="half a surrogate pair",
        ),
    ],
)
async def test_what_is_no_answer_of_aws_is_never_taken_for_one(
    store: ParameterStore,
    canned: "CannedServer",
    credentials: "Credentials",
    caplog: pytest.LogCaptureFixture,
    body: bytes,
) -> None:
    canned.then(body)
    with pytest.raises(UpstreamUnreachable, match=r"^Response Error$"):
        await store.get_parameter(ParameterQuery("/a"), credentials, region=REGION)
    (line,) = caplog.messages
    assert line.startswith("no answer from Parameter Store to GetParameter of /a: ")
    assert "canary" not in line


async def test_a_batch_gives_each_value_by_the_name_that_was_asked(
    store: ParameterStore, canned: "CannedServer", credentials: "Credentials"
) -> None:
    asked = ["/a", "/a:2", f"{SCOPE}/b:prod", "/gone", "/forgotten", "/a"]
    canned.then(
        {
            "Parameters": [
                _parameter("/a"),
                _parameter("/a", Selector=":2", Version=2),
                _parameter("/b", Selector=":prod"),
            ],
            "InvalidParameters": ["/gone"],
        }
    )
    batch = await store.get_parameters(asked, credentials, region=REGION, with_decryption=True)
    assert canned.bodies == [{"Names": asked[:-1], "WithDecryption": True}]
    found = {each: (value.name, value.version) for each, value in batch.values.items()}
    assert found == {"/a": ("/a", 3), "/a:2": ("/a", 2), f"{SCOPE}/b:prod": ("/b", 3)}
    told = {each: (type(error), error.code) for each, error in batch.errors.items()}
    assert told == {
        "/gone": (UpstreamRefused, "ParameterNotFound"),
        "/forgotten": (UpstreamUnreachable, "ConnectionError"),
    }
