"""Everything that stands behind the doors, made in order and kept fresh while they are open."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sidecar.app_sessions import AppSessions
from sidecar.audit.opening import opened_sink
from sidecar.audit.trail import Trail, running_trail
from sidecar.aws.forwarding import PLACES, Forwarder
from sidecar.aws.http import http_client
from sidecar.aws.json_api import ApiCall
from sidecar.background import Background
from sidecar.clock import Clock
from sidecar.config.role_sources import (
    AccessKeySecretSection,
    RolesAnywhereSection,
    shares_session,
)
from sidecar.config.schema import Config
from sidecar.credentials import Credentials
from sidecar.delivery.files import DeliveredFiles
from sidecar.denial_notices import DenialNotices
from sidecar.errors import IdentityError
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.key_rotation import KeyRotation
from sidecar.living_access import LivingAccess
from sidecar.notice_sources import IdentityNotices, secret_notices
from sidecar.notify.outbox import Outboxes
from sidecar.notify_graph import notifying
from sidecar.notify_reach import reach_of
from sidecar.preflight import Prepared
from sidecar.role_graph import RoleGraph, build_role_graph, endpoint_of
from sidecar.rotation_graph import build_rotations
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.secret_kind import secret_names
from sidecar.secret_changes import Changes, build_changes
from sidecar.secret_graph import SecretGraph, build_secrets
from sidecar.session_notices import AppSessionNotices
from sidecar.signing.x509 import CertifiedKey
from sidecar.web.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Interior:
    """What stands behind the doors.

    Args:
        config: the configuration.
        clock: the wall clock.
        audit: where decisions are put down.
        held: the identity, if there is one.
        graph: the roles.
        secrets: the caches.
        changes: what tells the caches of changes.
        files: what is written for applications.
        access: who is let in, and with which sessions.
        forwarder: the aws-api door's way to AWS.
        rotations: the access keys that are kept.
        background: what runs all the while.
        notices: who is told what happens.
        denials: the audit, looked at for bursts; None: nobody wants to hear of them.
        connections: how many of them a door holds.

    """

    config: Config
    clock: Clock
    audit: Trail
    held: HeldIdentity | None
    graph: RoleGraph
    secrets: SecretGraph
    changes: Changes
    files: DeliveredFiles
    access: LivingAccess
    forwarder: Forwarder
    rotations: tuple[KeyRotation, ...]
    background: Background
    notices: Outboxes
    denials: DenialNotices | None
    connections: int

    def ledger_of(self, door: str) -> Ledger:
        """Give where a door puts its decisions down."""
        return Ledger(door, self.denials or self.audit, self.clock)

    def start(self) -> None:
        """Begin to keep everything fresh."""
        if self.config.notify:
            self._watch()
        if self.held is not None:
            renew_with(self.held, self.config, self.access.sessions)
            self.background.start(self.held.run())
        renew_after_changes(self.secrets.secrets, self.config, self.access.sessions)
        doubt_after_refusals(
            self.forwarder, self.secrets.readers.default.region, self.access.sessions
        )
        self.access.start()
        self.background.start_all(
            (*self.secrets.background(), *self.changes.background(), self.files.run())
        )
        self.background.start_all(each.run() for each in self.rotations)

    def _watch(self) -> None:
        """Begin to make notices of what happens."""
        tell, clock = self.notices.tell, self.clock
        self.access.sessions.watched_by(AppSessionNotices(tell, clock))
        if self.denials is not None:
            self.background.start(self.denials.run())
        if self.held is not None:
            IdentityNotices(self.held, tell, clock).watch()
        self.secrets.on_value.append(secret_notices(tell, clock))


@asynccontextmanager
async def furnished(
    config: Config, prepared: Prepared, clock: Clock, connections: int, audit: Trail | None = None
) -> AsyncIterator[Interior]:
    """Make it all, without asking AWS for anything, and end it all when the block is left.

    Args:
        config: the checked configuration.
        prepared: identity and tokens.
        clock: the wall clock.
        connections: how many of them a door holds.
        audit: where decisions are put down, in place of what is configured.

    Raises:
        ConfigError: a region that no service is known in.
        OperatorError: the audit trail cannot be written.

    """
    async with AsyncExitStack() as stack:
        if audit is None:  # the first to be opened is the last to be closed
            audit = await _trail(config, clock, stack)
        held = prepared.held_identity(clock)
        graph = await _graph(config, held, clock, stack)
        secrets = build_secrets(config, graph.roles, clock)
        stack.push_async_callback(secrets.close)
        changes = build_changes(config, secrets, secrets.replies, clock)
        files = DeliveredFiles(prepared.files, secrets.reader_of, secrets.values(), clock)
        forwarder = await _forwarder(config, stack)
        notices = await _notices(config, prepared, secrets, clock, stack)
        denials = DenialNotices(audit, notices.tell, clock) if config.notify else None
        changed = changes.invalidation.secret
        rotations = build_rotations(config, graph.roles, changed, clock, notices.tell)
        background = _background(stack)
        access = _access(config, prepared, graph, background, clock)
        yield Interior(
            config,
            clock,
            audit,
            held,
            graph,
            secrets,
            changes,
            files,
            access,
            forwarder,
            rotations,
            background,
            notices,
            denials,
            connections,
        )


async def _trail(config: Config, clock: Clock, stack: AsyncExitStack) -> Trail:
    trail = running_trail(opened_sink(config.audit), clock)
    return await stack.enter_async_context(trail)


async def _graph(
    config: Config, held: HeldIdentity | None, clock: Clock, stack: AsyncExitStack
) -> RoleGraph:
    http = await stack.enter_async_context(http_client(config.aws.ca_bundle))
    return build_role_graph(config, http, _signing_key(held), clock)


def _background(stack: AsyncExitStack) -> Background:
    """Make what runs all the while; it ends before what it uses is closed."""
    background = Background()
    stack.push_async_callback(background.close)
    return background


async def _notices(
    config: Config, prepared: Prepared, secrets: SecretGraph, clock: Clock, stack: AsyncExitStack
) -> Outboxes:
    sinks = notifying(config, prepared.environment, reach_of(secrets), clock)
    return await stack.enter_async_context(sinks)


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
    shared = frozenset(name for name, role in config.roles.items() if shares_session(role))
    return LivingAccess(
        prepared.access, prepared.admin_tokens, AppSessions(graph, shared, background, clock), clock
    )


def renew_after_changes(cache: SecretCache, config: Config, sessions: AppSessions) -> None:
    """Renew the roles whose key is in a secret as soon as that is said to have changed."""
    kept = {
        name: secret_names(role.secret_id)
        for name, role in config.roles.items()
        if isinstance(role, AccessKeySecretSection)
    }

    def renew(changed: frozenset[str] | None) -> None:
        concerned = [
            name for name, own in kept.items() if changed is None or not own.isdisjoint(changed)
        ]
        for session in sessions.of_roles(concerned):
            session.renew_soon()

    cache.on_change(renew)


def doubt_after_refusals(forwarder: Forwarder, region: str, sessions: AppSessions) -> None:
    """Doubt the session or key of an app whose call was sent on, and that AWS does not know.

    Only where the sidecar itself asks: apps may name any region, and one that is not enabled knows
    nobody.
    """

    def doubt(call: ApiCall, credentials: Credentials) -> None:
        if call.region == region:
            sessions.doubt(credentials)

    forwarder.on_refused(doubt)


def renew_with(held: HeldIdentity, config: Config, sessions: AppSessions) -> None:
    """Renew the sessions that a new identity signs for; those chained on them follow in time."""
    signed_for = [
        name for name, role in config.roles.items() if isinstance(role, RolesAnywhereSection)
    ]

    def renew(_: Identity) -> None:
        for session in sessions.of_roles(signed_for):
            session.renew_soon()

    held.on_change(renew)
