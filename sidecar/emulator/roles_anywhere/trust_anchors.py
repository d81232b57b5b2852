"""The operations on trust anchors that no other kind of resource has."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from sidecar.emulator.roles_anywhere.call import Call, Operation
from sidecar.emulator.roles_anywhere.entities import TrustAnchor
from sidecar.emulator.roles_anywhere.trust_anchor_checks import check_source

Setting = Mapping[str, Any]

# What AWS sets of its own accord.
_DEFAULT_SETTINGS: Final = tuple(
    {
        "channel": "ALL",
        "configuredBy": "rolesanywhere.amazonaws.com",
        "enabled": True,
        "event": event,
        "threshold": 45,
    }
    for event in ("CA_CERTIFICATE_EXPIRY", "END_ENTITY_CERTIFICATE_EXPIRY")
)


def _create(call: Call) -> object:
    members = call.members
    check_source(members["source"])
    identifier = str(uuid.uuid4())
    anchor = TrustAnchor(
        identifier=identifier,
        arn=call.home.arn("trust-anchor", identifier),
        name=members["name"],
        source=members["source"],
        enabled=members.get("enabled", False),
        notification_settings=_merged(
            _DEFAULT_SETTINGS, members.get("notificationSettings", ()), call
        ),
        created_at=call.now,
        updated_at=call.now,
    )
    call.store.change_tags(anchor.arn, add=call.tags())
    return call.put(anchor)


def _update(call: Call) -> object:
    anchor = call.find(TrustAnchor)
    if "source" in call.members:
        check_source(call.members["source"])
    return call.put(replace(anchor, **call.given(name="name", source="source")))


def _put_settings(call: Call) -> object:
    anchor = call.find(TrustAnchor)
    changed = _merged(anchor.notification_settings, call.members["notificationSettings"], call)
    return call.put(replace(anchor, notification_settings=changed))


def _reset_settings(call: Call) -> object:
    anchor = call.find(TrustAnchor)
    events = {each["event"] for each in call.members["notificationSettingKeys"]}
    kept = tuple(
        default if default["event"] in events else held
        for default, held in zip(_DEFAULT_SETTINGS, anchor.notification_settings, strict=True)
    )
    return call.put(replace(anchor, notification_settings=kept))


def _merged(held: Iterable[Setting], given: Iterable[Setting], call: Call) -> tuple[Setting, ...]:
    """One setting an event, what was given in place of what was there."""
    changes = {each["event"]: each for each in given}
    by_whom = {"configuredBy": call.home.account}
    return tuple(
        {**each, **changes[each["event"]], **by_whom} if each["event"] in changes else each
        for each in held
    )


OPERATIONS: Final[Mapping[str, Operation]] = {
    "CreateTrustAnchor": _create,
    "UpdateTrustAnchor": _update,
    "PutNotificationSettings": _put_settings,
    "ResetNotificationSettings": _reset_settings,
}
