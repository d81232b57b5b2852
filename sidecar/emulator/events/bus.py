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


class EventBus:
    """The buses of one account, their record, and the threads that deliver."""

    def __init__(self, account: str, functions: Functions, clock: ServiceClock) -> None:
        self._account, self._clock = account, clock
        self.log = EventLog()
        self.lanes = Lanes()
        self._targets = Targets(functions, self._forward)

    def put(self, event: Event, bus: str = DEFAULT_BUS) -> None:
        """Put an event on a bus and return at once; events are matched in the order put."""
        self.log.add(event)
        self.lanes.add(_BUSES, lambda: self._match(event, bus))

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
        for entry in entries:
            self._check_bus(region, _bus_name(entry.get("EventBusName")))
        outcomes = [self._put_entry(entry, region, now) for entry in entries]
        failed = sum("ErrorCode" in each for each in outcomes)
        return json_response(200, {"FailedEntryCount": failed, "Entries": outcomes})

    def _check_bus(self, region: str, name: str) -> None:
        if name not in events_backends[self._account][region].event_buses:
            message = f"Event bus {name} does not exist."
            raise AwsError(400, "ResourceNotFoundException", message)

    def _put_entry(self, entry: Mapping[str, Any], region: str, now: datetime) -> dict[str, str]:
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
        self.put(event, _bus_name(entry.get("EventBusName")))
        return {"EventId": event.id}

    def _forward(self, event: Event, bus_arn: str) -> None:
        arn = Arn.parse(bus_arn)
        sent_on = replace(event, forwarded=True)
        self.log.add(sent_on)
        self.lanes.add(_BUSES, lambda: self._match(sent_on, arn.resource_name, arn.region))

    def _match(self, event: Event, bus: str, region: str = "") -> None:
        backend = events_backends[self._account][region or event.region]
        found = backend.event_buses.get(bus)
        published = event.described()
        for rule in list(found.rules.values()) if found else ():
            # moto takes a rule that has only a schedule for one that matches everything.
            pattern = rule.event_pattern
            if rule.state != _OFF and pattern.dump() and pattern.matches_event(published):
                for target in list(rule.targets):
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


def _moment(sent: object, now: datetime) -> datetime:
    """When an entry says that it happened; now, if it says nothing that is a moment."""
    try:
        return datetime.fromtimestamp(sent, UTC) if isinstance(sent, int | float) else now
    except (OverflowError, ValueError, OSError):
        return now


def _bus_name(name: object) -> str:
    return name.rsplit("/", 1)[-1] if isinstance(name, str) and name else DEFAULT_BUS


def _read(entry: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | dict[str, str]:
    """An entry's source, detail-type and detail, or the refusal of the entry.

    Source: EventBridge API reference, "PutEvents", and "PutEventsResultEntry".
    """
    for name in ("Source", "DetailType", "Detail"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            reason = f"{name} is a required argument."
            return _refused("InvalidArgument", f"Parameter {name} is not valid. Reason: {reason}")
    if entry["Source"].startswith("aws."):
        return _refused("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return _refused("MalformedDetail", "Detail is malformed.")
    return entry["Source"], entry["DetailType"], detail


def _refused(code: str, message: str) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}
