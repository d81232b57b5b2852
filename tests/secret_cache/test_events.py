"""Which messages make the cache read a secret again, and that no message can do more."""

import json
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.secret_cache.events import NOTHING, SECRET_EVENTS, Change, read_event

ARN: Final = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/web-AbCdEf"
EVENT_ID: Final = "11111111-2222-4333-8444-555555555555"


def event(name: str, **detail: Any) -> str:
    """Write an event of Secrets Manager's as EventBridge delivers it."""
    return json.dumps(
        {
            "version": "0",
            "id": "66666666-7777-4888-9999-000000000000",
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.secretsmanager",
            "region": "us-east-1",
            "detail": {
                "eventSource": "secretsmanager.amazonaws.com",
                "eventName": name,
                "eventID": EVENT_ID,
                **detail,
            },
        }
    )


ROTATED: Final = event(
    "RotationSucceeded",
    requestParameters=None,
    responseElements=None,
    additionalEventData={"SecretId": ARN},
)
PARAMETER: Final = {
    "source": "aws.ssm",
    "detail-type": "Parameter Store Change",
    "resources": ["arn:aws:ssm:us-east-1:123456789012:parameter/prod/web"],
    "detail": {"operation": "Update", "name": "/prod/web", "type": "SecureString"},
}


def in_sns(body: str, **more: Any) -> str:
    """Put a body into the envelope that SNS delivers it in."""
    return json.dumps({"Type": "Notification", "MessageId": "1", "Message": body, **more})


@pytest.mark.parametrize(
    ("body", "secret_id"),
    [
        (event("PutSecretValue", responseElements={"arn": ARN}), ARN),
        (event("PutSecretValue", responseElements={"aRN": ARN}), ARN),
        (
            event(
                "UpdateSecret",
                requestParameters={"secretId": "prod/web"},
                responseElements={"arn": ARN},
            ),
            ARN,
        ),
        (
            event(
                "UpdateSecretVersionStage",
                requestParameters={"secretId": "prod/web"},
                responseElements=None,
            ),
            "prod/web",
        ),
        (
            event(
                "CreateSecret",
                requestParameters={"name": "prod/web"},
                responseElements={"arn": ARN},
            ),
            "prod/web",
        ),
        (
            event(
                "RotationFailed",
                eventType="AwsServiceEvent",
                errorCode="…",
                errorMessage="…",
                additionalEventData={"SecretId": ARN},
            ),
            ARN,
        ),
        (ROTATED, ARN),
        (in_sns(ROTATED), ARN),
    ],
)
def test_an_event_names_the_secret_to_read_again(body: str, secret_id: str) -> None:
    assert read_event(body) == Change(secret_id=secret_id, event_id=EVENT_ID)


@pytest.mark.parametrize("name", sorted(SECRET_EVENTS))
def test_every_event_that_may_change_what_is_read_counts(name: str) -> None:
    assert read_event(event(name, additionalEventData={"SecretId": ARN})).secret_id == ARN


@pytest.mark.parametrize(
    "name",
    [
        "GetSecretValue",
        "BatchGetSecretValue",
        "DescribeSecret",
        "ListSecrets",
        "RotateSecret",
        "RotationStarted",
        "TestRotationSucceeded",
        "TagResource",
        "putsecretvalue",
        "",
    ],
)
def test_an_event_that_changes_no_value_is_nothing(name: str) -> None:
    assert read_event(event(name, additionalEventData={"SecretId": ARN})) == NOTHING


def test_a_call_that_failed_has_changed_nothing() -> None:
    body = event(
        "PutSecretValue",
        errorCode="AccessDenied",
        requestParameters={"secretId": "prod/web"},
        responseElements=None,
    )
    assert read_event(body) == NOTHING


@pytest.mark.parametrize("operation", ["Create", "Update", "Delete", "LabelParameterVersion"])
def test_a_change_in_parameter_store_names_the_parameter(operation: str) -> None:
    body = {**PARAMETER, "detail": {"operation": operation, "name": "/prod/web"}}
    assert read_event(json.dumps(body)) == Change(parameter="/prod/web")
    assert read_event(in_sns(json.dumps(body))) == Change(parameter="/prod/web")


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ('{"secretId": "prod/web"}', Change(secret_id="prod/web")),
        (in_sns('{"secretId": "prod/web"}'), Change(secret_id="prod/web")),
        ('{"name": "/prod/web"}', Change(parameter="/prod/web")),
    ],
)
def test_the_plain_form_is_understood(body: str, change: Change) -> None:
    assert read_event(body) == change


@pytest.mark.parametrize(
    "body",
    [
        "",
        "prod/web",
        "null",
        "[]",
        '"secretId"',
        "{}",
        '{"secretId": ""}',
        '{"secretId": 1}',
        '{"secretId": ["prod/web"]}',
        json.dumps({"secretId": "x" * 2049}),
        json.dumps({"source": "aws.s3", "detail": {"name": "x"}, "secretId": "prod/web"}),
        json.dumps({"source": ["aws.ssm"], "secretId": "prod/web"}),
        json.dumps({**PARAMETER, "detail-type": "Parameter Store Policy Action"}),
        json.dumps({**PARAMETER, "detail": ["name"]}),
        json.dumps({"source": "aws.secretsmanager"}),
        json.dumps({"source": "aws.secretsmanager", "detail": {"eventName": ["PutSecretValue"]}}),
        in_sns("no JSON"),
        in_sns(in_sns(ROTATED)),
        json.dumps({"Type": "SubscriptionConfirmation", "Message": ROTATED}),
        json.dumps({"Type": "Notification", "Message": {"secretId": "prod/web"}}),
    ],
)
def test_a_body_that_is_nothing_of_ours_changes_nothing(body: str) -> None:
    assert read_event(body) == NOTHING


def test_an_event_without_any_id_names_no_secret() -> None:
    odd = {"requestParameters": ["x"], "responseElements": "x", "additionalEventData": 1}
    assert read_event(event("PutSecretValue", **odd)) == Change(event_id=EVENT_ID)
    assert read_event(event("PutSecretValue", eventID={"a": 1})) == NOTHING


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
# Bodies that look like the real thing, with anything in each place.
_EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from(["aws.secretsmanager", "aws.ssm"]) | _VALUES,
        "detail-type": st.just("Parameter Store Change") | _VALUES,
        "secretId": _VALUES,
        "name": _VALUES,
        "Type": st.just("Notification") | _VALUES,
        "Message": _VALUES,
        "detail": _VALUES
        | st.fixed_dictionaries(
            {},
            optional={
                "eventName": st.sampled_from(sorted(SECRET_EVENTS)) | _VALUES,
                "eventID": _VALUES,
                "errorCode": _VALUES,
                "name": _VALUES,
                "requestParameters": _VALUES | st.fixed_dictionaries({"secretId": _VALUES}),
                "responseElements": _VALUES | st.fixed_dictionaries({"arn": _VALUES}),
                "additionalEventData": _VALUES | st.fixed_dictionaries({"SecretId": _VALUES}),
            },
        ),
    },
)


@given(st.text() | (_VALUES | _EVENTS).map(json.dumps) | _EVENTS.map(json.dumps).map(in_sns))
@example("[" * 100_000)
@example("9" * 5000)
@example('{"secretId": "\\ud800"}')
@example('{"Type": "Notification", "Message": "' + "[" * 100_000 + '"}')
def test_no_body_raises_and_what_is_told_is_short_text(body: str) -> None:
    change = read_event(body)
    for told in (change.secret_id, change.parameter, change.event_id):
        assert told is None or 0 < len(str.__str__(told)) <= 2048
