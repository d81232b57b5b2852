"""A notice as an entry of EventBridge's PutEvents."""

from collections.abc import Mapping
from typing import Final

from sidecar.notice import Notice
from sidecar.notify.presentable import arns, as_json, document, presentable, title

SOURCE: Final = "credential-sidecar"


def entry(notice: Notice, bus: str) -> Mapping[str, object]:
    """Give the entry; it is far below the 256 KB that an entry may have.

    Source: EventBridge API reference, PutEventsRequestEntry.

    Args:
        notice: what happened.
        bus: name or ARN of the event bus.

    """
    return {
        "Time": notice.at,
        "Source": SOURCE,
        "DetailType": title(notice.kind),
        "Detail": as_json(document(notice)),
        "Resources": arns(presentable(notice)),
        "EventBusName": bus,
    }
