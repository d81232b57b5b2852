"""The event buses of an account: rules are matched and targets served behind the caller's back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from moto.events.models import events_backends

from sidecar.arn import Arn
from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError, Response, json_response
from sidecar.emulator.events.event import DEFAULT_BUS, Event
from sidecar.emulator.events.event_log import Delivery, EventLog
from sidecar.emulator.events.inputs import BadInput, input_of
from sidecar.emulator.events.lanes import Lanes
from sidecar.emulator.events.targets import Parcel, Targets
from sidecar.emulator.rotation.functions import Functions
from sidecar.emulator.service_clock import ServiceClock

_BUSES: Final = "buses"
_MOST_ENTRIES: Final = 10
_OFF: Final = "DISABLED"
_ROOM: Final = "more is waiting for this target than the emulator keeps"
_CROWDED: Final = "more is waiting on the buses than the emulator keeps"
_STRANGE: Final = "the rule's pattern is not understood"


class EventBus:
    """The buses of one account, their record, and the threads that deliver."""

    def __init__(self, account: str, functions: Functions, clock: ServiceClock) -> None:
        self._account, self._clock = account, clock
        self.log = EventLog()
        self.lanes = Lanes()
        self._targets = Targets(functions, self._forward)

    def put(self, event: Event, bus: str = DEFAULT_BUS) -> None:
        """Put an event on a bus and return at once; events are matched in the order put."""
        self._take(event, bus, event.region)

    def put_events(self, caller: Caller) -> Response:
        """Answer PutEvents: each entry is taken or refused by itself.

        Raises:
            AwsError: no entries, more than ten, or a bus that does not exist.
        """
        entries = caller.touch.parameters.get("Entries")
        if not _are_entries(entries):
            message = (
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: "
                f"Member must have length between 1 and {_MOST_ENTRIES}"
            )
            raise AwsError(400, "ValidationException", message)
        region, now = caller.touch.address.region, self._clock.now()
        buses = [self._bus_of(entry.get("EventBusName"), region) for entry in entries]
        outcomes = [
            self._put_entry(entry, bus, region, now)
            for entry, bus in zip(entries, buses, strict=True)
        ]
        failed = sum("ErrorCode" in each for each in outcomes)
        return json_response(200, {"FailedEntryCount": failed, "Entries": outcomes})

    def _bus_of(self, said: object, region: str) -> str:
        """The bus that an entry means, by the name or the ARN that its sender was let in for."""
        name = _own_name(str(said or DEFAULT_BUS), region, self._account)
        if name not in events_backends[self._account][region].event_buses:
            message = f"Event bus {name or said} does not exist."
            raise AwsError(400, "ResourceNotFoundException", message)
        return name

    def _put_entry(
        self, entry: Mapping[str, Any], bus: str, region: str, now: datetime
    ) -> dict[str, str]:
        read = _read(entry)
        if isinstance(read, dict):
            return read
        source, detail_type, detail = read
        event = Event(
            source=source,
            detail_type=detail_type,
            detail=detail,
            account=self._account,
            region=region,
            time=_moment(entry.get("Time"), now),
            resources=tuple(entry.get("Resources") or ()),
        )
        self.put(event, bus)
        return {"EventId": event.id}

    def _forward(self, event: Event, bus_arn: str) -> str:
        """Send an event on to a bus of the account, in whatever region, or say why not."""
        arn = Arn.parse(bus_arn)
        bus = arn.resource.partition("/")[2]
        known = events_backends[self._account][arn.region].event_buses
        if arn.account != self._account or bus not in known:
            return f"there is no bus {bus_arn}"
        self._take(replace(event, forwarded=True), bus, arn.region)
        return ""

    def _take(self, event: Event, bus: str, region: str) -> None:
        self.log.add(event)
        if not self.lanes.add(_BUSES, lambda: self._match(event, bus, region)):
            self.log.delivered(event, Delivery("", bus, _CROWDED))

    def _match(self, event: Event, bus: str, region: str) -> None:
        backend = events_backends[self._account][region]
        found = backend.event_buses.get(bus)
        published = event.described()
        for rule in list(found.rules.values()) if found else ():
            try:
                is_meant = _takes(rule, published)
            except Exception:  # noqa: BLE001 - moto's reading of a pattern fails in many ways
                self.log.delivered(event, Delivery(rule.arn, "", _STRANGE))
                continue
            for target in list(rule.targets) if is_meant else ():
                self._serve(event, rule.arn, target)

    def _serve(self, event: Event, rule_arn: str, target: Mapping[str, Any]) -> None:
        def note(problem: str) -> None:
            self.log.delivered(event, Delivery(rule_arn, str(target["Arn"]), problem))

        try:
            arn = Arn.parse(target["Arn"])
            text = input_of(target, event.described(), rule_arn)
        except (BadInput, ValueError) as error:
            note(str(error))
            return
        parcel = Parcel(rule_arn, target, arn, event, text)
        if not self._targets.is_slow(arn):
            self._deliver(parcel, note)
        elif not self.lanes.add(str(arn), lambda: self._deliver(parcel, note)):
            note(_ROOM)

    def _deliver(self, parcel: Parcel, note: Callable[[str], None]) -> None:
        try:
            problem = self._targets.deliver(parcel)
        except Exception as error:  # noqa: BLE001 - moto's refusals have no common base
            problem = f"refused: {type(error).__name__}"
        note(problem)


def _are_entries(value: object) -> TypeGuard[list[dict[str, Any]]]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_ENTRIES:
        return False
    return all(isinstance(each, dict) for each in value)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _moment(sent: object, now: datetime) -> datetime:
    """When an entry says that it happened; now, if it says nothing that is a moment."""
    try:
        return datetime.fromtimestamp(sent, UTC) if isinstance(sent, int | float) else now
    except (OverflowError, ValueError, OSError):
        return now


def _own_name(said: str, region: str, account: str) -> str:
    """The name of a bus here; empty for the ARN of anything else, or of a bus elsewhere."""
    if not said.startswith("arn:"):
        return said
    try:
        arn = Arn.parse(said)
    except ValueError:
        return ""
    kind, _, name = arn.resource.partition("/")
    is_here = (arn.service, arn.region, arn.account) == ("events", region, account)
    return name if is_here and kind == "event-bus" else ""


def _takes(rule: Any, published: Mapping[str, Any]) -> bool:
    # moto takes a rule that has only a schedule for one that matches everything.
    pattern = rule.event_pattern
    return bool(rule.state != _OFF and pattern.dump() and pattern.matches_event(published))


def _read(entry: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | dict[str, str]:
    """An entry's source, detail-type and detail, or the refusal of the entry.

    Source: EventBridge API reference, "PutEvents", and "PutEventsResultEntry".
    """
    for name in ("Source", "DetailType", "Detail"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            reason = f"{name} is a required argument."
            return _refused("InvalidArgument", f"Parameter {name} is not valid. Reason: {reason}")
    if not _are_texts(entry.get("Resources") or []):
        return _refused("InvalidArgument", "Parameter Resources is not valid.")
    if entry["Source"].startswith("aws."):
        return _refused("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        return _refused("MalformedDetail", "Detail is malformed.")
    return entry["Source"], entry["DetailType"], detail


def _refused(code: str, message: str) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}
