"""An event as EventBridge hands it on, whoever it comes from."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sidecar.clock import iso_seconds

DEFAULT_BUS: Final = "default"


@dataclass(frozen=True, slots=True)
class Event:
    """One event on a bus; `forwarded` came from another bus, and goes to no third one."""

    source: str
    detail_type: str
    detail: Mapping[str, Any]
    account: str
    region: str
    time: datetime
    resources: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    forwarded: bool = False

    def described(self) -> dict[str, Any]:
        """The event with the members that rules match and targets get.

        Source: EventBridge user guide, "Events in Amazon EventBridge", "Event structure".
        """
        return {
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": self.account,
            "time": iso_seconds(self.time),
            "region": self.region,
            "resources": list(self.resources),
            "detail": dict(self.detail),
        }
