"""Which resources a request touches, as the ARNs that policies name.

Source: Service Authorization Reference, the pages of the services below. A service that is not
below is asked for ``*``, so only a statement with ``"Resource": "*"`` covers it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote
from xml.sax.saxutils import unescape

from moto.iam.models import iam_backends
from moto.secretsmanager.models import secretsmanager_backends

from sidecar.emulator.addressing import Address
from sidecar.emulator.principals import Principal
from sidecar.emulator.request import Request

ANY: Final = "*"
_DELETED_KEY: Final = re.compile(rb"<Key>([^<]*)</Key>")


@dataclass(frozen=True, slots=True)
class Touch:
    """A request taken apart for the question which resources it touches."""

    address: Address
    principal: Principal
    parameters: Mapping[str, Any]

    def text(self, name: str) -> str:
        """One parameter as text; empty when absent."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) else ""

    def arn(self, resource: str, *, regional: bool = True) -> str:
        """An ARN of the addressed service in the principal's account."""
        region = self.address.region if regional else ""
        owner = f"{self.principal.partition}:{self.address.service}:{region}"
        return f"arn:{owner}:{self.principal.account}:{resource}"


def touch_of(request: Request, address: Address, principal: Principal) -> Touch:
    """Collect a request's parameters, wherever its protocol puts them."""
    parameters: dict[str, Any] = dict(address.uri_parameters)
    parameters |= request.json_object() if request.header("X-Amz-Target") else request.form()
    if address.service == "s3":
        parameters["CopySource"] = request.header("x-amz-copy-source")
        keys = _DELETED_KEY.findall(request.body) if address.operation == "DeleteObjects" else []
        parameters["Keys"] = [unescape(key.decode("utf-8", "replace")) for key in keys]
    return Touch(address, principal, parameters)


def copied_arns(touch: Touch) -> list[str]:
    """The object that a copy reads: a further permission beside the one to write."""
    source = unquote(touch.text("CopySource")).partition("?")[0].lstrip("/")
    return [f"arn:{touch.principal.partition}:s3:::{source}"] if source else []


def touched_arns(touch: Touch) -> tuple[str, ...]:
    """The ARNs of every resource touched; ``*`` when the action has none."""
    finder = _FINDERS.get(touch.address.service)
    found = finder(touch) if finder else ()
    return tuple(found) or (ANY,)


def secret_arn(secret_id: str, touch: Touch) -> str:
    """A secret's full ARN; for one that does not exist, its name with six unknown characters."""
    owner, region = touch.principal, touch.address.region
    home = f"arn:{owner.partition}:secretsmanager:{region}:{owner.account}:secret:"
    if secret_id.startswith("arn:") and not secret_id.startswith(home):
        return secret_id
    if known := secretsmanager_backends[owner.account][region].secrets.get(secret_id):
        return str(known.arn)
    return secret_id if secret_id.startswith("arn:") else f"{home}{secret_id}-??????"


def _secrets(touch: Touch) -> list[str]:
    name = touch.text("Name") if touch.address.operation == "CreateSecret" else ""
    secret_id = touch.text("SecretId") or name
    return [secret_arn(secret_id, touch)] if secret_id else []


def _buckets_and_keys(touch: Touch) -> list[str]:
    bucket, key = touch.text("Bucket"), unquote(touch.text("Key"))
    if not bucket:
        return []
    bucket_arn = f"arn:{touch.principal.partition}:s3:::{bucket}"
    if touch.address.operation == "DeleteObjects":
        return [f"{bucket_arn}/{each}" for each in touch.parameters["Keys"]]
    return [f"{bucket_arn}/{key}" if key else bucket_arn]


def _parameters(touch: Touch) -> list[str]:
    names = touch.parameters.get("Names") or [touch.text("Name") or touch.text("Path")]
    return [_parameter_arn(str(name), touch) for name in names if name]


def _parameter_arn(name: str, touch: Touch) -> str:
    """A parameter's ARN, without the version or label that a name may end with."""
    whole = name if name.startswith("arn:") else touch.arn(f"parameter/{name.lstrip('/')}")
    return ":".join(whole.split(":")[:6])


# Operations of IAM that act on the calling user when no UserName is given.
_ON_ONESELF: Final = {
    "ChangePassword",
    "CreateAccessKey",
    "DeleteAccessKey",
    "GetUser",
    "ListAccessKeys",
    "ListMFADevices",
    "UpdateAccessKey",
}


def _iam(touch: Touch) -> list[str]:
    for parameter, kind in (("RoleName", "role"), ("UserName", "user"), ("GroupName", "group")):
        if name := touch.text(parameter):
            return [_iam_arn(kind, name, touch)]
    if touch.text("AccessKeyId") and touch.address.operation == "GetAccessKeyLastUsed":
        return _owner_of_key(touch)
    if touch.text("PolicyArn"):
        return [touch.text("PolicyArn")]
    if touch.address.operation in _ON_ONESELF and touch.principal.session is None:
        return [touch.principal.arn]
    return []


def _iam_arn(kind: str, name: str, touch: Touch) -> str:
    """The ARN with the path of the existing entity, or with the path that is to be created."""
    backend = iam_backends[touch.principal.account][touch.principal.partition]
    if kind == "role":
        entities = {role.name: role for role in list(backend.roles.values())}
    else:
        entities = backend.users if kind == "user" else backend.groups
    if entity := entities.get(name):
        return str(entity.arn)
    return touch.arn(f"{kind}{touch.text('Path') or '/'}{name}", regional=False)


def _owner_of_key(touch: Touch) -> list[str]:
    backend = iam_backends[touch.principal.account][touch.principal.partition]
    key = backend.access_keys.get(touch.text("AccessKeyId"))
    return [_iam_arn("user", key.user_name, touch)] if key and key.user_name else []


def _queue(touch: Touch) -> list[str]:
    name = touch.text("QueueName") or touch.text("QueueUrl").rsplit("/", 1)[-1]
    return [touch.arn(name)] if name else []


def _named_arn(*names: str) -> Callable[[Touch], list[str]]:
    def find(touch: Touch) -> list[str]:
        return [touch.text(name) for name in names if touch.text(name)][:1]

    return find


def _events(touch: Touch) -> list[str]:
    """The buses of PutEvents; what else EventBridge does is asked for with ``*``."""
    if touch.address.operation != "PutEvents":
        return []
    entries = touch.parameters.get("Entries")
    listed = [each for each in entries if isinstance(each, dict)] if entries else []
    names = {str(each.get("EventBusName") or "default") for each in listed}
    return [
        name if name.startswith("arn:") else touch.arn(f"event-bus/{name}")
        for name in sorted(names)
    ]


def _roles_anywhere(touch: Touch) -> list[str]:
    for parameter, kind in (
        ("trustAnchorId", "trust-anchor"),
        ("profileId", "profile"),
        ("crlId", "crl"),
        ("subjectId", "subject"),
    ):
        if identifier := touch.text(parameter):
            return [touch.arn(f"{kind}/{identifier}")]
    return _named_arn("resourceArn")(touch)


_FINDERS: Final[Mapping[str, Callable[[Touch], list[str]]]] = {
    "events": _events,
    "iam": _iam,
    "rolesanywhere": _roles_anywhere,
    "s3": _buckets_and_keys,
    "secretsmanager": _secrets,
    "sns": _named_arn("TopicArn", "ResourceArn"),
    "sqs": _queue,
    "ssm": _parameters,
}
