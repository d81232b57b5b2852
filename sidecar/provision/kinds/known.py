"""Every type of resource that can be made by calls."""

from typing import Final

from sidecar.errors import OperatorError
from sidecar.provision.kinds import (
    alarms,
    certificate_authority,
    chat,
    events,
    functions,
    iam,
    messaging,
    roles_anywhere,
    secrets,
    trail,
)
from sidecar.provision.kinds.kind import Kind

_FILES: Final = (
    alarms,
    certificate_authority,
    chat,
    events,
    functions,
    iam,
    messaging,
    roles_anywhere,
    secrets,
    trail,
)
KINDS: Final[dict[str, Kind]] = {name: kind for each in _FILES for name, kind in each.KINDS.items()}


def kind_of(type_name: str) -> Kind:
    """Give what is known of a type; OperatorError for a type that is made by templates only."""
    try:
        return KINDS[type_name]
    except KeyError:
        raise OperatorError(
            f"{type_name} cannot be made by calls", hint="deploy the template instead"
        ) from None
