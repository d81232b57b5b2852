"""Which changes of keys are told, and the template that brings them to another region."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cfnlint.api import lint
from moto.events.models import EventPattern

from sidecar.errors import ConfigError
from sidecar.provision.cloudformation import template
from sidecar.provision.key_events import render
from tests.provision.resolved import ACCOUNT, resolved
from tests.provision.wishes import FULL

_FUNCTION = {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/sidecar-rotation/sidecar-rotation"}
_OTHER = {"arn": f"arn:aws:iam::{ACCOUNT}:user/somebody", "userName": "somebody"}
_ITSELF = {"arn": f"arn:aws:iam::{ACCOUNT}:user/batch-user", "userName": "batch-user"}


def _is_told(event_name: str, who: dict[str, str], parameters: dict[str, str] | None) -> bool:
    given = template(FULL)
    pattern = resolved(given, given["Resources"]["KeyRule"]["Properties"]["EventPattern"])
    detail = {
        "eventSource": "iam.amazonaws.com",
        "eventName": event_name,
        "userIdentity": who,
        "requestParameters": parameters,
    }
    kind = "AWS API Call via CloudTrail"
    event: Any = {"source": "aws.iam", "detail-type": kind, "detail": detail}
    return bool(EventPattern(None, pattern).matches_event(event))


@pytest.mark.parametrize("event_name", ["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"])
def test_a_change_of_the_users_keys_by_anybody_is_told(event_name: str) -> None:
    assert _is_told(event_name, _OTHER, {"userName": "batch-user"})
    assert _is_told(event_name, _ITSELF, None)


def test_what_the_function_does_or_concerns_another_user_or_no_key_is_not_told() -> None:
    assert not _is_told("CreateAccessKey", _FUNCTION, {"userName": "batch-user"})
    assert not _is_told("CreateAccessKey", _OTHER, {"userName": "somebody"})
    assert not _is_told("ListAccessKeys", _OTHER, {"userName": "batch-user"})


def test_without_a_rotated_key_no_rule_is_about_keys() -> None:
    assert "KeyRule" not in template(replace(FULL, rotation=None))["Resources"]


def test_the_template_for_the_other_region_passes_the_linter_and_asks_for_the_stacks_region() -> (
    None
):
    given = json.loads(render(FULL))
    assert [each.message for each in lint(render(FULL), regions=["us-east-1"])] == []
    assert given["Resources"].keys() == {"KeyEventsRole", "KeyEventsRule"}
    assert "Default" not in given["Parameters"]["HomeRegion"]


def test_what_comes_from_another_region_is_not_sent_on_again() -> None:
    rule = json.loads(render(FULL))["Resources"]["KeyEventsRule"]["Properties"]
    assert rule["EventPattern"]["region"] == [{"Ref": "AWS::Region"}]


@pytest.mark.parametrize("missing", ["rotation", "events"])
def test_where_nobody_is_told_of_keys_there_is_nothing_to_send_on(missing: str) -> None:
    nothing: Any = {missing: None}
    with pytest.raises(ConfigError) as refused:
        render(replace(FULL, **nothing))
    assert "no rotated key, or nobody is told" in str(refused.value.problems)
