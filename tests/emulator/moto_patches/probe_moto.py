"""Ask moto itself, unpatched, what the emulator mends or replaces; print the answers as JSON.

Run as its own process: moto's state and patches belong to a process.
"""

import json
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import enable_iam_authentication
from moto.events.models import events_backends
from moto.sts.models import sts_backends

ACCOUNT = "123456789012"
FIRST, SECOND = "first-".ljust(32, "0"), "second-".ljust(32, "0")


def client(service: str, **options: Any) -> Any:
    make: Any = boto3.client
    return make(service, region_name="eu-west-1", **options)


def outcome(call: Callable[..., object], **arguments: object) -> str:
    """Say how a call ended: let in, an error code, or the exception that escaped."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response.get("Error", {}).get("Code"))
    except Exception as error:  # noqa: BLE001 - whatever escapes from moto is the answer
        return type(error).__name__
    return "let in"


def keys_of(credentials: dict[str, str]) -> dict[str, str]:
    names = {
        "AccessKeyId": "aws_access_key_id",
        "SecretAccessKey": "aws_secret_access_key",
        "SessionToken": "aws_session_token",
    }
    return {names[key]: value for key, value in credentials.items() if key in names}


def user_key(**statement: object) -> dict[str, str]:
    iam = client("iam")
    iam.create_user(UserName="user")
    if statement:
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="user", PolicyName="inline", PolicyDocument=document)
    return keys_of(iam.create_access_key(UserName="user")["AccessKey"])


def role(trust: dict[str, object]) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trust}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def current_version() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="old", ClientRequestToken=FIRST)
    sm.put_secret_value(
        SecretId="name",
        SecretString="new",
        ClientRequestToken=SECOND,
        VersionStages=["AWSPENDING"],
    )
    sm.update_secret_version_stage(
        SecretId="name",
        VersionStage="AWSCURRENT",
        MoveToVersionId=SECOND,
        RemoveFromVersionId=FIRST,
    )
    return str(sm.get_secret_value(SecretId="name")["SecretString"])


def version_immutability() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="any")
    version = {"ClientRequestToken": SECOND, "VersionStages": ["AWSPENDING"], "SecretId": "name"}
    sm.put_secret_value(**version, SecretString="value")
    return outcome(sm.put_secret_value, **version, SecretString="other")


def batch_get() -> str:
    secret = client("secretsmanager").create_secret(Name="name", SecretString="value")["ARN"]
    key = user_key(Effect="Allow", Action="secretsmanager:BatchGetSecretValue", Resource="*")
    with enable_iam_authentication():
        found = client("secretsmanager", **key).batch_get_secret_value(SecretIdList=[secret])
    return str(found["SecretValues"][0]["SecretString"])


def secret_values() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="value")
    try:
        sm.get_secret_value(SecretId="name", VersionStage="none")
    except ClientError as error:
        return str(error.response["Error"]["Message"])
    return "let in"


def staging_labels() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", ClientRequestToken=SECOND)
    version = {"SecretId": "name", "SecretString": "value"}
    sm.put_secret_value(**version, ClientRequestToken=FIRST, VersionStages=["AWSCURRENT", "mine"])
    sm.put_secret_value(**version, ClientRequestToken=SECOND)
    return str(sm.describe_secret(SecretId="name")["VersionIdsToStages"][FIRST])


def list_filters() -> int:
    sm = client("secretsmanager")
    sm.create_secret(Name="untagged", SecretString="value")
    return len(sm.list_secrets(Filters=[{"Key": "tag-key", "Values": ["!any"]}])["SecretList"])


def creation_dates() -> int:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="value")
    return int(sm.get_secret_value(SecretId="name")["CreatedDate"].microsecond)


def rotations_without_a_function() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="value")
    return outcome(sm.rotate_secret, SecretId="name")


def rotation_descriptions() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="value")
    sm.rotate_secret(SecretId="name", RotationRules={"ScheduleExpression": "rate(4 hours)"})
    return str(sm.describe_secret(SecretId="name")["RotationRules"])


def version_lists() -> int:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="first", ClientRequestToken=FIRST)
    stages = {"VersionStages": ["mine"]}
    for value in ("second", "third"):
        sm.put_secret_value(SecretId="name", SecretString=value, **stages)
    listed = sm.list_secret_version_ids(SecretId="name")["Versions"]
    return len(listed) - 1


def label_moves() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="first", ClientRequestToken=FIRST)
    stages = {"VersionStages": ["mine"]}
    sm.put_secret_value(SecretId="name", SecretString="second", **stages)
    move = {"VersionStage": "mine", "MoveToVersionId": FIRST}
    return outcome(sm.update_secret_version_stage, SecretId="name", **move)


def access_keys() -> str:
    key = user_key()
    client("sts", **{**key, "aws_secret_access_key": "wrong"}).get_caller_identity()
    name = {"AccessKeyId": key["aws_access_key_id"]}
    used = client("iam").get_access_key_last_used(**name)["AccessKeyLastUsed"]
    return str(used["ServiceName"])


def statuses_of_keys() -> str:
    key = {"UserName": "user", "AccessKeyId": user_key()["aws_access_key_id"]}
    return outcome(client("iam").update_access_key, **key, Status="Expired")


def session_tokens() -> str:
    first, second = (client("sts").get_session_token()["Credentials"] for _ in range(2))
    return "same" if first["AccessKeyId"] == second["AccessKeyId"] else "different"


def parameter_reads() -> str:
    ssm = client("ssm")
    ssm.put_parameter(Name="name", Value="value", Type="SecureString")
    found = ssm.get_parameter(Name="name:1")["Parameter"]
    return f"{found.get('Selector')} {found['Value']}"


def secret_references() -> str:
    client("secretsmanager").create_secret(Name="name", SecretString="value")
    name = "/aws/reference/secretsmanager/name"
    return str(client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Name"])


def bad_secret_names() -> str:
    return outcome(client("secretsmanager").create_secret, Name="a b")


def writes_to_deleted_secrets() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="value")
    sm.delete_secret(SecretId="name")
    return outcome(sm.put_secret_value, SecretId="name", SecretString="other")


def foreign_arns() -> str:
    sm = client("secretsmanager")
    arn = sm.create_secret(Name="name", SecretString="value")["ARN"]
    return outcome(sm.get_secret_value, SecretId=arn[:-7].replace("eu-west-1", "us-east-1"))


def bad_parameter_names() -> str:
    return outcome(client("ssm").put_parameter, Name="/a b", Value="value", Type="String")


def null_members() -> str:
    sm = client("secretsmanager")
    sm.create_secret(Name="name", SecretString="value")
    bodies: list[bytes] = []
    sm.meta.events.register(
        "response-received", lambda response_dict, **_: bodies.append(response_dict["body"])
    )
    sm.describe_secret(SecretId="name")
    return str(b'"NextRotationDate": null' in bodies[0])


def managed_policies() -> str:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    return outcome(client("iam").get_policy, PolicyArn=arn)


def inactive_keys() -> str:
    key = user_key()
    client("iam").update_access_key(
        UserName="user", AccessKeyId=key["aws_access_key_id"], Status="Inactive"
    )
    with enable_iam_authentication():
        return outcome(client("sts", **key).get_caller_identity)


def expired_tokens() -> str:
    answer = client("sts").assume_role(RoleArn=role({"AWS": "*"}), RoleSessionName="here")
    sts_backends[ACCOUNT]["aws"].assumed_roles[-1].expiration = datetime(2020, 1, 1)  # noqa: DTZ001 - as moto's
    with enable_iam_authentication():
        return outcome(client("sts", **keys_of(answer["Credentials"])).get_caller_identity)


def json_error_codes() -> str:
    wrong = {**user_key(), "aws_secret_access_key": "wrong"}
    with enable_iam_authentication():
        return outcome(client("secretsmanager", **wrong).list_secrets)


def resources_of_secrets() -> str:
    secret = client("secretsmanager").create_secret(Name="name", SecretString="value")["ARN"]
    key = user_key(Effect="Allow", Action="secretsmanager:*", Resource=secret)
    with enable_iam_authentication():
        return outcome(client("secretsmanager", **key).get_secret_value, SecretId=secret)


def service_principals() -> str:
    arn = role({"Service": "rolesanywhere.amazonaws.com"})
    key = user_key(Effect="Allow", Action="*", Resource="*")
    with enable_iam_authentication():
        return outcome(client("sts", **key).assume_role, RoleArn=arn, RoleSessionName="here")


def put_event(source: str) -> Any:
    entry = {"Source": source, "DetailType": "test", "Detail": "{}"}
    return client("events").put_events(Entries=[entry])


def sources_of_services() -> int:
    return int(put_event("aws.secretsmanager")["FailedEntryCount"])


def deliveries_of_events() -> str:
    events, topic = client("events"), client("sns").create_topic(Name="topic")["TopicArn"]
    events.put_rule(Name="rule", EventPattern='{"source": ["app"]}')
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": topic}])
    return outcome(put_event, source="app")


def schedules_alone() -> str:
    client("events").put_rule(Name="rule", ScheduleExpression="rate(1 day)")
    rule = events_backends[ACCOUNT]["eu-west-1"].event_buses["default"].rules["rule"]
    return str(rule.event_pattern.matches_event({"source": "app", "detail-type": "", "detail": {}}))


def published(protocol: str, endpoint: str) -> str:
    sns = client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    return outcome(sns.publish, TopicArn=topic, Message="hello")


def unreachable_endpoints() -> str:
    return published("http", "http://127.0.0.1:1/")


def unconfirmed_endpoints() -> str:
    sns = client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    endpoint = {"Protocol": "http", "Endpoint": "http://127.0.0.1:1/"}
    arn = sns.subscribe(TopicArn=topic, **endpoint)["SubscriptionArn"]
    found = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return str(found["PendingConfirmation"])


def queues_that_let_nobody_send() -> int:
    url = str(client("sqs").create_queue(QueueName="queue")["QueueUrl"])
    published("sqs", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:queue")
    return len(client("sqs").receive_message(QueueUrl=url).get("Messages", ()))


def unsigned_requests() -> str:
    unsigned = client("secretsmanager", config=Config(signature_version=UNSIGNED))
    with enable_iam_authentication():
        return outcome(unsigned.list_secrets)


def not_found_status() -> str:
    try:
        client("secretsmanager").get_secret_value(SecretId="none")
    except ClientError as error:
        return str(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return "let in"


def unchecked() -> Any:
    """Make a client that sends what botocore itself would refuse."""
    sm = client("secretsmanager", config=Config(parameter_validation=False))
    sm.create_secret(Name="name", SecretString="value")
    return sm


def empty_version_ids() -> str:
    return outcome(unchecked().get_secret_value, SecretId="name", VersionId="")


def empty_names() -> str:
    return outcome(unchecked().create_secret, Name="")


def missing_secret_ids() -> str:
    return outcome(unchecked().get_secret_value)


PROBES = [
    current_version,
    version_immutability,
    batch_get,
    managed_policies,
    secret_values,
    staging_labels,
    list_filters,
    creation_dates,
    rotations_without_a_function,
    rotation_descriptions,
    version_lists,
    label_moves,
    access_keys,
    statuses_of_keys,
    session_tokens,
    parameter_reads,
    secret_references,
    bad_secret_names,
    writes_to_deleted_secrets,
    foreign_arns,
    bad_parameter_names,
    null_members,
    not_found_status,
    empty_version_ids,
    empty_names,
    missing_secret_ids,
    inactive_keys,
    expired_tokens,
    json_error_codes,
    resources_of_secrets,
    service_principals,
    sources_of_services,
    deliveries_of_events,
    schedules_alone,
    unreachable_endpoints,
    unconfirmed_endpoints,
    queues_that_let_nobody_send,
    unsigned_requests,
]


def main() -> None:
    """Print the answer of every probe, each asked of an empty moto."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    answers = {}
    for probe in PROBES:
        with mock_aws():
            answers[probe.__name__] = probe()
    print(json.dumps(answers))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
