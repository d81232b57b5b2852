"""CloudWatch: alarms, and the log groups of functions."""

from typing import Any, Final

from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted

_ABSENT: Final = "ResourceNotFoundException"
_RETENTION: Final = "RetentionInDays"


def _find_alarm(account: Account, wanted: Wanted) -> Found | None:
    name = wanted.properties["AlarmName"]
    held = account.ask("cloudwatch", "describe_alarms", AlarmNames=[name])["MetricAlarms"]
    if not held:
        return None
    arn = held[0]["AlarmArn"]
    tags = account.ask("cloudwatch", "list_tags_for_resource", ResourceARN=arn)["Tags"]
    return Found(name, {"Arn": arn}, held[0], account.owns(tags))


def _members(wanted: Wanted) -> dict[str, Any]:
    members = {name: value for name, value in wanted.properties.items() if name != "Tags"}
    for name, kind in (
        ("Threshold", float),
        ("Period", int),
        ("EvaluationPeriods", int),
    ):
        if name in members:
            members[name] = kind(members[name])
    return members


def _create_alarm(account: Account, wanted: Wanted) -> None:
    account.ask("cloudwatch", "put_metric_alarm", Tags=account.tags(), **_members(wanted))


def _update_alarm(account: Account, wanted: Wanted, *_: object) -> None:
    account.ask("cloudwatch", "put_metric_alarm", **_members(wanted))


def _delete_alarm(account: Account, found: Found) -> None:
    account.find(_ABSENT, "cloudwatch", "delete_alarms", AlarmNames=[found.ref])


def _find_group(account: Account, wanted: Wanted) -> Found | None:
    name = wanted.properties["LogGroupName"]
    held = account.ask("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
    for each in held:
        if each["logGroupName"] == name:
            arn = each["arn"].removesuffix(":*")
            tags = account.ask("logs", "list_tags_for_resource", resourceArn=arn)["tags"]
            properties = {"LogGroupName": name, _RETENTION: each.get("retentionInDays")}
            lost = "what is written in it"
            return Found(name, {"Arn": f"{arn}:*"}, properties, account.owns(tags), lost)
    return None


def _create_group(account: Account, wanted: Wanted) -> None:
    tags = {each["Key"]: each["Value"] for each in account.tags()}
    name = wanted.properties["LogGroupName"]
    account.ask("logs", "create_log_group", logGroupName=name, tags=tags)


def _update_group(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    if _RETENTION in changed:
        account.ask(
            "logs",
            "put_retention_policy",
            logGroupName=found.ref,
            retentionInDays=int(wanted.properties[_RETENTION]),
        )


def _delete_group(account: Account, found: Found) -> None:
    account.find(_ABSENT, "logs", "delete_log_group", logGroupName=found.ref)


KINDS: Final = {
    "AWS::CloudWatch::Alarm": Kind(
        "AlarmName", _find_alarm, _create_alarm, _update_alarm, _delete_alarm
    ),
    "AWS::Logs::LogGroup": Kind(
        "LogGroupName", _find_group, _create_group, _update_group, _delete_group
    ),
}
