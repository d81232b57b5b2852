"""Which service and operation a request is for, and in which protocol to answer it."""

import re
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request as MotoRequest
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

from sidecar.emulator.error_shapes import Protocol
from sidecar.emulator.request import Request
from sidecar.emulator.service_models import model_name, model_of

UNKNOWN: Final = "Unknown"
_SCOPE: Final = re.compile(r"Credential=[^/,]+/\d{8}/([^/,]+)/([^/,]+)/aws4_request")
# Unsigned requests name no service; these prefixes and versions do it for the usual ones.
_TARGETS: Final = {
    "AmazonSSM": "ssm",
    "AmazonSQS": "sqs",
    "AWSEvents": "events",
    "DynamoDB_20120810": "dynamodb",
    "Logs_20140328": "logs",
    "TrentService": "kms",
}
_VERSIONS: Final = {"2010-05-08": "iam", "2011-06-15": "sts", "2010-03-31": "sns"}
_ROLES_ANYWHERE_PATH: Final = re.compile(
    r"/(sessions|trustanchors?|profiles?|crls?|subjects?|TagResource|UntagResource"
    r"|ListTagsForResource|(put|reset)-notifications-settings)(/.*)?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes: service by its signing name, operation by its API name."""

    service: str
    operation: str
    region: str
    protocol: Protocol
    uri_parameters: tuple[tuple[str, str], ...] = ()


def address_of(request: Request, *, default_region: str) -> Address:
    """Work out service, operation and protocol, as far as a request tells them."""
    region, service = _scope_of(request) or (default_region, _guessed_service(request))
    protocol = _protocol_of(request, service)
    operation, parameters = _operation_of(request, service)
    return Address(service, operation, region, protocol, parameters)


def is_create_session(request: Request) -> bool:
    """Whether a request is for Roles Anywhere's ``/sessions`` rather than for a bucket."""
    signed_for = _scope_of(request)
    return request.raw_path == "/sessions" and (signed_for is None or signed_for[1] != "s3")


def _scope_of(request: Request) -> tuple[str, str] | None:
    text = request.header("Authorization")
    if not text:
        credential = dict(request.query_pairs()).get("X-Amz-Credential", "")
        text = f"Credential={credential}"
    found = _SCOPE.search(text)
    return (found.group(1), found.group(2).lower()) if found else None


def _guessed_service(request: Request) -> str:
    if target := request.header("X-Amz-Target"):
        prefix = target.split(".")[0]
        return _TARGETS.get(prefix, prefix.lower())
    form = request.form()
    if "Action" in form:
        return _VERSIONS.get(form.get("Version", ""), "sts")
    if _ROLES_ANYWHERE_PATH.fullmatch(request.raw_path):
        return "rolesanywhere"
    return "s3"


def _protocol_of(request: Request, service: str) -> Protocol:
    if service == "s3":
        return Protocol.S3
    if service == "ec2":
        return Protocol.EC2
    if request.header("X-Amz-Target"):
        return Protocol.JSON
    if "Action" in request.form():
        return Protocol.QUERY
    model = model_of(service)
    return Protocol.REST_XML if model and model.protocol == "rest-xml" else Protocol.REST_JSON


def _operation_of(request: Request, service: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    if is_create_session(request):
        return "CreateSession", ()
    if target := request.header("X-Amz-Target"):
        return target.rsplit(".", 1)[-1], ()
    if action := request.form().get("Action"):
        return action, ()
    return _rest_operation(request, service)


def _rest_operation(request: Request, service: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    try:
        router = get_service_router(model_name(service))
        operation, found = router.match(MotoRequest(dict(request.environ)))
    except (NotFound, NotImplementedError, UnknownServiceError):
        return UNKNOWN, ()
    parameters: dict[str, Any] = found
    return operation.name, tuple((key, str(value)) for key, value in parameters.items())
