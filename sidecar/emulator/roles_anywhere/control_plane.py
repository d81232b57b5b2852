"""Roles Anywhere's control plane, as boto3's ``rolesanywhere`` client speaks it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from botocore.model import OperationModel, Shape
from moto.core.utils import get_service_model

from sidecar.emulator.addressing import UNKNOWN
from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError, Response, json_response
from sidecar.emulator.request import Request
from sidecar.emulator.roles_anywhere import crls, profiles, trust_anchors
from sidecar.emulator.roles_anywhere.call import NOUNS, Call, Operation, invalid
from sidecar.emulator.roles_anywhere.descriptions import describe, summarise
from sidecar.emulator.roles_anywhere.entities import Crl, Home, Profile, Resource, TrustAnchor
from sidecar.emulator.roles_anywhere.quotas import Quotas
from sidecar.emulator.roles_anywhere.store import Store
from sidecar.emulator.service_clock import ServiceClock
from sidecar.emulator.validation import validate

_PAGE_SIZE: Final = 100
_MAX_TAGS: Final = 200
# Subjects come and go with CreateSession; nobody makes, switches or deletes them.
_SWITCHED: Final[tuple[type[TrustAnchor | Profile | Crl], ...]] = (TrustAnchor, Profile, Crl)


class ControlPlane:
    """Answers the operations of the control plane."""

    def __init__(self, store: Store, clock: ServiceClock, quotas: Quotas) -> None:
        self._store = store
        self._clock = clock
        self._quotas = quotas

    def answer(self, request: Request, caller: Caller) -> Response:
        """Answer one authenticated and authorised request.

        Raises:
            AwsError: ThrottlingException, ValidationException, ResourceNotFoundException, or what
                else the operation refuses with.
        """
        name = caller.touch.address.operation
        operation = OPERATIONS.get(name)
        if name == UNKNOWN or operation is None:
            raise AwsError(404, "UnknownOperationException", "no such operation")
        principal, region = caller.principal, caller.touch.address.region
        home, now = Home(principal.partition, region, principal.account), self._clock.now()
        self._quotas.take(home, name, now)
        model = get_service_model("rolesanywhere").operation_model(name)
        members = _members(model, request, caller)
        answer = operation(Call(caller, home, members, self._store, now))
        return json_response(model.http["responseCode"], answer)


def _get(kind: type[Resource]) -> Operation:
    return lambda call: describe(call.find(kind))


def _delete(kind: type[Resource]) -> Operation:
    def delete(call: Call) -> object:
        found = call.find(kind)
        call.store.remove(found.arn)
        return describe(found)

    return delete


def _switch(kind: type[TrustAnchor | Profile | Crl], *, enabled: bool) -> Operation:
    return lambda call: call.put(replace(call.find(kind), enabled=enabled))


def _list(kind: type[Resource]) -> Operation:
    def listed(call: Call) -> object:
        everything = call.store.all_of(kind, call.home)
        start = _offset(call.members.get("nextToken"))
        end = start + int(call.members.get("pageSize") or _PAGE_SIZE)
        answer: dict[str, object] = {
            NOUNS[kind].list_member: [summarise(each) for each in everything[start:end]]
        }
        if end < len(everything):
            answer["nextToken"] = base64.urlsafe_b64encode(str(end).encode()).decode()
        return answer

    return listed


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error):
        raise invalid("Invalid nextToken") from None


def _tagged(call: Call) -> str:
    arn: str = call.members["resourceArn"]
    if call.store.find(arn) is None:
        raise AwsError(404, "ResourceNotFoundException", f"Resource not found: {arn}")
    return arn


def _tag(call: Call) -> object:
    arn = _tagged(call)
    if len({**call.store.tags(arn), **call.tags()}) > _MAX_TAGS:
        raise AwsError(400, "TooManyTagsException", "Too many tags")
    call.store.change_tags(arn, add=call.tags())
    return {}


def _untag(call: Call) -> object:
    call.store.change_tags(_tagged(call), add={}, drop=tuple(call.members["tagKeys"]))
    return {}


def _list_tags(call: Call) -> object:
    tags = call.store.tags(_tagged(call))
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def _operations() -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for kind, noun in NOUNS.items():
        found |= {f"Get{noun.api}": _get(kind), f"List{noun.api}s": _list(kind)}
    for switched in _SWITCHED:
        api = NOUNS[switched].api
        found |= {
            f"Delete{api}": _delete(switched),
            f"Enable{api}": _switch(switched, enabled=True),
            f"Disable{api}": _switch(switched, enabled=False),
        }
    found |= {"TagResource": _tag, "UntagResource": _untag, "ListTagsForResource": _list_tags}
    return {**found, **trust_anchors.OPERATIONS, **profiles.OPERATIONS, **crls.OPERATIONS}


# Every operation of the service's description; a test compares the two.
OPERATIONS: Final[Mapping[str, Operation]] = _operations()


def _members(model: OperationModel, request: Request, caller: Caller) -> dict[str, Any]:
    """The members of a request, from path, query string and body, validated."""
    shape = model.input_shape
    if request.body and not request.json_object() and request.body.strip() != b"{}":
        raise invalid("Request body must be a JSON object")
    members = {**dict(caller.touch.address.uri_parameters), **request.json_object()}
    if shape is not None:
        members |= _from_query(shape.members, request.query_pairs())
        validate(shape, members)
    return members


def _from_query(known: Mapping[str, Shape], pairs: list[tuple[str, str]]) -> dict[str, object]:
    """The members in a query string; what is a list may be there more than once."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        kind = known[name].type_name if name in known else ""
        if kind == "list":
            members.setdefault(name, []).append(value)
        elif kind:
            members[name] = int(value) if kind == "integer" and value.isdigit() else value
    return members
