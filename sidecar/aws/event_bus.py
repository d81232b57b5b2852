"""Putting events on a bus of Amazon EventBridge."""

from collections.abc import Mapping
from typing import Any, Final

from sidecar.aws.boto_service import ONE_ATTEMPT, BotoService, Call, EndpointOf
from sidecar.aws.failed_calls import refused
from sidecar.aws.reply_text import text_of
from sidecar.credentials import Credentials

# What an entry that was not taken would have had as a request of its own.
_CLIENT_ERROR: Final = 400


class EventBus:
    """One bus.

    Args:
        name: its name or ARN.
        region: its region.
        endpoint_of: from ``events`` and a region to the address; ValueError where AWS has none.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.

    """

    def __init__(
        self, name: str, region: str, endpoint_of: EndpointOf, *, ca_bundle: str | None
    ) -> None:
        self._name = name
        self._region = region
        self._service = BotoService(
            "events", endpoint_of, ca_bundle=ca_bundle, boto_config=ONE_ATTEMPT
        )

    async def put(self, entry: Mapping[str, object], credentials: Credentials) -> None:
        """Put one event; the permission is ``events:PutEvents``.

        Args:
            entry: as in PutEventsRequestEntry, with the bus.
            credentials: what the request is signed with.

        Raises:
            UpstreamRefused: AWS said no: there is no such bus, or access is denied.
            UpstreamUnavailable: no client, no answer, 5xx, throttling, or credentials that just
                expired.

        """
        call = Call("PutEvents", self._name, {"Entries": [entry]})
        failure = await self._service.ask(call, _failure, credentials, region=self._region)
        if failure is not None:
            raise refused(*failure, _CLIENT_ERROR)


def _failure(reply: Mapping[str, Any]) -> tuple[str, str] | None:
    """Give code and sentence of an entry that was not taken; the request itself went well."""
    [entry] = reply["Entries"]
    if reply["FailedEntryCount"]:
        return text_of(entry, "ErrorCode"), text_of(entry, "ErrorMessage")
    text_of(entry, "EventId")
    return None
