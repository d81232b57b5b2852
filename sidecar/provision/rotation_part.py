"""What a rotation in AWS needs: user, secret, functions with their role, and the schedule."""

from collections.abc import Iterator
from typing import Final

from sidecar.provision.naming import (
    ACCOUNT,
    APPLICATION_POLICY,
    ROTATION_POLICY,
    arn,
    log_group_name,
    named,
)
from sidecar.provision.policy_text import allow, document, from_service, json_text
from sidecar.provision.resource import Attribute, Parameter, Ref, Resource, Value
from sidecar.provision.wish import Rotation

ROTATE: Final = "rotation"
REAP: Final = "reaping"
REAPING_RULE: Final = "ReapingRule"
_HANDLERS: Final = "sidecar.rotation.lambda_handler"
_RUNTIME: Final = "python3.13"
# A new key works after some ten seconds, and three times in a row is waited for.
_TIMEOUT_SECONDS: Final = 180
_MEMORY_MB: Final = 256
_LOG_DAYS: Final = 90
_ON_THE_USER: Final = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:UpdateAccessKey",
    "iam:ListAccessKeys",
    "iam:GetAccessKeyLastUsed",
)
_ON_THE_SECRET: Final = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:TagResource",
)
_LOGGING: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


def rotation_resources(rotation: Rotation) -> Iterator[Resource]:
    """Give them, each after what it needs."""
    yield _user(rotation)
    yield _secret()
    yield from (_log_group("RotationLogs", ROTATE), _log_group("ReapingLogs", REAP))
    yield _function_role()
    yield _function("RotationFunction", ROTATE, "handler", "RotationLogs")
    yield _function("ReapingFunction", REAP, "reap_handler", "ReapingLogs")
    yield _permission(
        "RotationPermission", "RotationFunction", "secretsmanager", _SECRET, SourceAccount=ACCOUNT
    )
    yield _schedule(rotation)
    yield _reaping_rule()
    # EventBridge names no account, so a permission that asks for one would let nothing through.
    # https://github.com/awsdocs/aws-cloudformation-user-guide/pull/481
    yield _permission(
        "ReapingPermission", "ReapingFunction", "events", Attribute(REAPING_RULE, "Arn")
    )


_SECRET: Final = Ref("RotatedSecret")


def _user(rotation: Rotation) -> Resource:
    properties: dict[str, Value] = {"UserName": Parameter("UserName")}
    if rotation.user_policy is not None:
        properties["Policies"] = [
            {"PolicyName": APPLICATION_POLICY, "PolicyDocument": rotation.user_policy}
        ]
    return Resource("RotatedUser", "AWS::IAM::User", properties)


def _secret() -> Resource:
    """The first rotation puts the key into it: no key ever stands in a stack's state."""
    return Resource(
        "RotatedSecret",
        "AWS::SecretsManager::Secret",
        {
            "Name": Parameter("SecretName"),
            "Description": "an IAM user's access key, replaced by a rotation",
            "SecretString": json_text({"user_name": Parameter("UserName")}),
        },
        ("RotatedUser",),
    )


def _log_group(logical_id: str, function: str) -> Resource:
    properties: dict[str, Value] = {
        "LogGroupName": log_group_name(function),
        "RetentionInDays": _LOG_DAYS,
    }
    return Resource(logical_id, "AWS::Logs::LogGroup", properties)


def _function_role() -> Resource:
    logs: list[Value] = [
        arn("logs", "log-group:", *log_group_name(each).pieces, ":*") for each in (ROTATE, REAP)
    ]
    permissions = document(
        allow(_ON_THE_SECRET, _SECRET),
        allow(_ON_THE_USER, Attribute("RotatedUser", "Arn")),
        allow(_LOGGING, logs),
    )
    return Resource(
        "FunctionRole",
        "AWS::IAM::Role",
        {
            "RoleName": named("rotation"),
            # Lambda assumes it for its functions without naming one: no aws:SourceArn is there.
            "AssumeRolePolicyDocument": document(from_service("lambda", ("sts:AssumeRole",))),
            "Policies": [{"PolicyName": ROTATION_POLICY, "PolicyDocument": permissions}],
        },
    )


def _function(logical_id: str, name: str, handler: str, logs: str) -> Resource:
    return Resource(
        logical_id,
        "AWS::Lambda::Function",
        {
            "FunctionName": named(name),
            "Runtime": _RUNTIME,
            "Handler": f"{_HANDLERS}.{handler}",
            "Role": Attribute("FunctionRole", "Arn"),
            "Code": {"S3Bucket": Parameter("CodeBucket"), "S3Key": Parameter("CodeKey")},
            "Timeout": _TIMEOUT_SECONDS,
            "MemorySize": _MEMORY_MB,
            "Environment": {
                "Variables": {
                    "SECRET_ARN": _SECRET,
                    "USER_NAME": Parameter("UserName"),
                    "GRACE_HOURS": Parameter("GraceHours"),
                    "RECOVERY_HOURS": Parameter("RecoveryHours"),
                }
            },
        },
        (logs,),
    )


def _permission(
    logical_id: str, function: str, service: str, source: Value, **more: Value
) -> Resource:
    return Resource(
        logical_id,
        "AWS::Lambda::Permission",
        {
            "FunctionName": Attribute(function, "Arn"),
            "Action": "lambda:InvokeFunction",
            "Principal": f"{service}.amazonaws.com",
            "SourceArn": source,
            **more,
        },
    )


def _schedule(rotation: Rotation) -> Resource:
    rules: dict[str, Value] = {"ScheduleExpression": Parameter("ScheduleExpression")}
    if rotation.duration is not None:
        rules["Duration"] = rotation.duration
    return Resource(
        "RotationSchedule",
        "AWS::SecretsManager::RotationSchedule",
        {
            "SecretId": _SECRET,
            "RotationLambdaARN": Attribute("RotationFunction", "Arn"),
            "RotationRules": rules,
            "RotateImmediatelyOnUpdate": True,
        },
        # Secrets Manager tries to call the function at once, and nothing here says that it may.
        ("RotationPermission",),
    )


def _reaping_rule() -> Resource:
    target: dict[str, Value] = {"Id": "reap", "Arn": Attribute("ReapingFunction", "Arn")}
    return Resource(
        REAPING_RULE,
        "AWS::Events::Rule",
        {
            "Name": named(REAP),
            "Description": "retires the replaced access key as far as its time has come",
            "State": "ENABLED",
            "ScheduleExpression": "rate(1 hour)",
            "Targets": [target],
        },
    )


def assumed_function_role() -> Value:
    """Give what the ARN of everybody begins with who acts as the function's role."""
    return arn("sts", "assumed-role/", *named("rotation").pieces, "/", regional=False)
