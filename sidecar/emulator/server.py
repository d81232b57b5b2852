"""The emulator's life: start it, use it, stop it."""

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sidecar import ca
from sidecar.clock import Clock
from sidecar.emulator import moto_patches
from sidecar.emulator.access_keys import AccessKeys, IamDelays
from sidecar.emulator.account import Administrator, own_account
from sidecar.emulator.application import Application
from sidecar.emulator.calls import Calls
from sidecar.emulator.control import Control
from sidecar.emulator.events.bus import EventBus
from sidecar.emulator.events.cloudtrail import CloudTrail
from sidecar.emulator.events.notifier import Notifier, notifying
from sidecar.emulator.faults import Fault, Faults
from sidecar.emulator.known_regions import is_region
from sidecar.emulator.principals import Issued
from sidecar.emulator.role_sessions import RoleSessions
from sidecar.emulator.roles_anywhere.control_plane import ControlPlane
from sidecar.emulator.roles_anywhere.quotas import Quotas
from sidecar.emulator.roles_anywhere.session_log import SessionLog
from sidecar.emulator.roles_anywhere.sessions import SessionService
from sidecar.emulator.roles_anywhere.settings import Settings, Switches
from sidecar.emulator.roles_anywhere.store import Store
from sidecar.emulator.rotation.deployed import Deployed
from sidecar.emulator.rotation.functions import Functions, Handler
from sidecar.emulator.rotation.service import RotationService
from sidecar.emulator.rotation.watcher import Watcher
from sidecar.emulator.service_clock import ServiceClock
from sidecar.emulator.serving import Serving
from sidecar.emulator.user_sessions import UserSessions
from sidecar.errors import OperatorError

_TLS_VALIDITY: Final = timedelta(days=30)
_STRICT: Final = Settings()
# Who listens on every address is reached on loopback; nobody can connect to these.
_EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - names, not a bind


@dataclass(frozen=True, slots=True)
class Options:
    """How to run an emulator; `running_emulator` explains each."""

    host: str
    port: int
    region: str
    tls: bool
    settings: Settings
    clock: Clock | None


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator, for tests and the demo; `ca_pem` is empty without TLS."""

    url: str
    region: str
    administrator: Administrator
    ca_pem: bytes
    control: Control
    serving: Serving

    def calls(self) -> dict[str, int]:
        """How often each ``service.Operation`` was called."""
        return self.control.calls.counts()

    def clear_calls(self) -> None:
        """Count from nothing again."""
        self.control.calls.clear()

    def set_faults(self, *faults: Fault) -> None:
        """Put these faults in force instead of all others; none at all heals everything."""
        self.control.faults.replace(list(faults))

    def refusing_connections(self) -> AbstractContextManager[None]:
        """Refuse connections while the context lasts, and end those that are open."""
        return self.serving.refusing()

    def change_settings(self, **settings: object) -> None:
        """Change how strict Roles Anywhere is or which quotas it keeps; none: as it was started."""
        if settings:
            self.control.switches.change(settings)
        else:
            self.control.switches.reset()

    def session_events(self) -> list[dict[str, Any]]:
        """What came of each CreateSession, oldest first."""
        return self.control.session_log.events()

    def change_iam(self, **delays: object) -> None:
        """Set how late IAM's changes count (see `IamDelays`); none: at once."""
        keys = self.control.keys
        keys.delays = keys.delays.changed(delays) if delays else IamDelays()

    def register_function(self, arn: str, handler: Handler) -> None:
        """Let a callable be the Lambda function with this ARN, for rotations."""
        self.control.rotation.functions.register(arn, handler)

    def wait_for_rotations(self, timeout_seconds: float = 30) -> None:
        """Return once no rotation is under way; TimeoutError when one still is."""
        self.control.rotation.runs.wait(timeout_seconds)

    def rotation_events(self) -> list[dict[str, Any]]:
        """What CloudTrail would have of rotations, oldest first."""
        return self.control.rotation.runs.log.events()

    def change_rotations(self, *, attempts: int) -> None:
        """Set how often a rotation is tried before it has failed."""
        self.control.rotation.runs.attempts = attempts

    def events(self) -> dict[str, Any]:
        """The latest events on the buses, where each went, and how many deliveries failed."""
        return self.control.bus.log.described()

    def clear_events(self) -> None:
        """Forget them, and count from nothing again."""
        self.control.bus.log.clear()

    def wait_for_events(self, timeout_seconds: float = 30) -> None:
        """Return once nothing is left to deliver; TimeoutError when something still is."""
        self.control.bus.lanes.wait(timeout_seconds)

    def move_clock(self, seconds: float) -> None:
        """Set service time this far ahead of its base clock."""
        self.control.clock.move_to_offset(seconds)


