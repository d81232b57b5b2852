"""The emulator's own routes under ``/_emulator``: whatever can be asked or changed from outside.

They hand out an administrator's credentials, so a web page must not reach them through a name of
its own that resolves to this machine (DNS rebinding): only IP literals, ``localhost`` and the names
that the emulator was given are accepted as Host.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Final, TypeGuard

from sidecar.emulator.access_keys import AccessKeys, IamDelays
from sidecar.emulator.account import Administrator
from sidecar.emulator.calls import Calls
from sidecar.emulator.error_shapes import AwsError, Response, json_response
from sidecar.emulator.events.bus import EventBus
from sidecar.emulator.events.cloudtrail import CloudTrail
from sidecar.emulator.events.notifier import Notifier
from sidecar.emulator.faults import Fault, Faults
from sidecar.emulator.json_text import from_json
from sidecar.emulator.request import Request
from sidecar.emulator.roles_anywhere.session_log import SessionLog
from sidecar.emulator.roles_anywhere.settings import Switches
from sidecar.emulator.rotation.service import RotationService
from sidecar.emulator.service_clock import ServiceClock

PREFIX: Final = "/_emulator/"
_LOCAL_NAMES: Final = frozenset({"localhost", "emulator"})
_LARGEST_OFFSET_SECONDS: Final = 100 * 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Control:
    """Everything that can be asked or changed from outside."""

    administrator: Administrator
    region: str
    calls: Calls
    faults: Faults
    clock: ServiceClock
    switches: Switches
    session_log: SessionLog
    rotation: RotationService
    keys: AccessKeys
    bus: EventBus
    trail: CloudTrail
    notifier: Notifier
    names: frozenset[str] = frozenset()

    def answer(self, request: Request) -> Response:
        """Answer one control request.

        Raises:
            AwsError: a Host that is not local, an unknown route or method, or a bad body.
        """
        if not self._is_local(request.header("Host")):
            raise AwsError(403, "Forbidden", "this Host may not use the control routes")
        methods = ROUTES.get(request.raw_path.removeprefix(PREFIX))
        if methods is None:
            raise AwsError(404, "NotFound", f"no such control route; there are {sorted(ROUTES)}")
        action = methods.get(request.method)
        if action is None:
            raise AwsError(405, "MethodNotAllowed", f"this route takes {', '.join(methods)}")
        return json_response(200, action(self, request))

    def _is_local(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower() in _LOCAL_NAMES | self.names:
            return True
        try:
            ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True


def _show_health(_control: Control, _request: Request) -> object:
    return {"status": "ok"}


def _show_administrator(control: Control, _request: Request) -> object:
    return {
        "AccessKeyId": control.administrator.access_key_id,
        "SecretAccessKey": control.administrator.secret_access_key.reveal(),
        "Region": control.region,
    }


def _show_calls(control: Control, _request: Request) -> object:
    return control.calls.counts()


def _clear_calls(control: Control, _request: Request) -> object:
    control.calls.clear()
    return {}


def _set_faults(control: Control, request: Request) -> object:
    value = _json(request)
    try:
        faults = [Fault.parse(each) for each in (value if isinstance(value, list) else [value])]
    except ValueError as error:
        raise AwsError(400, "BadRequest", str(error)) from None
    control.faults.replace(faults)
    return {"faults": len(faults)}


def _clear_faults(control: Control, _request: Request) -> object:
    control.faults.replace([])
    return {"faults": 0}


def _show_clock(control: Control, _request: Request) -> object:
    return {
        "offset_seconds": control.clock.offset_seconds,
        "now": control.clock.now().isoformat(timespec="seconds"),
    }


def _move_clock(control: Control, request: Request) -> object:
    value = _json(request)
    offset = value.get("offset_seconds") if isinstance(value, dict) else None
    if not _is_offset(offset):
        raise AwsError(400, "BadRequest", "offset_seconds must be a number of seconds")
    control.clock.move_to_offset(offset)
    return _show_clock(control, request)


def _is_offset(value: object) -> TypeGuard[float]:
    # Python reads NaN as JSON; it compares as false with everything, so it is not let in here.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _LARGEST_OFFSET_SECONDS


def _reset_clock(control: Control, request: Request) -> object:
    control.clock.move_to_offset(0)
    return _show_clock(control, request)


def _show_settings(control: Control, _request: Request) -> object:
    settings = control.switches.settings
    return {"strict": settings.strict, "quotas": dict(settings.quotas)}


def _change_settings(control: Control, request: Request) -> object:
    try:
        control.switches.change(_json(request))
    except ValueError as error:
        raise AwsError(400, "BadRequest", str(error)) from None
    return _show_settings(control, request)


def _reset_settings(control: Control, request: Request) -> object:
    control.switches.reset()
    return _show_settings(control, request)


def _show_sessions(control: Control, _request: Request) -> object:
    return control.session_log.events()


def _clear_sessions(control: Control, _request: Request) -> object:
    control.session_log.clear()
    return []


def _show_rotations(control: Control, _request: Request) -> object:
    return control.rotation.runs.log.events()


def _change_rotations(control: Control, request: Request) -> object:
    value = _json(request)
    attempts = value.get("attempts") if isinstance(value, dict) else None
    if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
        raise AwsError(400, "BadRequest", "attempts must be a whole number from 1")
    control.rotation.runs.attempts = attempts
    return {"attempts": attempts}


def _clear_rotations(control: Control, _request: Request) -> object:
    control.rotation.runs.log.clear()
    return []


def _show_events(control: Control, _request: Request) -> object:
    return control.bus.log.described()


def _clear_events(control: Control, request: Request) -> object:
    control.bus.log.clear()
    return _show_events(control, request)


def _show_iam(control: Control, _request: Request) -> object:
    return asdict(control.keys.delays)


def _change_iam(control: Control, request: Request) -> object:
    try:
        control.keys.delays = control.keys.delays.changed(_json(request))
    except ValueError as error:
        raise AwsError(400, "BadRequest", str(error)) from None
    return _show_iam(control, request)


def _reset_iam(control: Control, request: Request) -> object:
    control.keys.delays = IamDelays()
    return _show_iam(control, request)


def _json(request: Request) -> object:
    try:
        value: object = from_json(request.body)
    except ValueError:
        raise AwsError(400, "BadRequest", "the body must be JSON") from None
    return value


# What there is under the prefix; docs/emulator.md is compared with it.
ROUTES: Final[Mapping[str, Mapping[str, Callable[[Control, Request], object]]]] = {
    "health": {"GET": _show_health},
    "admin": {"GET": _show_administrator},
    "calls": {"GET": _show_calls, "DELETE": _clear_calls},
    "faults": {"PUT": _set_faults, "DELETE": _clear_faults},
    "clock": {"GET": _show_clock, "PUT": _move_clock, "DELETE": _reset_clock},
    "roles-anywhere": {
        "GET": _show_settings,
        "PUT": _change_settings,
        "DELETE": _reset_settings,
    },
    "roles-anywhere/sessions": {"GET": _show_sessions, "DELETE": _clear_sessions},
    "events": {"GET": _show_events, "DELETE": _clear_events},
    "iam": {"GET": _show_iam, "PUT": _change_iam, "DELETE": _reset_iam},
    "rotations": {
        "GET": _show_rotations,
        "PUT": _change_rotations,
        "DELETE": _clear_rotations,
    },
}
