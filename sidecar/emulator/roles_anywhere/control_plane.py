"""Roles Anywhere's control plane, as boto3's ``rolesanywhere`` client speaks it."""

import base64
import binascii
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.model import OperationModel
from moto.core.utils import get_service_model

from sidecar.arn import role_arn
from sidecar.emulator.addressing import UNKNOWN
from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError, Response, json_response
from sidecar.emulator.request import Request
from sidecar.emulator.roles_anywhere.descriptions import describe
from sidecar.emulator.roles_anywhere.store import (
    DEFAULT_DURATION_SECONDS,
    Home,
    Profile,
    Resource,
    Store,
    TrustAnchor,
)
from sidecar.emulator.roles_anywhere.trust_anchor_checks import check_source
from sidecar.emulator.service_clock import ServiceClock
from sidecar.emulator.validation import validate

_PAGE_SIZE: Final = 100
_MAX_TAGS: Final = 200
_KINDS: Final[Mapping[str, tuple[type[Resource], str, str]]] = {
    # API noun: class, kind in the ARN, member that names it in requests
    "TrustAnchor": (TrustAnchor, "trust-anchor", "trustAnchorId"),
    "Profile": (Profile, "profile", "profileId"),
}
# What AWS sets of its own accord when a trust anchor is made without notification settings.
_DEFAULT_NOTIFICATIONS: Final = tuple(
    {
        "channel": "ALL",
        "configuredBy": "rolesanywhere.amazonaws.com",
        "enabled": True,
        "event": event,
        "threshold": 45,
    }
    for event in ("CA_CERTIFICATE_EXPIRY", "END_ENTITY_CERTIFICATE_EXPIRY")
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who, where, with which members."""

    caller: Caller
    home: Home
    members: Mapping[str, Any]


class ControlPlane:
    """Answers the operations of the control plane."""

    def __init__(self, store: Store, clock: ServiceClock) -> None:
        self._store = store
        self._clock = clock
        self._operations: dict[str, Callable[[Call], object]] = {
            "CreateTrustAnchor": self._create_trust_anchor,
            "UpdateTrustAnchor": self._update_trust_anchor,
            "CreateProfile": self._create_profile,
            "UpdateProfile": self._update_profile,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }
        for noun in _KINDS:
            self._operations |= self._common_operations(noun)

    def answer(self, request: Request, caller: Caller) -> Response:
        """Answer one authenticated and authorised request.

        Raises:
            AwsError: ValidationException, ResourceNotFoundException, or 501 for what is missing.
        """
        name = caller.touch.address.operation
        operation = self._operations.get(name)
        if name == UNKNOWN:
            raise AwsError(404, "UnknownOperationException", "no such operation")
        if operation is None:
            raise AwsError(501, "NotImplementedException", f"the emulator does not do {name}")
        model = get_service_model("rolesanywhere").operation_model(name)
        members = _members(model, request, caller)
        principal, region = caller.principal, caller.touch.address.region
        home = Home(principal.partition, region, principal.account)
        return json_response(model.http["responseCode"], operation(Call(caller, home, members)))

    def _common_operations(self, noun: str) -> dict[str, Callable[[Call], object]]:
        return {
            f"Get{noun}": lambda call: describe(self._find(noun, call)),
            f"Delete{noun}": lambda call: self._delete(noun, call),
            f"Enable{noun}": lambda call: self._switch(noun, call, enabled=True),
            f"Disable{noun}": lambda call: self._switch(noun, call, enabled=False),
            f"List{noun}s": lambda call: self._list(noun, call),
        }

    def _find(self, noun: str, call: Call) -> Resource:
        kind, arn_kind, member = _KINDS[noun]
        identifier = call.members[member]
        found = self._store.find(call.home.arn(arn_kind, identifier))
        if not isinstance(found, kind):
            raise AwsError(404, "ResourceNotFoundException", f"{noun} not found: {identifier}")
        return found

    def _delete(self, noun: str, call: Call) -> object:
        found = self._find(noun, call)
        self._store.remove(found.arn)
        return describe(found)

    def _switch(self, noun: str, call: Call, *, enabled: bool) -> object:
        return self._put(replace(self._find(noun, call), enabled=enabled))

    def _put(self, resource: Resource) -> object:
        changed = replace(resource, updated_at=self._clock.now())
        self._store.put(changed)
        return describe(changed)

    def _list(self, noun: str, call: Call) -> object:
        everything = self._store.all_of(_KINDS[noun][0], call.home)
        start = _offset(call.members.get("nextToken"))
        size = int(call.members.get("pageSize") or _PAGE_SIZE)
        page = everything[start : start + size]
        described = [next(iter(describe(each).values())) for each in page]
        answer: dict[str, object] = {f"{noun[0].lower()}{noun[1:]}s": described}
        if start + size < len(everything):
            answer["nextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return answer

    def _create_trust_anchor(self, call: Call) -> object:
        members = call.members
        check_source(members["source"])
        identifier, now = str(uuid.uuid4()), self._clock.now()
        anchor = TrustAnchor(
            identifier=identifier,
            arn=call.home.arn("trust-anchor", identifier),
            name=members["name"],
            source=members["source"],
            enabled=members.get("enabled", False),
            notification_settings=tuple(
                members.get("notificationSettings") or _DEFAULT_NOTIFICATIONS
            ),
            created_at=now,
            updated_at=now,
        )
        self._store.change_tags(anchor.arn, add=_tags(members))
        return self._put(anchor)

    def _update_trust_anchor(self, call: Call) -> object:
        anchor = self._find("TrustAnchor", call)
        if "source" in call.members:
            check_source(call.members["source"])
        return self._put(replace(anchor, **_given(call.members, name="name", source="source")))

    def _create_profile(self, call: Call) -> object:
        members = call.members
        self._check_roles(call)
        identifier, now = str(uuid.uuid4()), self._clock.now()
        profile = Profile(
            identifier=identifier,
            arn=call.home.arn("profile", identifier),
            name=members["name"],
            role_arns=tuple(members["roleArns"]),
            enabled=members.get("enabled", False),
            created_by=call.caller.principal.arn,
            created_at=now,
            updated_at=now,
            duration_seconds=members.get("durationSeconds", DEFAULT_DURATION_SECONDS),
            session_policy=members.get("sessionPolicy"),
            managed_policy_arns=tuple(members.get("managedPolicyArns", ())),
            accept_role_session_name=members.get("acceptRoleSessionName", False),
            require_instance_properties=members.get("requireInstanceProperties", False),
        )
        self._store.change_tags(profile.arn, add=_tags(members))
        return self._put(profile)

    def _update_profile(self, call: Call) -> object:
        profile = self._find("Profile", call)
        self._check_roles(call)
        changes = _given(
            call.members,
            name="name",
            roleArns="role_arns",
            durationSeconds="duration_seconds",
            sessionPolicy="session_policy",
            managedPolicyArns="managed_policy_arns",
            acceptRoleSessionName="accept_role_session_name",
        )
        return self._put(replace(profile, **changes))

    def _check_roles(self, call: Call) -> None:
        """Whoever puts a role into a profile must be allowed to pass it, from its own account."""
        for text in call.members.get("roleArns", ()):
            try:
                arn = role_arn(text)
            except ValueError as error:
                raise AwsError(400, "ValidationException", f"{text}: {error}") from None
            if arn.account != call.home.account:
                problem = f"{text}: a role must be in the profile's account"
                raise AwsError(400, "ValidationException", problem)
            passed_to = {"iam:PassedToService": ("rolesanywhere.amazonaws.com",)}
            call.caller.demand("iam:PassRole", text, passed_to)

    def _tagged(self, call: Call) -> str:
        arn: str = call.members["resourceArn"]
        if self._store.find(arn) is None:
            raise AwsError(404, "ResourceNotFoundException", f"Resource not found: {arn}")
        return arn

    def _tag(self, call: Call) -> object:
        arn = self._tagged(call)
        if len({**self._store.tags(arn), **_tags(call.members)}) > _MAX_TAGS:
            raise AwsError(400, "TooManyTagsException", "Too many tags")
        self._store.change_tags(arn, add=_tags(call.members))
        return {}

    def _untag(self, call: Call) -> object:
        arn = self._tagged(call)
        self._store.change_tags(arn, add={}, drop=tuple(call.members["tagKeys"]))
        return {}

    def _list_tags(self, call: Call) -> object:
        tags = self._store.tags(self._tagged(call))
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def _members(model: OperationModel, request: Request, caller: Caller) -> dict[str, Any]:
    """The members of a request, from path, query string and body, validated."""
    shape = model.input_shape
    if request.body and not request.json_object() and request.body.strip() != b"{}":
        raise AwsError(400, "ValidationException", "Request body must be a JSON object")
    members = {**dict(caller.touch.address.uri_parameters), **request.json_object()}
    known = shape.members if shape is not None else {}
    for name, value in request.query_pairs():
        if name in known:
            is_number = known[name].type_name == "integer" and value.isdigit()
            members[name] = int(value) if is_number else value
    if shape is not None:
        validate(shape, members)
    return members


def _given(members: Mapping[str, Any], **fields: str) -> dict[str, Any]:
    """The members that were given, by the names of the fields that they change."""
    changes = {fields[name]: members[name] for name in fields if name in members}
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in changes.items()
    }


def _tags(members: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in members.get("tags", ())}


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error):
        raise AwsError(400, "ValidationException", "Invalid nextToken") from None
