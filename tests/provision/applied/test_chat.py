"""The Slack channel is set up by calls that the service's own description allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from sidecar.errors import OperatorError, UpstreamUnavailable
from sidecar.provision.account import TAG, Account, Surrounding
from sidecar.provision.kinds.chat import KINDS
from sidecar.provision.kinds.kind import Found, Wanted

_KIND = KINDS["AWS::Chatbot::SlackChannelConfiguration"]
_ARN = "arn:aws:chatbot::123456789012:chat-configuration/slack-channel/web-events"
_ROLE = "arn:aws:iam::123456789012:role/web-chat"
_TOPIC = "arn:aws:sns:eu-central-1:123456789012:web-events"
_POLICY = "arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"
_WANTED = Wanted(
    "ChatChannel",
    "AWS::Chatbot::SlackChannelConfiguration",
    {
        "ConfigurationName": "web-events",
        "IamRoleArn": _ROLE,
        "SlackWorkspaceId": "T0123ABCD",
        "SlackChannelId": "C0123ABCD",
        "SnsTopicArns": [_TOPIC],
        "LoggingLevel": "ERROR",
        "GuardrailPolicies": [_POLICY],
    },
)
_THERE = {
    "SlackTeamName": "Team",
    "SlackTeamId": "T0123ABCD",
    "SlackChannelId": "C0123ABCD",
    "SlackChannelName": "rotations",
    "ChatConfigurationArn": _ARN,
    "ConfigurationName": "web-events",
    "IamRoleArn": _ROLE,
    "SnsTopicArns": [_TOPIC],
    "LoggingLevel": "ERROR",
    "GuardrailPolicyArns": [_POLICY],
    "Tags": [{"TagKey": TAG, "TagValue": "web@eu-central-1"}],
}


@dataclass
class Stubbed:
    """A client that answers what was arranged, and checks what it is asked."""

    client: Any

    def ask(self, _: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        reply: Mapping[str, Any] = getattr(self.client, operation)(**arguments)
        return reply

    def listed(self, service: str, operation: str, member: str, **arguments: Any) -> list[Any]:
        return list(self.ask(service, operation, **arguments)[member])


@pytest.fixture
def stubber() -> Stubber:
    make: Any = boto3.client
    client = make(
        "chatbot",
        region_name="us-east-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    return Stubber(client)


def _account(calls: Any) -> Account:
    return Account(calls, "web", Surrounding("123456789012", "aws", "eu-central-1"))


def test_a_channel_that_is_there_is_found_in_the_words_of_the_description(
    stubber: Stubber,
) -> None:
    listed = {"SlackChannelConfigurations": [_THERE]}
    stubber.add_response("describe_slack_channel_configurations", listed, {})
    with stubber:
        found = _KIND.find(_account(Stubbed(stubber.client)), _WANTED)
    assert found is not None
    assert found.ours
    assert {name: found.properties[name] for name in _WANTED.properties} == _WANTED.properties


def test_a_channel_is_made_with_the_tag_of_the_stack(stubber: Stubber) -> None:
    asked = {
        "SlackTeamId": "T0123ABCD",
        "SlackChannelId": "C0123ABCD",
        "SlackChannelName": "C0123ABCD",
        "SnsTopicArns": [_TOPIC],
        "IamRoleArn": _ROLE,
        "ConfigurationName": "web-events",
        "LoggingLevel": "ERROR",
        "GuardrailPolicyArns": [_POLICY],
        "Tags": [{"TagKey": TAG, "TagValue": "web@eu-central-1"}],
    }
    stubber.add_response("create_slack_channel_configuration", {}, asked)
    with stubber:
        _KIND.create(_account(Stubbed(stubber.client)), _WANTED)
    stubber.assert_no_pending_responses()


def test_a_channel_is_changed_and_deleted_by_its_arn(stubber: Stubber) -> None:
    changed = {
        "ChatConfigurationArn": _ARN,
        "SlackChannelId": "C0123ABCD",
        "SlackChannelName": "C0123ABCD",
        "SnsTopicArns": [_TOPIC],
        "IamRoleArn": _ROLE,
        "LoggingLevel": "ERROR",
        "GuardrailPolicyArns": [_POLICY],
    }
    stubber.add_response("update_slack_channel_configuration", {}, changed)
    stubber.add_response("delete_slack_channel_configuration", {}, {"ChatConfigurationArn": _ARN})
    account, found = _account(Stubbed(stubber.client)), Found(_ARN, {}, {})
    with stubber:
        _KIND.update(account, _WANTED, found, frozenset({"LoggingLevel"}))
        _KIND.delete(account, found)
    stubber.assert_no_pending_responses()


class Elsewhere:
    """An endpoint that has no chat."""

    def ask(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        raise UpstreamUnavailable("no such service", status=500, code="InternalFailure")

    def listed(self, *_: Any, **__: Any) -> list[Any]:
        return list(self.ask())


def test_an_endpoint_without_chat_is_told_apart() -> None:
    with pytest.raises(OperatorError, match="not supported by this endpoint"):
        _KIND.find(_account(Elsewhere()), _WANTED)