@contextmanager
def running_emulator(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    region: str = "us-east-1",
    tls: bool = False,
    settings: Settings = _STRICT,
    clock: Clock | None = None,
) -> Iterator[Emulator]:
    """Run an emulator in a thread of this process.

    It starts empty, in an AWS account of its own, so that several can run in one process; they
    share only the names of buckets. moto's state belongs to the process and moto is patched while
    an emulator runs, so `moto.mock_aws`, which resets all of it, must not be used meanwhile.

    Args:
        host: the address to listen on; loopback, since whoever reaches it is an administrator.
        port: 0 picks a free one; `Emulator.url` tells which.
        region: the administrator's region, and that of requests that name none.
        tls: speak HTTPS, with a certificate of a CA that is made for this run.
        settings: how strict Roles Anywhere is, and which quotas it keeps; `change_settings` of the
            running emulator changes them.
        clock: the base of service time, which decides about expiry of sessions and certificates;
            dates of signatures are always compared with the machine's clock.

    Raises:
        ListenError: the address cannot be had.
        OperatorError: there is no such region.
    """
    options = Options(host, port, region, tls, settings, clock)
    if not is_region(options.region):
        raise OperatorError(
            f"there is no region {options.region}", hint="give a region of AWS, such as us-east-1"
        )
    with moto_patches.applied(), own_account(region) as administrator:
        yield from _running(options, administrator)


def _running(options: Options, administrator: Administrator) -> Iterator[Emulator]:
    clock, roles = ServiceClock(options.clock), RoleSessions()
    deployed = Deployed(roles, clock)
    account = administrator.account
    rotation = RotationService(account, Functions(deployed), clock)
    bus = EventBus(account, rotation.functions, clock)
    trail, notifier = CloudTrail(account, bus), Notifier(bus.log, bus.lanes, clock)
    rotation.runs.log.follow(trail.rotated)
    control = Control(
        administrator=administrator,
        region=options.region,
        calls=Calls(),
        faults=Faults(),
        clock=clock,
        switches=Switches(options.settings),
        session_log=SessionLog(),
        rotation=rotation,
        keys=AccessKeys(),
        bus=bus,
        trail=trail,
        notifier=notifier,
        names=frozenset({options.host.lower()}),
    )
    context, ca_pem = _tls(options, clock) if options.tls else (None, b"")
    serving = Serving(_application(control, roles), options.host, options.port, context)
    clock.on_move(control.rotation.start_due)
    watcher = Watcher(control.rotation.start_due)
    url = f"{'https' if options.tls else 'http'}://{_shown(options.host)}:{serving.port}"
    deployed.endpoint_url, deployed.ca_pem, notifier.endpoint_url = url, ca_pem, url
    try:
        with notifying(account, notifier):
            yield Emulator(url, options.region, control.administrator, ca_pem, control, serving)
    finally:
        watcher.stop()
        control.rotation.runs.stop()
        bus.lanes.stop()
        control.faults.replace([])
        serving.stop()


def _application(control: Control, sessions: RoleSessions) -> Application:
    store, switches = Store(), control.switches
    quotas = Quotas(lambda: switches.settings.quotas)
    return Application(
        control=control,
        session_service=SessionService(
            store, sessions, control.clock, switches, quotas, control.session_log
        ),
        control_plane=ControlPlane(store, control.clock, quotas),
        issued=Issued(sessions, UserSessions(), control.keys),
    )


def _shown(host: str) -> str:
    """A host as clients of this machine may put it into a URL."""
    reachable = _EVERY_ADDRESS.get(host, host)
    return f"[{reachable}]" if ":" in reachable else reachable


def _tls(options: Options, clock: ServiceClock) -> tuple[ssl.SSLContext, bytes]:
    """A server context with a certificate of a CA made for this run, and that CA's certificate."""
    now = clock.wire_now()
    root = ca.create_root(ca.Subject("sidecar emulator"), now=now, validity=_TLS_VALIDITY)
    names = list(dict.fromkeys(["localhost", "127.0.0.1", "::1", "emulator", options.host]))
    certificate, key = ca.issue_server(root, names, now=now, validity=_TLS_VALIDITY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "server.pem")
        path.touch(mode=0o600)
        path.write_bytes(ca.certificate_pem(certificate) + ca.private_key_pem(key))
        context.load_cert_chain(path)
    return context, ca.certificate_pem(root.certificate)
