"""What AWS answers to operations that are sent on is no way round the policy."""

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import HeardAudit
    from tests.web.aws_api.conftest import Call, PlannedAws

BATCH = "secretsmanager.BatchGetSecretValue"
HISTORY = "AmazonSSM.GetParameterHistory"
FILTERS = {"Filters": [{"Key": "name", "Values": ["w", "b"]}]}


def _secret(name: str) -> dict[str, Any]:
    return {"Name": name, "SecretString": f"canary of {name}"}


async def test_a_batch_by_filters_holds_what_the_app_may_read_and_names_the_rest(
    call: "Call", planned_aws: "PlannedAws", audit: "HeardAudit"
) -> None:
    found = [_secret("web/database"), _secret("batch/key")]
    planned_aws.then({"SecretValues": found, "Errors": [], "NextToken": "more"}, x_amz_crc32="1")
    answer = await call(BATCH, FILTERS)
    told = answer.json()
    assert told["SecretValues"] == [_secret("web/database")]
    assert told["NextToken"] == "more"
    (error,) = told["Errors"]
    assert (error["SecretId"], error["ErrorCode"]) == ("batch/key", "AccessDeniedException")
    assert b"canary of batch" not in answer.body
    assert "x-amz-crc32" not in answer.headers
    assert [each[::2] for each in audit.told()] == [
        ("granted", "web/database"),
        ("denied", "batch/key"),
    ]


async def test_a_history_that_the_app_may_not_read_is_not_even_asked_for(
    call: "Call", planned_aws: "PlannedAws", audit: "HeardAudit"
) -> None:
    planned_aws.then({"Parameters": []})
    answer = await call(HISTORY, {"Name": "/batch/size"})
    assert (answer.status, answer.json()["__type"]) == (400, "AccessDeniedException")
    assert planned_aws.received == []
    assert audit.only().reason == "no pattern of apps.web.parameters covers it"


async def test_a_history_that_the_app_may_read_is_given(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Parameters": [{"Name": "/web/color", "Value": "blue"}]})
    answer = await call(HISTORY, {"Name": "/web/color"})
    assert answer.json() == {"Parameters": [{"Name": "/web/color", "Value": "blue"}]}


async def test_a_history_of_another_name_than_was_asked_for_is_denied(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Parameters": [{"Name": "/batch/size", "Value": "canary"}]})
    answer = await call(HISTORY, {"Name": "/web/color"})
    assert (answer.status, b"canary" in answer.body) == (400, False)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b'{"SecretValues": 1}', b'{"SecretValues": [{}]}', b"[" * 5000]
)
async def test_what_cannot_be_looked_at_is_not_passed_on(
    body: bytes, call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then(body)
    answer = await call(BATCH, FILTERS)
    assert answer.status == 503
    assert json.loads(answer.body)["__type"] == "ServiceUnavailableException"


async def test_a_refusal_of_aws_passes_as_it_is(
    call: "Call", planned_aws: "PlannedAws", audit: "HeardAudit"
) -> None:
    planned_aws.then({"__type": "InvalidParameterException", "message": "no"}, 400)
    answer = await call(BATCH, FILTERS)
    assert (answer.status, answer.json()["__type"]) == (400, "InvalidParameterException")
    assert audit.only().reason == "AWS answered 400 InvalidParameterException"


async def test_such_an_answer_is_asked_for_in_clear(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"SecretValues": []})
    await call(BATCH, FILTERS)
    assert "Accept-Encoding" not in planned_aws.received[0].headers
