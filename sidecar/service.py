"""The composition root: a configuration goes in, open doors come out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sidecar.app_sessions import AppSessions
from sidecar.audit.event import AuditLog, NoAudit
from sidecar.aws.forwarding import PLACES, Forwarder
from sidecar.aws.http import http_client
from sidecar.background import Background
from sidecar.clock import Clock
from sidecar.config.load import Loaded
from sidecar.config.role_sources import RolesAnywhereSection
from sidecar.config.schema import Config
from sidecar.delivery.files import DeliveredFiles
from sidecar.door_graph import Behind, build_doors
from sidecar.errors import IdentityError
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.living_access import LivingAccess
from sidecar.preflight import Prepared
from sidecar.providers.refreshing import RefreshingRole
from sidecar.readiness import Readiness
from sidecar.reloading import Reloading
from sidecar.role_graph import RoleGraph, build_role_graph, endpoint_of
from sidecar.secret_changes import build_changes
from sidecar.secret_graph import SecretGraph, build_secrets
from sidecar.signing.x509 import CertifiedKey
from sidecar.web.ledger import Ledger
from sidecar.web.listener import DEFAULT_LIMITS, ConnectionLimits, OpenDoor, open_doors

NO_AUDIT = NoAudit()


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A running sidecar.

    Args:
        doors: its open doors.
        broken: a future that ends only if something broke.
        reloading: reads again who is let in, certificate, key and tokens.
        access: who is let in, with which sessions.
        roles: the sessions that the sidecar itself uses, by role.
        secrets: the caches.

    """

    doors: tuple[OpenDoor, ...]
    broken: "asyncio.Future[None]"
    reloading: Reloading
    access: LivingAccess
    roles: Mapping[str, RefreshingRole]
    secrets: SecretGraph


@asynccontextmanager
async def running_sidecar(
    config: Config,
    prepared: Prepared,
    clock: Clock,
    *,
    limits: ConnectionLimits = DEFAULT_LIMITS,
    read_again: Callable[[], Loaded] | None = None,
    audit: AuditLog = NO_AUDIT,
) -> AsyncIterator[Sidecar]:
    """Open the doors and keep everything behind them fresh until the block is left, drained.

    Args:
        config: the checked configuration.
        prepared: identity and tokens.
        clock: the wall clock.
        limits: what connections to the doors may take up.
        read_again: reads the configuration for a reload; without it only files are read again.
        audit: where decisions are put down.

    Raises:
        ConfigError: a region that no service is known in.
        ListenError: an address is taken.
        OperatorError: a token file cannot be written.

    """
    async with AsyncExitStack() as stack:
        held = prepared.held_identity(clock)
        http = await stack.enter_async_context(http_client(config.aws.ca_bundle))
        graph = build_role_graph(config, http, _signing_key(held), clock)
        secrets = build_secrets(config, graph.roles, clock)
        stack.push_async_callback(secrets.close)
        changes = build_changes(config, secrets, secrets.replies, clock)
        files = DeliveredFiles(prepared.files, secrets.reader_of, secrets.values(), clock)
        background = Background()
        stack.push_async_callback(background.close)  # before what it uses is closed
        access = _access(config, prepared, graph, background, clock)
        readiness = Readiness(access, held, secrets, changes, files, clock)
        ledger_of = partial(_ledger, audit, clock)
        forwarder = await _forwarder(config, stack)
        most = limits.max_connections
        behind = Behind(config, access, secrets, changes, forwarder, ledger_of, most)
        doors = build_doors(behind, readiness, clock)
        opened = await stack.enter_async_context(open_doors(doors, ledger_of, limits=limits))
        if held is not None:
            _renew_with(held, config, access.sessions)
            background.start(held.run())
        access.start()
        background.start_all((*secrets.background(), *changes.background(), files.run()))
        reloading = Reloading(config, read_again, prepared.environment, access, held, clock)
        yield Sidecar(opened, background.broken, reloading, access, graph.roles, secrets)


def _ledger(audit: AuditLog, clock: Clock, door: str) -> Ledger:
    return Ledger(door, audit, clock)


async def _forwarder(config: Config, stack: AsyncExitStack) -> Forwarder:
    """Make the aws-api door's own way to AWS, so that sessions are not kept waiting by it."""
    client = http_client(config.aws.ca_bundle, connections=PLACES)
    return Forwarder(await stack.enter_async_context(client), partial(endpoint_of, aws=config.aws))


def _signing_key(held: HeldIdentity | None) -> Callable[[], CertifiedKey]:
    """Give what roles sign with; where nothing is signed, no identity is held."""

    def none() -> CertifiedKey:
        raise IdentityError("no identity is configured", hint="add [identity]")

    return none if held is None else held.key


def _access(
    config: Config, prepared: Prepared, graph: RoleGraph, background: Background, clock: Clock
) -> LivingAccess:
    shared = frozenset(name for name, role in config.roles.items() if role.shared_session)
    access = LivingAccess(prepared.access, graph, shared, background, clock)
    access.write_first_tokens()
    return access


def _renew_with(held: HeldIdentity, config: Config, sessions: AppSessions) -> None:
    """Renew the sessions that a new identity signs for; those chained on them follow in time."""
    signed_for = [
        name for name, role in config.roles.items() if isinstance(role, RolesAnywhereSection)
    ]

    def renew(_: Identity) -> None:
        for session in sessions.of_roles(signed_for):
            session.renew_soon()

    held.on_change(renew)
