"""IAM Roles Anywhere: trust anchors, profiles and lists of revoked certificates."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Properties, Wanted

_SERVICE: Final = "rolesanywhere"
_ABSENT: Final = "ResourceNotFoundException"


@dataclass(frozen=True, slots=True)
class _Noun:
    """How the service calls one of its things, in operations, members and attributes."""

    operation: str
    member: str
    cloudformation: str

    @property
    def identifier(self) -> str:
        return f"{self.member}Id"


_ANCHOR: Final = _Noun("trust_anchor", "trustAnchor", "TrustAnchor")
_PROFILE: Final = _Noun("profile", "profile", "Profile")
_CRL: Final = _Noun("crl", "crl", "Crl")


def _lowered(value: Any) -> Any:
    """Turn CloudFormation's names into those of the service: the first letter is small."""
    if isinstance(value, Mapping):
        return {name[0].lower() + name[1:]: _lowered(each) for name, each in value.items()}
    return [_lowered(each) for each in value] if isinstance(value, list | tuple) else value


def _raised(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name[0].upper() + name[1:]: _raised(each) for name, each in value.items()}
    return [_raised(each) for each in value] if isinstance(value, list | tuple) else value


def _arguments(properties: Properties, *names: str) -> dict[str, Any]:
    return {
        name: value
        for name, value in _lowered(properties).items()
        if name[0].upper() + name[1:] in names
    }


def _found(account: Account, wanted: Wanted, noun: _Noun) -> Found | None:
    """Look for the one of a name that is ours, else for any of that name: names are not unique."""
    operation, name = f"list_{noun.operation}s", wanted.properties["Name"]
    named = [
        each
        for each in account.calls.listed(_SERVICE, operation, f"{noun.member}s")
        if each["name"] == name
    ]
    ours = {each[f"{noun.member}Arn"]: _is_ours(account, each, noun) for each in named}
    for each in sorted(named, key=lambda one: not ours[one[f"{noun.member}Arn"]]):
        return _as_found(account, each, noun, ours=ours[each[f"{noun.member}Arn"]])
    return None


def _is_ours(account: Account, each: Mapping[str, Any], noun: _Noun) -> bool:
    arn = each[f"{noun.member}Arn"]
    return account.owns(account.ask(_SERVICE, "list_tags_for_resource", resourceArn=arn)["tags"])


def _as_found(account: Account, summary: Mapping[str, Any], noun: _Noun, *, ours: bool) -> Found:
    identifier = summary[noun.identifier]
    reply = account.ask(_SERVICE, f"get_{noun.operation}", **{noun.identifier: identifier})
    whole = reply[noun.member]
    properties = _raised(whole)
    if isinstance(data := properties.get("CrlData"), bytes):
        properties["CrlData"] = data.decode(errors="replace")
    attributes = {
        f"{noun.cloudformation}{part}": whole[f"{noun.member}{part}"] for part in ("Id", "Arn")
    }
    return Found(identifier, attributes, properties, ours)


def _switch(
    account: Account, wanted: Wanted, found: Found, changed: frozenset[str], noun: _Noun
) -> None:
    if "Enabled" in changed:
        verb = "enable" if wanted.properties["Enabled"] in (True, "true") else "disable"
        account.ask(_SERVICE, f"{verb}_{noun.operation}", **{noun.identifier: found.ref})


def _delete(noun: _Noun) -> Any:
    def delete(account: Account, found: Found) -> None:
        operation = f"delete_{noun.operation}"
        account.find(_ABSENT, _SERVICE, operation, **{noun.identifier: found.ref})

    return delete


def _create_anchor(account: Account, wanted: Wanted) -> None:
    members = _arguments(wanted.properties, "Name", "Source", "Enabled", "NotificationSettings")
    account.ask(_SERVICE, "create_trust_anchor", tags=account.tags("key", "value"), **members)


def _update_anchor(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    if "Source" in changed:
        members = _arguments(wanted.properties, "Name", "Source")
        account.ask(_SERVICE, "update_trust_anchor", trustAnchorId=found.ref, **members)
    if "NotificationSettings" in changed:
        settings = _arguments(wanted.properties, "NotificationSettings")
        account.ask(_SERVICE, "put_notification_settings", trustAnchorId=found.ref, **settings)
    _switch(account, wanted, found, changed, _ANCHOR)


def _find_anchor(account: Account, wanted: Wanted) -> Found | None:
    found = _found(account, wanted, _ANCHOR)
    settings = wanted.properties.get("NotificationSettings")
    if found is None or settings is None:
        return found
    # AWS adds a setting for each event that was not spoken of.
    held = {each["Event"]: each for each in found.properties.get("NotificationSettings", ())}
    there = [held[each["Event"]] for each in settings if each["Event"] in held]
    properties = {**found.properties, "NotificationSettings": there}
    return Found(found.ref, found.attributes, properties, found.ours)


_PROFILE_MEMBERS: Final = (
    "Name",
    "RoleArns",
    "DurationSeconds",
    "SessionPolicy",
    "AcceptRoleSessionName",
)


def _create_profile(account: Account, wanted: Wanted) -> None:
    members = _arguments(wanted.properties, *_PROFILE_MEMBERS, "Enabled")
    account.ask(_SERVICE, "create_profile", tags=account.tags("key", "value"), **members)


def _update_profile(
    account: Account, wanted: Wanted, found: Found, changed: frozenset[str]
) -> None:
    if changed & {*_PROFILE_MEMBERS}:
        members = _arguments(wanted.properties, *_PROFILE_MEMBERS)
        account.ask(_SERVICE, "update_profile", profileId=found.ref, **members)
    _switch(account, wanted, found, changed, _PROFILE)


def _find_profile(account: Account, wanted: Wanted) -> Found | None:
    return _found(account, wanted, _PROFILE)


def _find_crl(account: Account, wanted: Wanted) -> Found | None:
    found = _found(account, wanted, _CRL)
    return found and replace(found, also_lost="its revocations: who is on it gets in again")


def _create_crl(account: Account, wanted: Wanted) -> None:
    members = _arguments(wanted.properties, "Name", "CrlData", "TrustAnchorArn", "Enabled")
    account.ask(_SERVICE, "import_crl", tags=account.tags("key", "value"), **members)


def _update_crl(account: Account, wanted: Wanted, found: Found, changed: frozenset[str]) -> None:
    if "CrlData" in changed:
        members = _arguments(wanted.properties, "Name", "CrlData")
        account.ask(_SERVICE, "update_crl", crlId=found.ref, **members)
    _switch(account, wanted, found, changed, _CRL)


KINDS: Final = {
    "AWS::RolesAnywhere::TrustAnchor": Kind(
        "Name", _find_anchor, _create_anchor, _update_anchor, _delete(_ANCHOR)
    ),
    "AWS::RolesAnywhere::Profile": Kind(
        "Name", _find_profile, _create_profile, _update_profile, _delete(_PROFILE)
    ),
    "AWS::RolesAnywhere::CRL": Kind(
        "Name",
        _find_crl,
        _create_crl,
        _update_crl,
        _delete(_CRL),
        fixed=frozenset({"TrustAnchorArn"}),
    ),
}
