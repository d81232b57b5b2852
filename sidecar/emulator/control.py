"""The emulator's own routes under ``/_emulator``: health, administrator, calls, faults, clock.

They hand out an administrator's credentials, so a web page must not reach them through a name of
its own that resolves to this machine (DNS rebinding): only IP literals, ``localhost`` and the names
that the emulator was given are accepted as Host.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from sidecar.emulator.account import Administrator
from sidecar.emulator.calls import Calls
from sidecar.emulator.error_shapes import AwsError, Response, json_response
from sidecar.emulator.faults import Fault, Faults
from sidecar.emulator.request import Request
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
    names: frozenset[str] = frozenset()

    def answer(self, request: Request) -> Response:
        """Answer one control request.

        Raises:
            AwsError: a Host that is not local, an unknown route or method, or a bad body.
        """
        if not self._is_local(request.header("Host")):
            raise AwsError(403, "Forbidden", "this Host may not use the control routes")
        name = request.raw_path.removeprefix(PREFIX)
        routes = self._routes()
        if name not in routes:
            raise AwsError(404, "NotFound", f"no such control route; there are {sorted(routes)}")
        action = routes[name].get(request.method)
        if action is None:
            allowed = ", ".join(routes[name])
            raise AwsError(405, "MethodNotAllowed", f"this route takes {allowed}")
        return json_response(200, action(request))

    def _routes(self) -> dict[str, dict[str, Callable[[Request], object]]]:
        return {
            "health": {"GET": lambda _: {"status": "ok"}},
            "admin": {"GET": self._show_administrator},
            "calls": {"GET": lambda _: self.calls.counts(), "DELETE": self._clear_calls},
            "faults": {"PUT": self._set_faults, "DELETE": self._clear_faults},
            "clock": {
                "GET": lambda _: self._show_clock(),
                "PUT": self._move_clock,
                "DELETE": self._reset_clock,
            },
        }

    def _is_local(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdigit() else host
        if name.lower() in _LOCAL_NAMES | self.names:
            return True
        try:
            ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True

    def _show_administrator(self, _: Request) -> object:
        return {
            "AccessKeyId": self.administrator.access_key_id,
            "SecretAccessKey": self.administrator.secret_access_key.reveal(),
            "Region": self.region,
        }

    def _clear_calls(self, _: Request) -> object:
        self.calls.clear()
        return {}

    def _set_faults(self, request: Request) -> object:
        value = _json(request)
        try:
            faults = [Fault.parse(each) for each in (value if isinstance(value, list) else [value])]
        except ValueError as error:
            raise AwsError(400, "BadRequest", str(error)) from None
        self.faults.replace(faults)
        return {"faults": len(faults)}

    def _clear_faults(self, _: Request) -> object:
        self.faults.replace([])
        return {"faults": 0}

    def _show_clock(self) -> object:
        return {
            "offset_seconds": self.clock.offset_seconds,
            "now": self.clock.now().isoformat(timespec="seconds"),
        }

    def _move_clock(self, request: Request) -> object:
        value = _json(request)
        offset = value.get("offset_seconds") if isinstance(value, dict) else None
        if not isinstance(offset, int | float) or abs(offset) > _LARGEST_OFFSET_SECONDS:
            raise AwsError(400, "BadRequest", "offset_seconds must be a number of seconds")
        self.clock.move_to_offset(offset)
        return self._show_clock()

    def _reset_clock(self, _: Request) -> object:
        self.clock.move_to_offset(0)
        return self._show_clock()


def _json(request: Request) -> object:
    try:
        value: object = json.loads(request.body)
    except ValueError:
        raise AwsError(400, "BadRequest", "the body must be JSON") from None
    return value
