"""Who is told: the chat channel, the alarms, and who may publish to the topic of both."""

from collections.abc import Iterator, Sequence
from typing import Final

from sidecar.provision.events_part import KEY_RULE, RULES, TOPIC
from sidecar.provision.naming import managed_policy, named
from sidecar.provision.policy_text import document, from_service
from sidecar.provision.resource import Attribute, Parameter, Ref, Resource, Value
from sidecar.provision.rotation_part import REAPING_RULE
from sidecar.provision.wish import Events

_PERIOD_SECONDS: Final = 300
# An hour is how long the queue keeps a message: by then news were lost.
_OLD_SECONDS: Final = 1800


def telling_resources(events: Events, *, rotated: bool) -> Iterator[Resource]:
    """Give them, each after what it needs.

    Args:
        events: what of them is wanted.
        rotated: whether there are functions to watch.

    """
    alarms = tuple(_alarms(events, rotated=rotated)) if events.alarms else ()
    yield from alarms
    yield _topic_policy([each.logical_id for each in alarms])
    if events.chat is not None:
        yield from _chat()


def _chat() -> Iterator[Resource]:
    """The channel may look at graphs; what it may do is what the guardrail leaves of that."""
    look = managed_policy("CloudWatchReadOnlyAccess")
    yield Resource(
        "ChatRole",
        "AWS::IAM::Role",
        {
            "RoleName": named("chat"),
            "AssumeRolePolicyDocument": document(from_service("chatbot", ("sts:AssumeRole",))),
            "ManagedPolicyArns": [look],
        },
    )
    yield Resource(
        "ChatChannel",
        "AWS::Chatbot::SlackChannelConfiguration",
        {
            "ConfigurationName": named("events"),
            "IamRoleArn": Attribute("ChatRole", "Arn"),
            "SlackWorkspaceId": Parameter("SlackWorkspaceId"),
            "SlackChannelId": Parameter("SlackChannelId"),
            "SnsTopicArns": [TOPIC],
            "LoggingLevel": "ERROR",
            "GuardrailPolicies": [look],
        },
        # What is told before the topic takes it would be lost.
        ("TopicPolicy",),
    )


def _alarms(events: Events, *, rotated: bool) -> Iterator[Resource]:
    if rotated:
        for function in ("RotationFunction", "ReapingFunction"):
            yield _alarm(
                f"{function}Alarm", "AWS/Lambda", "Errors", ("FunctionName", Ref(function))
            )
    for rule in (*RULES, KEY_RULE, REAPING_RULE) if rotated else RULES:
        yield _alarm(f"{rule}Alarm", "AWS/Events", "FailedInvocations", ("RuleName", Ref(rule)))
    if events.queue:
        dimension = ("QueueName", Attribute("ChangeQueue", "QueueName"))
        name = "ApproximateAgeOfOldestMessage"
        yield _alarm("ChangeQueueAlarm", "AWS/SQS", name, dimension, above=_OLD_SECONDS)


def _alarm(
    logical_id: str,
    namespace: str,
    metric: str,
    dimension: tuple[str, Value],
    *,
    above: int = 0,
) -> Resource:
    name, value = dimension
    return Resource(
        logical_id,
        "AWS::CloudWatch::Alarm",
        {
            "AlarmName": named(logical_id.removesuffix("Alarm")),
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value}],
            "Statistic": "Maximum" if above else "Sum",
            "Period": _PERIOD_SECONDS,
            "EvaluationPeriods": 1,
            "Threshold": above,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [TOPIC],
            "OKActions": [TOPIC],
        },
    )


def _topic_policy(alarms: Sequence[str]) -> Resource:
    # EventBridge does not say to SNS for which rule it comes: no condition would ever be met.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    publish = [_publish("events")]
    if alarms:
        sources: Value = [Attribute(each, "Arn") for each in alarms]
        condition: Value = {"ArnEquals": {"aws:SourceArn": sources}}
        publish.append(_publish("cloudwatch", Condition=condition))
    return Resource(
        "TopicPolicy",
        "AWS::SNS::TopicPolicy",
        {"Topics": [TOPIC], "PolicyDocument": document(*publish)},
    )


def _publish(service: str, **more: Value) -> dict[str, Value]:
    return from_service(service, ("sns:Publish",), Resource=TOPIC, **more)
