"""CloudTrail's part: what happened becomes an event on the default bus, if a trail records it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sidecar.clock import parse_iso_seconds
from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.events.api_calls import Outcome, detail_of, is_told
from sidecar.emulator.events.bus import EventBus
from sidecar.emulator.events.event import Event
from sidecar.emulator.events.trails import is_recorded
from sidecar.emulator.refusals import NotLetIn, as_aws_error
from sidecar.emulator.request import Request

_OF_SERVICES: Final = "AWS Service Event via CloudTrail"
_OF_CALLS: Final = "AWS API Call via CloudTrail"
# Where the events of IAM are, which has one home in each partition.
_HOMES: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_CODE: Final = re.compile(rb'(?:<Code>|"__type": ?"(?:[^"]*#)?)([A-Za-z0-9.]+)')


@dataclass(slots=True)
class Answered:
    """The answer to a call, once there is one."""

    status: int = 0
    body: bytes = field(default=b"", repr=False)

    def outcome(self) -> Outcome:
        """How the call ended."""
        if self.status < 400:  # noqa: PLR2004 - what is below is no error in HTTP
            return Outcome(self.body)
        code = _CODE.search(self.body)
        return Outcome(error_code=code.group(1).decode() if code else "InternalFailure")


class CloudTrail:
    """Tells an account's default bus what a trail records."""

    def __init__(self, account: str, bus: EventBus) -> None:
        self._account, self._bus = account, bus

    def rotated(self, detail: Mapping[str, Any]) -> None:
        """Tell of an event in a rotation's life."""
        region = detail["awsRegion"]
        if self._is_recorded(region):
            self._tell("aws.secretsmanager", _OF_SERVICES, detail, region)

    @contextmanager
    def recording(self, request: Request, caller: Caller) -> Iterator[Answered]:
        """Tell of a call that changes a secret or a key, once it has been answered or refused."""
        answered, address = Answered(), caller.touch.address
        if not is_told(address.service, address.operation):
            yield answered
            return
        try:
            yield answered
        except AwsError as error:
            self._called(request, caller, Outcome(error_code=error.code))
            raise
        except NotLetIn as refused:
            known = as_aws_error(refused, address.protocol)
            self._called(request, caller, Outcome(b"", known.code, known.message))
            raise
        self._called(request, caller, answered.outcome())

    def _called(self, request: Request, caller: Caller, outcome: Outcome) -> None:
        address = caller.touch.address
        is_global = address.service == "iam"
        home = _HOMES.get(caller.principal.partition, address.region)
        region = home if is_global else address.region
        if self._is_recorded(region, of_global_service=is_global):
            agent = request.header("User-Agent")
            detail = detail_of(caller, outcome, region=region, user_agent=agent)
            self._tell(f"aws.{address.service}", _OF_CALLS, detail, region)

    def _is_recorded(self, region: str, *, of_global_service: bool = False) -> bool:
        recorded = is_recorded(self._account, region, of_global_service=of_global_service)
        if not recorded:
            self._bus.log.not_recorded()
        return recorded

    def _tell(self, source: str, kind: str, detail: Mapping[str, Any], region: str) -> None:
        at = parse_iso_seconds(detail["eventTime"])
        self._bus.put(Event(source, kind, detail, self._account, region, at))
