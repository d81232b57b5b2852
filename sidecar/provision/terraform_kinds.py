"""Terraform's names for each type of resource: of itself, its references and its properties.

Properties that are not listed have CloudFormation's name in small letters and underscores.
The documentation of the providers hashicorp/aws and hashicorp/awscc has a page for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class TerraformKind:
    """One type.

    Attributes:
        type: Terraform's name for it.
        ref: the attribute that is what CloudFormation's ``Ref`` gives.
        attributes: Terraform's names for attributes, where they differ.
        renamed: Terraform's names for properties, where they differ.

    """

    type: str
    ref: str = "name"
    attributes: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


KINDS: Final[Mapping[str, TerraformKind]] = {
    "AWS::ACMPCA::CertificateAuthority": TerraformKind("aws_acmpca_certificate_authority", "arn"),
    "AWS::ACMPCA::Certificate": TerraformKind("aws_acmpca_certificate", "arn"),
    "AWS::ACMPCA::CertificateAuthorityActivation": TerraformKind(
        "aws_acmpca_certificate_authority_certificate", "id"
    ),
    "AWS::RolesAnywhere::TrustAnchor": TerraformKind(
        "aws_rolesanywhere_trust_anchor", "id", {"TrustAnchorArn": "arn"}
    ),
    "AWS::RolesAnywhere::Profile": TerraformKind(
        "aws_rolesanywhere_profile", "id", {"ProfileArn": "arn"}
    ),
    # The aws provider has no resource for it.
    "AWS::RolesAnywhere::CRL": TerraformKind("awscc_rolesanywhere_crl", "crl_id"),
    "AWS::IAM::Role": TerraformKind(
        "aws_iam_role",
        renamed={"RoleName": "name", "AssumeRolePolicyDocument": "assume_role_policy"},
    ),
    "AWS::IAM::User": TerraformKind("aws_iam_user", renamed={"UserName": "name"}),
    "AWS::SecretsManager::Secret": TerraformKind("aws_secretsmanager_secret", "arn"),
    "AWS::SecretsManager::RotationSchedule": TerraformKind(
        "aws_secretsmanager_secret_rotation",
        "id",
        renamed={
            "RotationLambdaARN": "rotation_lambda_arn",
            "RotateImmediatelyOnUpdate": "rotate_immediately",
        },
    ),
    "AWS::Logs::LogGroup": TerraformKind(
        "aws_cloudwatch_log_group", renamed={"LogGroupName": "name"}
    ),
    "AWS::Lambda::Function": TerraformKind("aws_lambda_function", "function_name"),
    "AWS::Lambda::Permission": TerraformKind("aws_lambda_permission", "id"),
    "AWS::Events::Rule": TerraformKind("aws_cloudwatch_event_rule"),
    "AWS::S3::Bucket": TerraformKind("aws_s3_bucket", "bucket", renamed={"BucketName": "bucket"}),
    "AWS::S3::BucketPolicy": TerraformKind(
        "aws_s3_bucket_policy", "id", renamed={"PolicyDocument": "policy"}
    ),
    "AWS::CloudTrail::Trail": TerraformKind(
        "aws_cloudtrail",
        renamed={
            "TrailName": "name",
            "S3BucketName": "s3_bucket_name",
            "IsLogging": "enable_logging",
            "EnableLogFileValidation": "enable_log_file_validation",
            "EventSelectors": "event_selector",
        },
    ),
    "AWS::SNS::Topic": TerraformKind("aws_sns_topic", "arn", renamed={"TopicName": "name"}),
    "AWS::SNS::TopicPolicy": TerraformKind(
        "aws_sns_topic_policy", "id", renamed={"PolicyDocument": "policy", "Topics": "arn"}
    ),
    "AWS::SQS::Queue": TerraformKind(
        "aws_sqs_queue",
        "url",
        {"QueueName": "name"},
        {
            "QueueName": "name",
            "MessageRetentionPeriod": "message_retention_seconds",
            "ReceiveMessageWaitTimeSeconds": "receive_wait_time_seconds",
        },
    ),
    "AWS::SQS::QueuePolicy": TerraformKind(
        "aws_sqs_queue_policy", "id", renamed={"PolicyDocument": "policy", "Queues": "queue_url"}
    ),
    "AWS::Chatbot::SlackChannelConfiguration": TerraformKind(
        "aws_chatbot_slack_channel_configuration",
        "chat_configuration_arn",
        renamed={"SlackWorkspaceId": "slack_team_id", "GuardrailPolicies": "guardrail_policy_arns"},
    ),
    "AWS::CloudWatch::Alarm": TerraformKind(
        "aws_cloudwatch_metric_alarm", "alarm_name", renamed={"OKActions": "ok_actions"}
    ),
}
