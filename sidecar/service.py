"""The composition root: a configuration goes in, open doors come out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from sidecar.access.tokens import AppTokens
from sidecar.access.vended import VendedSessions
from sidecar.aws.forwarding import Forwarder
from sidecar.aws.http import http_client
from sidecar.aws.json_api import ApiCall
from sidecar.aws.reader import Reader
from sidecar.clock import Clock
from sidecar.config.role_sources import RolesAnywhereSection
from sidecar.config.schema import Config
from sidecar.credentials import Credentials
from sidecar.delivery.files import DeliveredFiles
from sidecar.errors import IdentityError, NotReady
from sidecar.identity.checks import check_identity
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.preflight import Prepared
from sidecar.providers.refreshing import RefreshingRole
from sidecar.role_graph import build_roles, endpoint_of
from sidecar.secret_changes import Changes, build_changes
from sidecar.secret_graph import SecretGraph, build_secrets
from sidecar.signing.x509 import CertifiedKey
from sidecar.web.admin_door import AdminDoor
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api_door import AwsApiDoor
from sidecar.web.configured_doors import open_configured_doors
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.invalidate_route import InvalidateRoute
from sidecar.web.listener import DEFAULT_LIMITS, ConnectionLimits, OpenDoor
from sidecar.web.secrets_door import SecretsDoor, SecretsDoorOptions
from sidecar.web.socket_activation import Inherited

log = logging.getLogger(__name__)

_LOOK_AT_TOKEN_FILES_SECONDS = 2.0
_FORWARDED_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A running sidecar.

    Args:
        doors: its open doors.
        broken: a future that ends only if something broke.
        reload: reads certificate, key and tokens again within seconds, changed or not.
        roles: what the credentials door serves, by name.
        secrets: the caches.

    """

    doors: tuple[OpenDoor, ...]
    broken: "asyncio.Future[None]"
    reload: Callable[[], None]
    roles: Mapping[str, RefreshingRole]
    secrets: SecretGraph


@asynccontextmanager
async def running_sidecar(
    config: Config,
    prepared: Prepared,
    clock: Clock,
    *,
    limits: ConnectionLimits = DEFAULT_LIMITS,
    inherited: Inherited = MappingProxyType({}),
) -> AsyncIterator[Sidecar]:
    """Open the doors and keep everything behind them fresh until the block is left.

    Leaving drains the requests under way, then stops what runs in the background.

    Args:
        config: the checked configuration.
        prepared: identity and tokens.
        clock: the wall clock.
        limits: what connections to the doors may take up.
        inherited: sockets in place of some doors' addresses.

    Raises:
        ConfigError: a region that no service is known in.
        ListenError: an address is taken, or cannot be added.

    """
    async with AsyncExitStack() as stack:
        held = prepared.held_identity(clock)
        http = await stack.enter_async_context(http_client(config.aws.ca_bundle))
        roles = build_roles(config, http, _signing_key(held), clock)
        secrets = build_secrets(config, roles, clock)
        stack.push_async_callback(secrets.close)
        changes = build_changes(config, secrets, secrets.replies, clock)
        files = DeliveredFiles(prepared.files, secrets.reader_of, secrets.values(), clock)
        forwarder = await _forwarder(config, stack)
        background = _Background()
        stack.push_async_callback(background.close)  # before what it uses is closed
        behind = _Behind(roles, held, secrets, changes, files, clock)
        doors = (
            (CredentialsDoor(roles, prepared.tokens), config.doors.credentials),
            (_secrets_door(secrets, config, prepared.tokens), config.doors.secrets),
            (_aws_api(secrets, roles, prepared.tokens, forwarder, clock), config.doors.aws_api),
            (_admin_door(behind, prepared.admin_tokens), config.doors.admin),
        )
        opening = open_configured_doors(doors, config.doors, limits, inherited)
        opened = await stack.enter_async_context(opening)
        if held is not None:
            _renew_with(held, config, roles)
        background.start(*behind.works(), _watch_token_files(prepared, clock))
        yield Sidecar(opened, background.broken, partial(_reload, held, prepared), roles, secrets)


async def _forwarder(config: Config, stack: AsyncExitStack) -> Forwarder:
    """Make the aws-api door's own way to AWS, so that sessions are not kept waiting by it."""
    client = http_client(config.aws.ca_bundle, connections=_FORWARDED_AT_ONCE)
    return Forwarder(await stack.enter_async_context(client), partial(endpoint_of, aws=config.aws))


def _signing_key(held: HeldIdentity | None) -> Callable[[], CertifiedKey]:
    """Give what roles sign with; where nothing is signed, no identity is held."""

    def none() -> CertifiedKey:
        raise IdentityError("no identity is configured", hint="add [identity]")

    return none if held is None else held.key


