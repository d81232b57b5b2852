"""What Terraform keeps in resources of its own, and CloudFormation within another's properties."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from sidecar.provision.resource import Ref, Resource, Value

Properties: TypeAlias = dict[str, Value]
# Terraform's type, what is added to the logical id, and its properties in CloudFormation's names.
Part: TypeAlias = tuple[str, str, Properties]


def split(resource: Resource) -> tuple[Properties, list[Part]]:
    """Take a resource's properties apart: those that stay with it, and what stands on its own."""
    stays = dict(resource.properties)
    take = _SPLITTERS.get(resource.type)
    return stays, [] if take is None else list(take(resource, stays))


def _role(resource: Resource, stays: Properties) -> Iterator[Part]:
    owner: Properties = {"Role": Ref(resource.logical_id)}
    yield from _inline("aws_iam_role_policy", owner, stays)
    for each in _listed(stays.pop("ManagedPolicyArns", ())):
        yield "aws_iam_role_policy_attachment", "managed", owner | {"PolicyArn": each}


def _user(resource: Resource, stays: Properties) -> Iterator[Part]:
    # Keys that rotations made are no business of Terraform's, but go with the user.
    stays["ForceDestroy"] = True
    yield from _inline("aws_iam_user_policy", {"User": Ref(resource.logical_id)}, stays)


def _inline(kind: str, owner: Properties, stays: Properties) -> Iterator[Part]:
    for each in map(_mapping, _listed(stays.pop("Policies", ()))):
        name = str(each["PolicyName"])
        yield kind, name, owner | {"Name": name, "PolicyDocument": each["PolicyDocument"]}


def _secret(resource: Resource, stays: Properties) -> Iterator[Part]:
    text = stays.pop("SecretString")
    secret = Ref(resource.logical_id)
    # What rotations put there afterwards must neither be read into the state nor be undone.
    kept: Properties = {"IgnoreChanges": ["secret_string", "version_stages"]}
    version: Properties = {"SecretId": secret, "SecretString": text, "Lifecycle": [kept]}
    yield "aws_secretsmanager_secret_version", "user", version


def _rule(resource: Resource, stays: Properties) -> Iterator[Part]:
    for each in map(_mapping, _listed(stays.pop("Targets"))):
        target: Properties = {"Rule": Ref(resource.logical_id), "Arn": each["Arn"]}
        yield "aws_cloudwatch_event_target", str(each["Id"]), target | {"TargetId": each["Id"]}


def _bucket(resource: Resource, stays: Properties) -> Iterator[Part]:
    bucket: Properties = {"Bucket": Ref(resource.logical_id)}
    blocked = _mapping(stays.pop("PublicAccessBlockConfiguration"))
    yield "aws_s3_bucket_public_access_block", "private", bucket | dict(blocked)
    life = _mapping(stays.pop("LifecycleConfiguration"))
    rules: list[Value] = [
        {
            "Id": each["Id"],
            "Status": each["Status"],
            "Filter": [{}],
            "Expiration": [{"Days": each["ExpirationInDays"]}],
        }
        for each in map(_mapping, _listed(life["Rules"]))
    ]
    yield "aws_s3_bucket_lifecycle_configuration", "old", bucket | {"Rule": rules}


def _function(resource: Resource, stays: Properties) -> Iterator[Part]:
    del resource
    stays |= _mapping(stays.pop("Code"))
    yield from ()


def _authority(resource: Resource, stays: Properties) -> Iterator[Part]:
    inner = ("KeyAlgorithm", "SigningAlgorithm", "Subject")
    stays["CertificateAuthorityConfiguration"] = {name: stays.pop(name) for name in inner}
    del resource
    yield from ()


def _activation(resource: Resource, stays: Properties) -> Iterator[Part]:
    del resource, stays["Status"]
    yield from ()


def _rule_of_one(resource: Resource, stays: Properties) -> Iterator[Part]:
    """Terraform's policies are for one topic or queue each, and so are these."""
    del resource
    for name in ("Topics", "Queues"):
        if name in stays:
            (stays[name],) = _listed(stays[name])
    yield from ()


def _alarm(resource: Resource, stays: Properties) -> Iterator[Part]:
    del resource
    dimensions = map(_mapping, _listed(stays["Dimensions"]))
    stays["Dimensions"] = {str(each["Name"]): each["Value"] for each in dimensions}
    yield from ()


_SPLITTERS: Final[Mapping[str, Callable[[Resource, Properties], Iterator[Part]]]] = {
    "AWS::IAM::Role": _role,
    "AWS::IAM::User": _user,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::Events::Rule": _rule,
    "AWS::S3::Bucket": _bucket,
    "AWS::Lambda::Function": _function,
    "AWS::ACMPCA::CertificateAuthority": _authority,
    "AWS::ACMPCA::CertificateAuthorityActivation": _activation,
    "AWS::SNS::TopicPolicy": _rule_of_one,
    "AWS::SQS::QueuePolicy": _rule_of_one,
    "AWS::CloudWatch::Alarm": _alarm,
}


def _listed(value: Value) -> list[Value]:
    if isinstance(value, list | tuple):
        return list(value)
    raise TypeError(f"not a list: {value!r}")


def _mapping(value: Value) -> Mapping[str, Value]:
    if isinstance(value, Mapping):
        return value
    raise TypeError(f"not a mapping: {value!r}")
