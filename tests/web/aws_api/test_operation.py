"""A call is the operation that it was judged as: no other spelling, and no other kind of body."""

from typing import TYPE_CHECKING

import pytest

from sidecar.web.aws_api.forwarded_reads import LOOKED_AT
from sidecar.web.aws_api.reads import ANSWERED
from sidecar.web.aws_api.writes import WRITES

if TYPE_CHECKING:
    from tests.web.aws_api.conftest import Call, PlannedAws

GET = "secretsmanager.GetSecretValue"
JSON = "application/x-amz-json-1.1"


def target_of(operation: str) -> str:
    """Write an operation as X-Amz-Target has it."""
    service, _, name = operation.partition(".")
    return f"{'AmazonSSM' if service == 'ssm' else service}.{name}"


@pytest.mark.parametrize("operation", sorted({*ANSWERED, *LOOKED_AT, *WRITES}))
async def test_what_is_looked_at_does_not_pass_unseen_in_other_capitals(
    operation: str, call: "Call", planned_aws: "PlannedAws"
) -> None:
    service, _, name = target_of(operation).partition(".")
    for other in (name.lower(), name.upper(), name[0].lower() + name[1:]):
        answer = await call(f"{service}.{other}", {"SecretId": "batch/key"})
        assert (answer.status, answer.code) == (400, "UnknownOperationException")
    assert planned_aws.received == []


async def test_an_operation_that_is_not_known_here_is_aws_s_to_judge(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then(b"{}")
    assert (await call("secretsmanager.newOperationOfNextYear")).status == 200
    assert len(planned_aws.received) == 1


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/json", "application/cbor", " ", "x"]
)
@pytest.mark.parametrize("operation", [GET, "secretsmanager.ListSecrets"])
async def test_a_body_of_another_kind_is_not_sent_on(
    kind: str, operation: str, call: "Call", planned_aws: "PlannedAws"
) -> None:
    form = b"Action=GetSecretValue&SecretId=batch/key"
    answer = await call(operation, form, Content_Type=kind)
    assert (answer.status, answer.code) == (400, "UnknownOperationException")
    assert planned_aws.received == []


@pytest.mark.parametrize("kind", [JSON, f"{JSON}; charset=utf-8", "Application/X-Amz-Json-1.1"])
async def test_the_kind_that_the_protocol_has_is_sent_on_as_it_came(
    kind: str, call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then(b"{}")
    assert (await call("secretsmanager.ListSecrets", Content_Type=kind)).status == 200
    assert planned_aws.received[0].headers["Content-Type"] == kind


async def test_a_body_of_no_stated_kind_is_sent_on_as_json(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then(b"{}")
    assert (await call("secretsmanager.ListSecrets", b"Action=GetSecretValue")).status == 200
    assert planned_aws.received[0].headers["Content-Type"] == JSON
