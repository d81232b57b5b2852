"""What the aws-api door answers from memory: to whom, in which words, and asking AWS how often."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.access.policy import App
from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery
from sidecar.errors import NotReady, UpstreamRefused, UpstreamUnavailable, UpstreamUnreachable

if TYPE_CHECKING:
    from sidecar.access.vended import VendedSessions
    from tests.web.aws_api.conftest import Call, PlannedAws, PlannedValues

GET = "secretsmanager.GetSecretValue"
BATCH = "secretsmanager.BatchGetSecretValue"
DESCRIBE = "secretsmanager.DescribeSecret"
PARAMETER = "AmazonSSM.GetParameter"
PARAMETERS = "AmazonSSM.GetParameters"
PATH = "AmazonSSM.GetParametersByPath"
READER = Reader("reader", "eu-west-1")


async def test_a_secret_is_answered_as_aws_does_and_asked_for_once(
    call: "Call", values: "PlannedValues"
) -> None:
    first, second = [await call(GET, {"SecretId": "web/database"}) for _ in range(2)]
    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body
    assert first.json() == {
        "ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web/database-AbCdEf",
        "Name": "web/database",
        "VersionId": "11111111-2222-3333-4444-555555555555",
        "SecretString": "hunter2",
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": values.now.timestamp(),
    }
    assert first.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert len(first.headers["x-amzn-RequestId"]) == 36
    assert (first.headers["X-Sidecar-Cache"], second.headers["X-Sidecar-Cache"]) == ("miss", "hit")
    assert second.headers["Age"] == "0"
    assert values.asked == [(READER, SecretQuery("web/database", version_stage="AWSCURRENT"))]


async def test_version_and_stage_are_passed_on(call: "Call", values: "PlannedValues") -> None:
    members = {"SecretId": "web/database", "VersionId": "v" * 32, "VersionStage": "AWSPREVIOUS"}
    assert (await call(GET, {**members, "Unknown": 1})).status == 200
    assert values.asked == [(READER, SecretQuery("web/database", "v" * 32, "AWSPREVIOUS"))]


@pytest.mark.parametrize(
    ("target", "members", "action"),
    [
        (GET, {"SecretId": "batch/key"}, "secretsmanager:GetSecretValue"),
        (DESCRIBE, {"SecretId": "batch/key"}, "secretsmanager:DescribeSecret"),
        (PARAMETER, {"Name": "/batch/size"}, "ssm:GetParameter"),
        (PARAMETERS, {"Names": ["/web/color", "/batch/size"]}, "ssm:GetParameters"),
        (PATH, {"Path": "/batch"}, "ssm:GetParametersByPath"),
        (PATH, {"Path": "/"}, "ssm:GetParametersByPath"),
    ],
)
async def test_what_the_policy_does_not_allow_is_denied_in_the_form_of_iam(
    target: str, members: dict[str, Any], action: str, call: "Call", values: "PlannedValues"
) -> None:
    denied = await call(target, members)
    assert (denied.status, denied.code) == (400, "AccessDeniedException")
    assert denied.message.startswith(
        f"User: arn:aws:iam::123456789012:role/default is not authorized to perform: {action} on "
    )
    assert denied.message.endswith("because the sidecar's policy of web does not allow it")
    assert [query for _, query in values.asked if "batch" in str(query)] == []


async def test_the_real_name_decides_whatever_the_secret_was_called(
    call: "Call", values: "PlannedValues"
) -> None:
    # The name that is asked for is allowed; AWS says that it is another secret's.
    values.secrets = {"batch/key": "s3cr3t"}
    partial = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web/batch/key"
    denied = await call(GET, {"SecretId": partial})
    assert (denied.status, denied.code) == (400, "AccessDeniedException")
    assert "s3cr3t" not in denied.message
    assert len(values.asked) == 1


async def test_the_real_name_of_a_parameter_decides_too(
    call: "Call", values: "PlannedValues"
) -> None:
    values.renamed = {"/web/color": "/batch/size"}
    denied = await call(PARAMETER, {"Name": "/web/color"})
    assert (denied.status, denied.code) == (400, "AccessDeniedException")
    assert len(values.asked) == 1


@pytest.mark.parametrize(
    ("role", "secret_id", "status"),
    [
        ("default", "web/database", 200),
        ("default", "web/common", 200),
        ("shared", "web/common", 200),
        ("shared", "web/database", 400),
        ("shared", "batch/key", 400),
        ("unused", "web/common", 400),
    ],
)
async def test_of_a_role_that_apps_share_only_what_all_of_them_may_have_is_answered(
    role: str, secret_id: str, status: int, call: "Call"
) -> None:
    assert (await call(GET, {"SecretId": secret_id}, role=role)).status == status


@pytest.mark.parametrize(("once", "status"), [("web/*", 200), ("other/*", 400)])
async def test_a_shared_session_opens_no_more_once_an_app_has_lost_the_role(
    once: str, status: int, call: "Call", vended: "VendedSessions"
) -> None:
    vended.left("shared", [App("former", ("shared",), (once,))])
    answer = await call(GET, {"SecretId": "web/common"}, role="shared")
    assert answer.status == status


async def test_a_batch_gives_what_it_can_and_lists_what_it_cannot(
    call: "Call", values: "PlannedValues"
) -> None:
    ids = ["web/common", "batch/key", "web/gone", "web/database"]
    answer = await call(BATCH, {"SecretIdList": ids})
    assert answer.status == 200
    told = answer.json()
    assert [each["Name"] for each in told["SecretValues"]] == ["web/common", "web/database"]
    assert [each["SecretString"] for each in told["SecretValues"]] == ["both", "hunter2"]
    assert [(each["SecretId"], each["ErrorCode"]) for each in told["Errors"]] == [
        ("batch/key", "AccessDeniedException"),
        ("web/gone", "ResourceNotFoundException"),
    ]
    single = await call(GET, {"SecretId": "web/common"})
    assert single.json() == told["SecretValues"][0]
    assert [query.secret_id for _, query in values.asked if isinstance(query, SecretQuery)] == [
        "web/common",
        "web/gone",
        "web/database",
    ]


async def test_a_batch_that_aws_does_not_answer_fails_whole_so_that_sdks_try_again(
    call: "Call", values: "PlannedValues"
) -> None:
    values.failure = UpstreamUnreachable("Read Error", code="ConnectionError")
    assert (await call(BATCH, {"SecretIdList": ["web/common", "batch/key"]})).status == 503


async def test_a_parameter_is_answered_as_aws_does_and_asked_for_once(
    call: "Call", values: "PlannedValues"
) -> None:
    first, second = [
        await call(PARAMETER, {"Name": "/web/color", "WithDecryption": True}) for _ in range(2)
    ]
    assert first.body == second.body
    assert first.json()["Parameter"] == {
        "Name": "/web/color",
        "Type": "String",
        "Value": "blue",
        "Version": 3,
        "LastModifiedDate": values.now.timestamp(),
        "ARN": "arn:aws:ssm:eu-west-1:123456789012:parameter/web/color",
        "DataType": "text",
    }
    assert values.asked == [(READER, ParameterQuery("/web/color", with_decryption=True))]


@pytest.mark.parametrize(
    ("written", "query"),
    [
        ("/web/color:3", ParameterQuery("/web/color", version=3)),
        ("/web/color:live", ParameterQuery("/web/color", label="live")),
        (
            "arn:aws:ssm:eu-west-1:123456789012:parameter/web/color:3",
            ParameterQuery("arn:aws:ssm:eu-west-1:123456789012:parameter/web/color", version=3),
        ),
    ],
)
async def test_a_selector_is_taken_off_the_name(
    written: str, query: ParameterQuery, call: "Call", values: "PlannedValues"
) -> None:
    await call(PARAMETER, {"Name": written})
    assert values.asked == [(READER, query)]


async def test_several_parameters_come_with_a_list_of_those_that_do_not_exist(call: "Call") -> None:
    names = ["/web/color", "/web/gone", "/web/gone:7", "/web/common/size:3"]
    told = (await call(PARAMETERS, {"Names": names})).json()
    assert [each["Value"] for each in told["Parameters"]] == ["blue", "12"]
    assert told["Parameters"][1]["Selector"] == ":3"
    assert told["InvalidParameters"] == ["/web/gone", "/web/gone:7"]


async def test_a_description_is_asked_for_once_with_the_readers_credentials(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Name": "web/database", "VersionIdsToStages": {"v": ["AWSCURRENT"]}})
    first, second = [await call(DESCRIBE, {"SecretId": "web/database"}) for _ in range(2)]
    assert (first.status, second.headers["X-Sidecar-Cache"]) == (200, "hit")
    assert first.body == second.body
    (received,) = planned_aws.received
    assert received.headers["X-Amz-Target"] == DESCRIBE
    assert received.body == b'{"SecretId":"web/database"}'
    key_id, _, *scope = received.credential.split("/")
    assert (key_id, scope) == ("ASIAUNUSED", ["eu-west-1", "secretsmanager", "aws4_request"])


async def test_a_description_of_another_secret_than_was_named_is_not_shown(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Name": "batch/key"})
    assert (await call(DESCRIBE, {"SecretId": "web/database"})).code == "AccessDeniedException"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"Parameters": [{}]}'])
@pytest.mark.parametrize("asked", [(DESCRIBE, {"SecretId": "web/a"}), (PATH, {"Path": "/web"})])
async def test_a_reply_that_is_none_of_aws_is_a_503(
    asked: tuple[str, dict[str, str]], body: bytes, call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then(body)
    assert (await call(*asked)).status == 503


async def test_a_path_is_asked_for_once_whatever_the_order_of_the_members(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Parameters": [{"Name": "/web/color", "Value": "blue"}]})
    first = await call(PATH, b'{"Path": "/web/", "Recursive": true}')
    second = await call(PATH, b'{"Recursive":true,"Path":"/web/"}')
    other = await call(PATH, b'{"Recursive":false,"Path":"/web/"}')
    assert first.body == second.body == other.body
    assert [json.loads(each.body)["Recursive"] for each in planned_aws.received] == [True, False]


async def test_members_that_aws_does_not_know_make_no_other_question(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Parameters": []})
    await call(PATH, {"Path": "/web", "NextToken": None})
    nested = b'{"Path": "/web", "Recursive": null, "x": %b%b}' % (b"[" * 900, b"]" * 900)
    answer = await call(PATH, nested)
    assert (answer.status, answer.headers["X-Sidecar-Cache"]) == (200, "hit")
    assert [each.body for each in planned_aws.received] == [b'{"Path":"/web"}']


async def test_a_path_that_holds_more_than_the_policy_allows_is_denied(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Parameters": [{"Name": "/web/a"}, {"Name": "/batch/size"}]})
    assert (await call(PATH, {"Path": "/web"})).code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        (GET, b"", "SerializationException"),
        (GET, b"[]", "SerializationException"),
        (GET, b"{", "SerializationException"),
        (GET, b"[" * 100_000, "SerializationException"),
        (GET, b'{"SecretId": 1}', "SerializationException"),
        (GET, b'{"SecretId": "\\ud800"}', "SerializationException"),
        (GET, b"{}", "ValidationException"),
        (GET, b'{"SecretId": ""}', "ValidationException"),
        (GET, b'{"SecretId": "web/%b"}' % (b"a" * 2048), "ValidationException"),
        (BATCH, b'{"SecretIdList": "a"}', "SerializationException"),
        (BATCH, b'{"SecretIdList": [1]}', "SerializationException"),
        (BATCH, b'{"SecretIdList": []}', "ValidationException"),
        (BATCH, json.dumps({"SecretIdList": ["a"] * 21}).encode(), "ValidationException"),
        (PARAMETER, b"{}", "ValidationException"),
        (PARAMETER, b'{"Name": "/web/a:"}', "ValidationException"),
        (PARAMETER, b'{"Name": "/web/a", "WithDecryption": "yes"}', "SerializationException"),
        (PARAMETERS, b'{"Names": [""]}', "ValidationException"),
        (PATH, b"{}", "ValidationException"),
        (GET, b'{"SecretId": "web/a", "VersionId": ""}', "ValidationException"),
        (GET, b'{"SecretId": "web/a", "VersionId": "%b"}' % (b"v" * 65), "ValidationException"),
        (GET, b'{"SecretId": "web/a", "VersionStage": "%b"}' % (b"s" * 257), "ValidationException"),
        (PATH, b'{"Path": "/web", "NextToken": "%b"}' % (b"t" * 9000), "ValidationException"),
    ],
)
async def test_a_malformed_request_is_refused_before_aws_is_asked(
    target: str, body: bytes, code: str, call: "Call", values: "PlannedValues"
) -> None:
    answer = await call(target, body)
    assert (answer.status, answer.code) == (400, code)
    assert values.asked == []


EXPIRED = "The security token included in the request is expired"


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (
            UpstreamRefused("no such", status=400, code="ResourceNotFoundException"),
            400,
            "ResourceNotFoundException",
        ),
        (
            UpstreamUnavailable("slow down", status=400, code="ThrottlingException"),
            400,
            "ThrottlingException",
        ),
        (
            UpstreamUnavailable("oops", status=500, code="InternalServiceError"),
            503,
            "ServiceUnavailableException",
        ),
        (
            UpstreamUnavailable(EXPIRED, status=400, code="ExpiredTokenException"),
            503,
            "ServiceUnavailableException",
        ),
        (UpstreamUnreachable("Read Error"), 503, "ServiceUnavailableException"),
        (NotReady("no session for role reader yet"), 503, "ServiceUnavailableException"),
    ],
    ids=lambda value: value.code if isinstance(value, UpstreamUnavailable) else None,
)
async def test_a_failure_is_told_so_that_sdks_do_what_is_right(
    failure: Any, status: int, code: str, call: "Call", values: "PlannedValues"
) -> None:
    values.failure = failure
    answer = await call(GET, {"SecretId": "web/database"})
    assert (answer.status, answer.code) == (status, code)
