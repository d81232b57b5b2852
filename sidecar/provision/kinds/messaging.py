"""SNS and SQS: topics, queues, and who may send to them."""

import json
from collections.abc import Iterable
from typing import Any, Final

from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Properties, Wanted

_NO_TOPIC: Final = ("NotFound", "NotFoundException")
_NO_QUEUE: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DEFAULT_POLICY: Final = "__default_policy_ID"
_POLICY: Final = "Policy"
# A name that was given up may be used again after a minute.
_NAME_HELD: Final = (("AWS.SimpleQueueService.QueueDeletedRecently", ""),)


def _as_text(value: Any) -> str:
    """Give an attribute as both services want it: everything is text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value) if _nested(value) else str(value)


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list | tuple)


def _texts(properties: Properties, names: Iterable[str]) -> dict[str, str]:
    return {name: _as_text(properties[name]) for name in names if name in properties}


def _topic_arn(account: Account, wanted: Wanted) -> str:
    place, name = account.place, wanted.properties["TopicName"]
    return f"arn:{place.partition}:sns:{place.region}:{place.account}:{name}"


def _find_topic(account: Account, wanted: Wanted) -> Found | None:
    arn = _topic_arn(account, wanted)
    held = account.find(_NO_TOPIC, "sns", "get_topic_attributes", TopicArn=arn)
    if held is None:
        return None
    tags = account.ask("sns", "list_tags_for_resource", ResourceArn=arn)["Tags"]
    name = wanted.properties["TopicName"]
    properties = {**held["Attributes"], "TopicName": name}
    return Found(arn, {"TopicArn": arn, "TopicName": name}, properties, account.owns(tags))


def _create_topic(account: Account, wanted: Wanted) -> None:
    account.ask(
        "sns",
        "create_topic",
        Name=wanted.properties["TopicName"],
        Tags=account.tags(),
    )


def _nothing_to_change(*_: object) -> None:
    """Do nothing: a topic has nothing but its name."""


def _delete_topic(account: Account, found: Found) -> None:
    account.find(_NO_TOPIC, "sns", "delete_topic", TopicArn=found.ref)


def _find_topic_policy(account: Account, wanted: Wanted) -> Found | None:
    shown = None
    for arn in wanted.properties["Topics"]:
        held = account.find(_NO_TOPIC, "sns", "get_topic_attributes", TopicArn=arn)
        text = None if held is None else held["Attributes"].get(_POLICY)
        document = json.loads(text) if text else None
        if document is None or document.get("Id") == _DEFAULT_POLICY:
            return None
        if shown is None or document != wanted.properties["PolicyDocument"]:
            shown = document
    return Found(wanted.logical_id, {}, {**wanted.properties, "PolicyDocument": shown})


def _put_topic_policy(account: Account, wanted: Wanted, *_: object) -> None:
    for arn in wanted.properties["Topics"]:
        account.ask(
            "sns",
            "set_topic_attributes",
            TopicArn=arn,
            AttributeName=_POLICY,
            AttributeValue=_as_text(wanted.properties["PolicyDocument"]),
        )


def _find_queue(account: Account, wanted: Wanted) -> Found | None:
    name = wanted.properties["QueueName"]
    held = account.find(_NO_QUEUE, "sqs", "get_queue_url", QueueName=name)
    if held is None:
        return None
    url = held["QueueUrl"]
    reply = account.ask("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    tags = account.ask("sqs", "list_queue_tags", QueueUrl=url).get("Tags", {})
    attributes = reply["Attributes"]
    names = {"Arn": attributes["QueueArn"], "QueueName": name, "QueueUrl": url}
    return Found(url, names, {**attributes, "QueueName": name}, account.owns(tags))


def _queue_attributes(wanted: Wanted) -> dict[str, str]:
    names = wanted.properties.keys() - {"QueueName", "Tags"}
    return _texts(wanted.properties, sorted(names))


def _create_queue(account: Account, wanted: Wanted) -> None:
    account.patiently(
        _NAME_HELD,
        "sqs",
        "create_queue",
        QueueName=wanted.properties["QueueName"],
        Attributes=_queue_attributes(wanted),
        tags={each["Key"]: each["Value"] for each in account.tags()},
    )


def _update_queue(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    attributes = _texts(wanted.properties, sorted(changed))
    account.ask("sqs", "set_queue_attributes", QueueUrl=found.ref, Attributes=attributes)


def _delete_queue(account: Account, found: Found) -> None:
    account.find(_NO_QUEUE, "sqs", "delete_queue", QueueUrl=found.ref)


def _find_queue_policy(account: Account, wanted: Wanted) -> Found | None:
    shown = None
    for url in wanted.properties["Queues"]:
        reply = account.find(
            _NO_QUEUE, "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=[_POLICY]
        )
        text = None if reply is None else reply.get("Attributes", {}).get(_POLICY)
        if not text:
            return None
        document = json.loads(text)
        if shown is None or document != wanted.properties["PolicyDocument"]:
            shown = document
    return Found(wanted.logical_id, {}, {**wanted.properties, "PolicyDocument": shown})


def _put_queue_policy(account: Account, wanted: Wanted, *_: object) -> None:
    for url in wanted.properties["Queues"]:
        text = _as_text(wanted.properties["PolicyDocument"])
        account.ask("sqs", "set_queue_attributes", QueueUrl=url, Attributes={_POLICY: text})


KINDS: Final = {
    "AWS::SNS::Topic": Kind(
        "TopicName",
        _find_topic,
        _create_topic,
        _nothing_to_change,
        _delete_topic,
    ),
    "AWS::SNS::TopicPolicy": Kind(
        "", _find_topic_policy, _put_topic_policy, _put_topic_policy, needs=("Topics",)
    ),
    "AWS::SQS::Queue": Kind(
        "QueueName",
        _find_queue,
        _create_queue,
        _update_queue,
        _delete_queue,
    ),
    "AWS::SQS::QueuePolicy": Kind(
        "", _find_queue_policy, _put_queue_policy, _put_queue_policy, needs=("Queues",)
    ),
}
