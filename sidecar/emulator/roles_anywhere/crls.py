"""The operations on certificate revocation lists that no other kind of resource has."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sidecar.emulator.roles_anywhere.call import Call, Operation, invalid
from sidecar.emulator.roles_anywhere.crl_checks import check_crl
from sidecar.emulator.roles_anywhere.entities import Crl, TrustAnchor


def _import(call: Call) -> object:
    members, data = call.members, call.blob("crlData")
    check_crl(data, _anchor(call, members["trustAnchorArn"]).pem)
    identifier = str(uuid.uuid4())
    crl = Crl(
        identifier=identifier,
        arn=call.home.arn("crl", identifier),
        name=members["name"],
        data=data,
        enabled=members.get("enabled", False),
        trust_anchor_arn=members["trustAnchorArn"],
        created_at=call.now,
        updated_at=call.now,
    )
    call.store.change_tags(crl.arn, add=call.tags())
    return call.put(crl)


def _update(call: Call) -> object:
    crl = call.find(Crl)
    changes = call.given(name="name")
    if "crlData" in call.members:
        changes["data"] = call.blob("crlData")
        check_crl(changes["data"], _anchor(call, crl.trust_anchor_arn).pem)
    return call.put(replace(crl, **changes))


def _anchor(call: Call, arn: str) -> TrustAnchor:
    """The anchor must be the caller's; ImportCrl's description has no ResourceNotFoundException."""
    found = call.store.find(arn)
    if not isinstance(found, TrustAnchor) or not arn.startswith(call.home.arn("trust-anchor", "")):
        raise invalid(f"Trust anchor not found: {arn}")
    return found


OPERATIONS: Final[Mapping[str, Operation]] = {
    "ImportCrl": _import,
    "UpdateCrl": _update,
}
