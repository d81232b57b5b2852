"""What carries news of secrets: trail, rules, topic, and a queue for one sidecar."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from sidecar.provision.naming import ACCOUNT, REGION, arn, named
from sidecar.provision.policy_text import document, from_service
from sidecar.provision.resource import Attribute, Parameter, Ref, Resource, Text, Value
from sidecar.provision.rotation_part import assumed_function_role
from sidecar.provision.wish import Events

Pattern: TypeAlias = dict[str, Value]

TOPIC: Final = Ref("Topic")
QUEUE_ARN: Final = Attribute("ChangeQueue", "Arn")
RULES: Final = ("RotationRule", "ChangeRule")
KEY_RULE: Final = "KeyRule"
# Where CloudTrail writes what is done in IAM, whatever region else a stack is in.
HOME_OF_IAM: Final = "us-east-1"
# Of the service itself; no API call stands behind them.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html
_LIFECYCLE: Final = (
    "RotationStarted",
    "RotationSucceeded",
    "RotationFailed",
    "RotationAbandoned",
    "TestRotationFailed",
)
_BY_HAND: Final = (
    "PutSecretValue",
    "UpdateSecret",
    "UpdateSecretVersionStage",
    "DeleteSecret",
    "RestoreSecret",
    "CancelRotateSecret",
    "PutResourcePolicy",
    "DeleteResourcePolicy",
)
_KEY_CHANGES: Final = ("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey")
# An event is a hint about the moment: after a failure the sidecar reads everything anew.
_KEPT_SECONDS: Final = 3600
_LONG_POLL_SECONDS: Final = 20
_TRAIL_DAYS: Final = 365


def event_resources(events: Events, *, rotated: bool) -> Iterator[Resource]:
    """Give them, each after what it needs.

    Args:
        events: what of them is wanted.
        rotated: whether there is a rotation function, whose own changes are no news.

    """
    if events.trail:
        yield from _trail()
    yield Resource("Topic", "AWS::SNS::Topic", {"TopicName": named("events")})
    if events.queue:
        yield _queue()
    told = _pattern("secretsmanager", "AWS Service Event", _LIFECYCLE)
    yield _rule(RULES[0], "rotations", told, queue=events.queue)
    others: Pattern = {"userIdentity": {"arn": _others()}} if rotated else {}
    by_hand = _pattern("secretsmanager", "AWS API Call", _BY_HAND, others)
    yield _rule(RULES[1], "changes", by_hand, queue=events.queue)
    if rotated:
        # The queue's reader reads secrets anew, and no secret has changed.
        yield _rule(KEY_RULE, "keys", key_pattern(), queue=False)
    if events.queue:
        yield _queue_policy()


def key_pattern() -> Pattern:
    """Match what others than the function do with keys of the user, and the user itself.

    Who changes a key of its own may leave the user's name out.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
    """
    user: Value = [Parameter("UserName")]
    named_user: Pattern = {
        "requestParameters": {"userName": user},
        "userIdentity": {"arn": _others()},
    }
    own: Pattern = {"userIdentity": {"userName": user}}
    return _pattern("iam", "AWS API Call", _KEY_CHANGES, {"$or": [named_user, own]})


def _pattern(
    service: str, kind: str, event_names: Sequence[str], more: Pattern | None = None
) -> Pattern:
    detail: Pattern = {
        "eventSource": [f"{service}.amazonaws.com"],
        "eventName": list(event_names),
    }
    return {
        "source": [f"aws.{service}"],
        "detail-type": [f"{kind} via CloudTrail"],
        "detail": detail | (more or {}),
    }


def _others() -> Value:
    """Match everybody but the function: what it puts is told as a rotation already."""
    return [{"anything-but": {"prefix": assumed_function_role()}}]


def _trail() -> Iterator[Resource]:
    yield Resource(
        "TrailBucket",
        "AWS::S3::Bucket",
        {
            "BucketName": Text((*named("trail").pieces, "-", ACCOUNT, "-", REGION)),
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {"Id": "old", "Status": "Enabled", "ExpirationInDays": _TRAIL_DAYS},
                ]
            },
        },
    )
    yield _trail_bucket_policy()
    yield Resource(
        "Trail",
        "AWS::CloudTrail::Trail",
        {
            "TrailName": named("trail"),
            "S3BucketName": Ref("TrailBucket"),
            "IsLogging": True,
            "IsMultiRegionTrail": True,
            "IncludeGlobalServiceEvents": True,
            "EnableLogFileValidation": True,
            # What is read changes nothing, and no rule asks for it.
            "EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}],
        },
        ("TrailBucketPolicy",),
    )


def _trail_bucket_policy() -> Resource:
    """Let this trail write, by an ARN that is known before the trail is there.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    bucket = Attribute("TrailBucket", "Arn")
    this_trail = {"aws:SourceArn": arn("cloudtrail", "trail/", *named("trail").pieces)}
    objects = Text((bucket, "/AWSLogs/", ACCOUNT, "/*"))
    owned = {"s3:x-amz-acl": "bucket-owner-full-control"}
    policy = document(
        from_service(
            "cloudtrail",
            ("s3:GetBucketAcl",),
            Resource=bucket,
            Condition={"ArnEquals": this_trail},
        ),
        from_service(
            "cloudtrail",
            ("s3:PutObject",),
            Resource=objects,
            Condition={"ArnEquals": this_trail, "StringEquals": owned},
        ),
    )
    return Resource(
        "TrailBucketPolicy",
        "AWS::S3::BucketPolicy",
        {"Bucket": Ref("TrailBucket"), "PolicyDocument": policy},
    )


def _queue() -> Resource:
    return Resource(
        "ChangeQueue",
        "AWS::SQS::Queue",
        {
            "QueueName": named("changes"),
            "MessageRetentionPeriod": _KEPT_SECONDS,
            "ReceiveMessageWaitTimeSeconds": _LONG_POLL_SECONDS,
            "SqsManagedSseEnabled": True,
        },
    )


def _rule(logical_id: str, name: str, pattern: Pattern, *, queue: bool) -> Resource:
    targets: list[Value] = [{"Id": "topic", "Arn": TOPIC}]
    if queue:
        targets.append({"Id": "queue", "Arn": QUEUE_ARN})
    properties: dict[str, Value] = {
        "Name": named(name),
        "State": "ENABLED",
        "EventPattern": pattern,
        "Targets": targets,
    }
    return Resource(logical_id, "AWS::Events::Rule", properties)


def _queue_policy() -> Resource:
    rules: Value = [Attribute(each, "Arn") for each in RULES]
    send = from_service(
        "events",
        ("sqs:SendMessage",),
        Resource=QUEUE_ARN,
        Condition={"ArnEquals": {"aws:SourceArn": rules}},
    )
    return Resource(
        "ChangeQueuePolicy",
        "AWS::SQS::QueuePolicy",
        {"Queues": [Ref("ChangeQueue")], "PolicyDocument": document(send)},
    )
