"""The template passes the linter of CloudFormation whatever was wished, and says what it is."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from cfnlint.api import lint

from sidecar.errors import ConfigError
from sidecar.provision.cloudformation import render, template
from sidecar.provision.wish import OwnAuthority
from tests.provision.wishes import (
    FULL,
    LONG,
    REVOKED,
    Change,
    Switches,
    called,
    chosen,
    wish_of,
)


def _complaints(text: str) -> list[str]:
    return [f"{each.rule.id} {each.message}" for each in lint(text, regions=["eu-central-1"])]


@pytest.mark.parametrize("switches", chosen(), ids=called)
def test_the_linter_finds_nothing(switches: Switches) -> None:
    assert _complaints(render(wish_of(switches))) == []


def _rules(given: Any) -> Any:
    return given["Resources"]["RotationSchedule"]["Properties"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda t: _rules(t).update(RotationLambdaArn=_rules(t).pop("RotationLambdaARN")), "E3002"),
        (
            lambda t: t["Resources"]["TrustAnchor"]["Properties"]["Source"].update(SourceType="CA"),
            "E3030",
        ),
        (lambda t: t["Outputs"]["RoleArn"].update(Value={"Ref": "NoSuchRole"}), "E6101"),
        (lambda t: t["Parameters"].pop("UserName"), "E1020"),
    ],
    ids=["property", "value", "output", "parameter"],
)
def test_the_linter_sees_what_is_misspelt(change: Change, complaint: str) -> None:
    given = copy.deepcopy(template(FULL))
    change(given)
    assert complaint in {each.split()[0] for each in _complaints(json.dumps(given))}


def test_what_was_wished_are_the_parameters_defaults() -> None:
    parameters = template(FULL)["Parameters"]
    assert parameters["UserName"]["Default"] == "batch-user"
    assert parameters["ScheduleExpression"]["Default"] == "cron(0 2 ? * SUN#1 *)"
    assert parameters["SlackChannelId"]["Default"] == "C0123456789"


def test_a_bucket_that_nobody_named_must_be_given() -> None:
    assert FULL.rotation is not None
    without = replace(FULL, rotation=replace(FULL.rotation, code_bucket=""))
    assert "Default" not in template(without)["Parameters"]["CodeBucket"]


def test_chat_and_revocation_list_are_there_only_where_their_parameters_are_given() -> None:
    assert FULL.events is not None
    given = template(replace(FULL, revocation_list=None, events=replace(FULL.events, chat=None)))
    conditional = {n: r["Condition"] for n, r in given["Resources"].items() if "Condition" in r}
    assert conditional == {
        "RevocationList": "RevocationListGiven",
        "ChatRole": "ChatGiven",
        "ChatChannel": "ChatGiven",
    }
    assert given["Parameters"]["SlackChannelId"]["Default"] == ""
    assert given["Parameters"]["RevocationListPem"]["Default"] == ""
    assert set(given["Conditions"]) == {"RevocationListGiven", "ChatGiven"}


def test_what_no_parameter_can_hold_stands_in_the_template() -> None:
    given = template(replace(FULL, revocation_list=REVOKED * 200))
    assert given["Resources"]["RevocationList"]["Properties"]["CrlData"] == REVOKED * 200
    assert "Condition" not in given["Resources"]["RevocationList"]
    long = template(replace(FULL, authority=OwnAuthority(bundle=LONG)))
    source = long["Resources"]["TrustAnchor"]["Properties"]["Source"]
    assert source["SourceData"] == {"X509CertificateData": LONG}


def test_outputs_are_what_a_configuration_needs() -> None:
    assert set(template(FULL)["Outputs"]) == {
        "TrustAnchorArn",
        "ProfileArn",
        "RoleArn",
        "AuthorityArn",
        "SecretArn",
        "TopicArn",
        "QueueUrl",
    }


def test_what_was_logged_outlives_the_stack() -> None:
    assert template(FULL)["Resources"]["TrailBucket"]["DeletionPolicy"] == "Retain"


def test_a_wish_that_cannot_be_met_gives_no_template() -> None:
    with pytest.raises(ConfigError):
        render(replace(FULL, name="Not A Name"))
