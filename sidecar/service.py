"""The composition root: a configuration goes in, open doors come out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sidecar.access.tokens import AppTokens
from sidecar.access.vended import VendedSessions
from sidecar.aws.forwarding import Forwarder
from sidecar.aws.http import http_client
from sidecar.aws.json_api import ApiCall
from sidecar.aws.reader import Reader
from sidecar.clock import Clock
from sidecar.config.control_section import SocketPlace
from sidecar.config.role_sources import RolesAnywhereSection
from sidecar.config.schema import Config
from sidecar.controls import SidecarControls
from sidecar.credentials import Credentials
from sidecar.delivery.files import DeliveredFiles
from sidecar.errors import IdentityError
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.preflight import Prepared
from sidecar.providers.refreshing import RefreshingRole
from sidecar.readiness import Readiness
from sidecar.role_graph import build_roles, endpoint_of
from sidecar.secret_changes import build_changes
from sidecar.secret_graph import SecretGraph, build_secrets
from sidecar.signing.x509 import CertifiedKey
from sidecar.web.admin_door import AdminDoor
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api_door import AwsApiDoor
from sidecar.web.control_door import ControlDoor
from sidecar.web.control_socket import open_control_socket
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.invalidate_route import InvalidateRoute
from sidecar.web.listener import DEFAULT_LIMITS, ConnectionLimits, OpenDoor, open_doors
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
    control: SocketPlace | None = None,
) -> AsyncIterator[Sidecar]:
    """Open the doors and keep everything behind them fresh until the block is left.

    Leaving drains the requests under way, then stops what runs in the background.

    Args:
        config: the checked configuration.
        prepared: identity and tokens.
        clock: the wall clock.
        limits: what connections to the doors may take up.
        control: where the control socket is; None stands for nowhere.

    Raises:
        ConfigError: a region that no service is known in.
        ListenError: an address or the control socket is taken.

    """
    async with AsyncExitStack() as stack:
        held = prepared.held_identity(clock)
        http = await stack.enter_async_context(http_client(config.aws.ca_bundle))
        roles = build_roles(config, http, _signing_key(held), clock)
        secrets = build_secrets(config, roles, clock)
        stack.push_async_callback(secrets.close)
        changes = build_changes(config, secrets, secrets.replies, clock)
        files = DeliveredFiles(prepared.files, secrets.reader_of, secrets.values(), clock)
        readiness = Readiness(roles, held, secrets, changes, files, clock)
        forwarder = await _forwarder(config, stack)
        background = _Background()
        stack.push_async_callback(background.close)  # before what it uses is closed
        doors = (
            (CredentialsDoor(roles, prepared.tokens), config.doors.credentials),
            (_secrets_door(secrets, config, prepared.tokens), config.doors.secrets),
            (_aws_api(secrets, roles, prepared.tokens, forwarder, clock), config.doors.aws_api),
            (_admin_door(readiness), config.doors.admin),
        )
        wanted = [(door, where) for door, where in doors if where]
        opened = await stack.enter_async_context(open_doors(wanted, limits=limits))
        reload = partial(_reload, held, prepared.tokens)
        controls = SidecarControls(readiness, opened, prepared.tokens, reload)
        await stack.enter_async_context(_control_socket(controls, readiness, control))
        _renew_with(held, config, roles)
        background.start(*_work(readiness, prepared.tokens))
        yield Sidecar(opened, background.broken, reload, roles, secrets)


def _work(readiness: Readiness, tokens: AppTokens) -> Iterator[Coroutine[Any, Any, None]]:
    """Give what keeps everything fresh for as long as the doors are open."""
    if readiness.held is not None:
        yield readiness.held.run()
    yield from (role.run() for role in readiness.roles.values())
    yield from readiness.secrets.background()
    yield from readiness.changes.background()
    yield readiness.files.run()
    yield _watch_token_files(tokens, readiness.clock)


async def _forwarder(config: Config, stack: AsyncExitStack) -> Forwarder:
    """Make the aws-api door's own way to AWS, so that sessions are not kept waiting by it."""
    client = http_client(config.aws.ca_bundle, connections=_FORWARDED_AT_ONCE)
    return Forwarder(await stack.enter_async_context(client), partial(endpoint_of, aws=config.aws))


def _signing_key(held: HeldIdentity | None) -> Callable[[], CertifiedKey]:
    """Give what roles sign with; where nothing is signed, no identity is held."""

    def none() -> CertifiedKey:
        raise IdentityError("no identity is configured", hint="add [identity]")

    return none if held is None else held.key


def _renew_with(
    held: HeldIdentity | None, config: Config, roles: Mapping[str, RefreshingRole]
) -> None:
    """Renew the sessions that a new identity signs for; those chained on them follow in time."""

    def renew(_: Identity) -> None:
        for name, section in config.roles.items():
            if isinstance(section, RolesAnywhereSection):
                roles[name].renew_soon()

    if held is not None:
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


class _Background:
    """Tasks that live as long as the sidecar; one that fails breaks the sidecar, loudly."""

    def __init__(self) -> None:
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, *work: Coroutine[Any, Any, None]) -> None:
        for each in work:
            task = asyncio.create_task(each)
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


def _admin_door(readiness: Readiness) -> AdminDoor:
    return AdminDoor(readiness.pending, readiness.warnings, _word_of_changes(readiness))


def _control_socket(
    controls: SidecarControls, readiness: Readiness, place: SocketPlace | None
) -> AbstractAsyncContextManager[Path | None]:
    return open_control_socket(ControlDoor(controls, _word_of_changes(readiness)), place)


def _word_of_changes(readiness: Readiness) -> InvalidateRoute:
    return InvalidateRoute(readiness.changes.invalidation, readiness.clock)


async def _watch_token_files(tokens: AppTokens, clock: Clock) -> None:
    """Notice a replaced token file even when nobody has used the new token yet."""
    while True:
        await clock.sleep(_LOOK_AT_TOKEN_FILES_SECONDS)
        tokens.reload()