def _renew_with(held: HeldIdentity, config: Config, roles: Mapping[str, RefreshingRole]) -> None:
    """Renew the sessions that a new identity signs for; those chained on them follow in time."""

    def renew(_: Identity) -> None:
        for name, section in config.roles.items():
            if isinstance(section, RolesAnywhereSection):
                roles[name].renew_soon()

    held.on_change(renew)


def _reload(held: HeldIdentity | None, prepared: Prepared) -> None:
    log.info("reading certificate, key and tokens again")
    prepared.reload_tokens()
    if held is not None:
        held.reload()


def _secrets_door(secrets: SecretGraph, config: Config, tokens: AppTokens) -> SecretsDoor:
    section = config.secrets
    options = SecretsDoorOptions(section.path_prefix, section.ssrf_headers, section.max_conn)
    return SecretsDoor(secrets.secrets, secrets.parameters, secrets.readers, tokens, options)


def _vended_sessions(roles: Mapping[str, RefreshingRole], clock: Clock) -> VendedSessions:
    """Know the sessions that requests may be signed with, from the first one on."""
    vended = VendedSessions()

    def keep(name: str, credentials: Credentials) -> None:
        vended.keep(name, credentials, clock.now())

    for name, role in roles.items():
        role.on_change(partial(keep, name))
    return vended


def _aws_api(
    secrets: SecretGraph,
    roles: Mapping[str, RefreshingRole],
    tokens: AppTokens,
    forwarder: Forwarder,
    clock: Clock,
) -> AwsApiDoor:
    readers = secrets.readers

    def ask_as(reader: Reader, call: ApiCall) -> Awaitable[bytes]:
        return readers.read(reader, lambda held: forwarder.ask(call, held))

    reads = CachedReads(
        secrets.secrets, secrets.parameters, secrets.replies, ask_as, readers.default.role
    )
    return AwsApiDoor(_vended_sessions(roles, clock), tokens.apps, reads, forwarder, clock)


class _Background:
    """Tasks that live as long as the sidecar; one that fails breaks the sidecar, loudly."""

    def __init__(self) -> None:
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, *works: Coroutine[Any, Any, None]) -> None:
        for work in works:
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.broken.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        exc = None if task.cancelled() else task.exception()
        if exc is not None and not self.broken.done():
            self.broken.set_exception(exc)


@dataclass(frozen=True, slots=True)
class _Behind:
    """What stands behind the doors: it is kept fresh, and the admin door tells of it."""

    roles: Mapping[str, RefreshingRole]
    held: HeldIdentity | None
    secrets: SecretGraph
    changes: Changes
    files: DeliveredFiles
    clock: Clock

    def works(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Give what keeps all this fresh."""
        if self.held is not None:
            yield self.held.run()
        yield from (role.run() for role in self.roles.values())
        yield from (*self.secrets.background(), *self.changes.background(), self.files.run())

    def pending(self) -> dict[str, str]:
        waited_for = {**self.changes.prefetch.pending(), **self.files.pending()}
        return _not_ready(self.roles) | waited_for

    def warnings(self) -> dict[str, str]:
        return {
            **_not_renewed(self.roles),
            **_findings(self.held, self.clock),
            **_served_as_they_are(self.secrets),
            **self.changes.warnings(),
        }


def _admin_door(behind: _Behind, tokens: AppTokens | None) -> AdminDoor:
    route = InvalidateRoute(behind.changes.invalidation, behind.clock)
    return AdminDoor(behind.pending, behind.warnings, route, tokens)


def _not_ready(roles: Mapping[str, RefreshingRole]) -> dict[str, str]:
    """Say which roles have no session, and why."""
    pending: dict[str, str] = {}
    for name, role in roles.items():
        try:
            role.current()
        except NotReady as exc:
            pending[f"role {name}"] = exc.message
    return pending


def _findings(held: HeldIdentity | None, clock: Clock) -> dict[str, str]:
    """Say what is to be seen to about the identity in use, such as its expiry."""
    if held is None:
        return {}
    found = check_identity(held.current, clock.now())
    return {f"identity {each.code}": each.sentence for each in found}


def _not_renewed(roles: Mapping[str, RefreshingRole]) -> dict[str, str]:
    """Say which roles could not be renewed last time, whatever is served of them."""
    troubles = ((f"role {name}", role.trouble()) for name, role in roles.items())
    return {name: f"not renewed: {why}" for name, why in troubles if why is not None}


def _served_as_they_are(secrets: SecretGraph) -> dict[str, str]:
    """Say how many values could not be renewed last time."""
    caches = {
        "secrets": secrets.secrets.not_renewed(),
        "parameters": secrets.parameters.not_renewed(),
    }
    return {name: f"{count} not renewed: see the log" for name, count in caches.items() if count}


async def _watch_token_files(prepared: Prepared, clock: Clock) -> None:
    """Notice a replaced token file even when nobody has used the new token yet."""
    while True:
        await clock.sleep(_LOOK_AT_TOKEN_FILES_SECONDS)
        prepared.reload_tokens()
