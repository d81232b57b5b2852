"""The operations on profiles that no other kind of resource has."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sidecar.arn import role_arn
from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.roles_anywhere.attribute_mapping import (
    specifier_problem,
    with_mapping,
    without_mapping,
)
from sidecar.emulator.roles_anywhere.call import Call, Operation, invalid
from sidecar.emulator.roles_anywhere.entities import DEFAULT_DURATION_SECONDS, Profile


def _create(call: Call) -> object:
    members = call.members
    _check_roles(call)
    identifier = str(uuid.uuid4())
    profile = Profile(
        identifier=identifier,
        arn=call.home.arn("profile", identifier),
        name=members["name"],
        role_arns=tuple(members["roleArns"]),
        enabled=members.get("enabled", False),
        created_by=call.caller.principal.arn,
        created_at=call.now,
        updated_at=call.now,
        duration_seconds=members.get("durationSeconds", DEFAULT_DURATION_SECONDS),
        session_policy=members.get("sessionPolicy"),
        managed_policy_arns=tuple(members.get("managedPolicyArns", ())),
        accept_role_session_name=members.get("acceptRoleSessionName", False),
        require_instance_properties=members.get("requireInstanceProperties", False),
    )
    call.store.change_tags(profile.arn, add=call.tags())
    return call.put(profile)


def _update(call: Call) -> object:
    profile = call.find(Profile)
    _check_roles(call)
    changes = call.given(
        name="name",
        roleArns="role_arns",
        durationSeconds="duration_seconds",
        sessionPolicy="session_policy",
        managedPolicyArns="managed_policy_arns",
        acceptRoleSessionName="accept_role_session_name",
    )
    return call.put(replace(profile, **changes))


def _check_roles(call: Call) -> None:
    """Whoever puts a role into a profile must be allowed to pass it, from its own account."""
    for text in call.members.get("roleArns", ()):
        try:
            arn = role_arn(text)
        except ValueError as error:
            raise invalid(f"{text}: {error}") from None
        if arn.account != call.home.account:
            raise invalid(f"{text}: a role must be in the profile's account")
        passed_to = {"iam:PassedToService": ("rolesanywhere.amazonaws.com",)}
        call.caller.demand("iam:PassRole", text, passed_to)


def _put_mapping(call: Call) -> object:
    profile = call.find(Profile)
    field = call.members["certificateField"]
    specifiers = [rule["specifier"] for rule in call.members["mappingRules"]]
    if not specifiers:
        raise invalid("mappingRules must have at least one specifier")
    if len(set(specifiers)) < len(specifiers):
        raise invalid("mappingRules name a specifier twice")
    for specifier in specifiers:
        if problem := specifier_problem(field, specifier):
            raise invalid(problem)
    mappings = with_mapping(profile.attribute_mappings, field, specifiers)
    return call.put(replace(profile, attribute_mappings=mappings))


def _delete_mapping(call: Call) -> object:
    profile = call.find(Profile)
    field, specifiers = call.members["certificateField"], call.members.get("specifiers", ())
    try:
        mappings = without_mapping(profile.attribute_mappings, field, specifiers)
    except LookupError as error:
        missing = f"Attribute mapping not found: {error}"
        raise AwsError(404, "ResourceNotFoundException", missing) from None
    return call.put(replace(profile, attribute_mappings=mappings))


OPERATIONS: Final[Mapping[str, Operation]] = {
    "CreateProfile": _create,
    "UpdateProfile": _update,
    "PutAttributeMapping": _put_mapping,
    "DeleteAttributeMapping": _delete_mapping,
}
