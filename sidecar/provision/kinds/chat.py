"""Amazon Q Developer in chat applications: the Slack channel that gets the notifications."""

from typing import Any, Final

from sidecar.errors import OperatorError, UpstreamError
from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted

_SERVICE: Final = "chatbot"
_CHANGEABLE: Final = (
    "SlackChannelId",
    "IamRoleArn",
    "SnsTopicArns",
    "LoggingLevel",
    "GuardrailPolicies",
)
# What the service calls otherwise than CloudFormation does.
_THEIRS: Final = {
    "SlackWorkspaceId": "SlackTeamId",
    "GuardrailPolicies": "GuardrailPolicyArns",
}


def _find_channel(account: Account, wanted: Wanted) -> Found | None:
    name = wanted.properties["ConfigurationName"]
    for each in _channels(account):
        if each["ConfigurationName"] == name:
            arn = each["ChatConfigurationArn"]
            ours = {named: each.get(theirs) for named, theirs in _THEIRS.items()}
            owned = account.owns(
                [{"Key": one["TagKey"], "Value": one["TagValue"]} for one in each.get("Tags", ())]
            )
            return Found(arn, {"Arn": arn}, {**each, **ours}, owned)
    return None


def _channels(account: Account) -> list[Any]:
    try:
        return account.calls.listed(
            _SERVICE, "describe_slack_channel_configurations", "SlackChannelConfigurations"
        )
    except UpstreamError as exc:
        # Whoever stands in for AWS has no such service; AWS itself always says which error it is.
        if exc.status == 0 or exc.code in ("ConnectionError", "InternalFailure", "NotFound"):
            raise OperatorError(
                "chat channels are not supported by this endpoint",
                hint="leave the chat out; an emulator has no chat application to write to",
            ) from exc
        raise


def _members(wanted: Wanted, *names: str) -> dict[str, Any]:
    return {
        _THEIRS.get(name, name): wanted.properties[name]
        for name in names
        if name in wanted.properties
    }


def _create_channel(account: Account, wanted: Wanted) -> None:
    names = (*_CHANGEABLE, "ConfigurationName", "SlackWorkspaceId")
    members = _members(wanted, *names)
    channel = members["SlackChannelId"]
    account.ask(
        _SERVICE,
        "create_slack_channel_configuration",
        SlackChannelName=channel,
        Tags=account.tags("TagKey", "TagValue"),
        **members,
    )


def _update_channel(account: Account, wanted: Wanted, found: Found, _: object) -> None:
    members = _members(wanted, *_CHANGEABLE)
    account.ask(
        _SERVICE,
        "update_slack_channel_configuration",
        ChatConfigurationArn=found.ref,
        SlackChannelName=members["SlackChannelId"],
        **members,
    )


def _delete_channel(account: Account, found: Found) -> None:
    account.find(
        "ResourceNotFoundException",
        _SERVICE,
        "delete_slack_channel_configuration",
        ChatConfigurationArn=found.ref,
    )


KINDS: Final = {
    "AWS::Chatbot::SlackChannelConfiguration": Kind(
        "ConfigurationName",
        _find_channel,
        _create_channel,
        _update_channel,
        _delete_channel,
        fixed=frozenset({"SlackWorkspaceId"}),
    ),
}
