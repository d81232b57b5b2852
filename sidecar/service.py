"""The composition root: a configuration goes in, open doors come out."""

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sidecar.access.tokens import AppTokens
from sidecar.access.vended import VendedSessions
from sidecar.audit.opening import opened_sink
from sidecar.audit.trail import Trail, running_trail
from sidecar.aws.forwarding import Forwarder
from sidecar.aws.http import http_client
from sidecar.aws.json_api import ApiCall
from sidecar.aws.reader import Reader
from sidecar.clock import Clock
from sidecar.config.address import Address
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
from sidecar.web.admin_door import AdminDoor, Remarks
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api_door import AwsApiDoor
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.invalidate_route import InvalidateRoute
from sidecar.web.listener import DEFAULT_LIMITS, ConnectionLimits, Door, OpenDoor, open_doors
from sidecar.web.secrets_door import SecretsDoor, SecretsDoorOptions

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
        audit: where decisions are put down.

    """

    doors: tuple[OpenDoor, ...]
    broken: "asyncio.Future[None]"
    reload: Callable[[], None]
    roles: Mapping[str, RefreshingRole]
    secrets: SecretGraph
    audit: Trail


@asynccontextmanager
async def running_sidecar(
    config: Config,
    prepared: Prepared,
    clock: Clock,
    *,
    limits: ConnectionLimits = DEFAULT_LIMITS,
) -> AsyncIterator[Sidecar]:
    """Open the doors and keep everything behind them fresh until the block is left.

    Leaving drains the requests under way, then stops what runs in the background.

    Args:
        config: the checked configuration.
        prepared: identity and tokens.
        clock: the wall clock.
        limits: what connections to the doors may take up.

    Raises:
        ConfigError: a region that no service is known in.
        OperatorError: an address is taken, or the audit trail cannot be opened.

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
        audit = await stack.enter_async_context(running_trail(opened_sink(config.audit), clock))
        background = _background(stack)
        remarks = (partial(_findings, held, clock), audit.warnings)
        doors = (
            (CredentialsDoor(roles, prepared.tokens), config.doors.credentials),
            (_secrets_door(secrets, config, prepared.tokens), config.doors.secrets),
            (_aws_api(secrets, roles, prepared.tokens, forwarder, clock), config.doors.aws_api),
            (_admin_door(roles, remarks, secrets, changes, files, clock), config.doors.admin),
        )
        opened = await stack.enter_async_context(open_doors(_wanted(doors), limits=limits))
        if held is not None:
            _renew_with(held, config, roles)
            background.start(held.run())
        running = (role.run() for role in roles.values())
        for work in (*running, *secrets.background(), *changes.background(), files.run()):
            background.start(work)
        background.start(_watch_token_files(prepared.tokens, clock))
        reload = partial(_reload, held, prepared.tokens)
        yield Sidecar(opened, background.broken, reload, roles, secrets, audit)


def _wanted(
    doors: Iterable[tuple[Door, tuple[Address, ...]]],
) -> list[tuple[Door, tuple[Address, ...]]]:
    return [(door, where) for door, where in doors if where]


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


def _reload(held: HeldIdentity | None, tokens: AppTokens) -> None:
    log.info("reading certificate, key and tokens again")
    tokens.reload()
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


def _background(stack: AsyncExitStack) -> "_Background":
    """Begin with nothing; what will run ends before what it uses is closed."""
    background = _Background()
    stack.push_async_callback(background.close)
    return background


class _Background:
    """Tasks that live as long as the sidecar; one that fails breaks the sidecar, loudly."""

    def __init__(self) -> None:
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
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


def _admin_door(
    roles: Mapping[str, RefreshingRole],
    remarks: Sequence[Remarks],
    secrets: SecretGraph,
    changes: Changes,
    files: DeliveredFiles,
    clock: Clock,
) -> AdminDoor:
    return AdminDoor(
        lambda: _not_ready(roles) | {**changes.prefetch.pending(), **files.pending()},
        lambda: {
            **_not_renewed(roles),
            **_served_as_they_are(secrets),
            **changes.warnings(),
            **{name: told for each in remarks for name, told in each().items()},
        },
        InvalidateRoute(changes.invalidation, clock),
    )


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


async def _watch_token_files(tokens: AppTokens, clock: Clock) -> None:
    """Notice a replaced token file even when nobody has used the new token yet."""
    while True:
        await clock.sleep(_LOOK_AT_TOKEN_FILES_SECONDS)
        tokens.reload()
