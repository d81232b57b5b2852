"""The composition root: a configuration goes in, open doors come out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sidecar.access.tokens import AppTokens
from sidecar.aws.http import http_client
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.clock import Clock
from sidecar.config.consistency import default_region, secrets_role
from sidecar.config.role_sources import RolesAnywhereSection
from sidecar.config.schema import Config
from sidecar.errors import (
    ConfigError,
    IdentityError,
    NotReady,
    Problem,
    SidecarError,
    UpstreamUnavailable,
)
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.preflight import Prepared
from sidecar.providers.refreshing import RefreshingRole
from sidecar.role_graph import build_roles, endpoint_of
from sidecar.secret_cache.cache import Limits, SecretCache
from sidecar.signing.x509 import CertifiedKey
from sidecar.web.admin_door import AdminDoor
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.listener import DEFAULT_LIMITS, ConnectionLimits, OpenDoor, open_doors
from sidecar.web.secrets_door import SecretsDoor

log = logging.getLogger(__name__)

# How long a request for a secret may wait for the very first session of the role that reads it.
_COLD_START_SECONDS = 5.0
_LOOK_AT_TOKEN_FILES_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A running sidecar.

    Args:
        doors: its open doors.
        broken: a future that ends only if something broke.
        reload: reads certificate, key and tokens again within seconds, changed or not.

    """

    doors: tuple[OpenDoor, ...]
    broken: "asyncio.Future[None]"
    reload: Callable[[], None]


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
        ListenError: an address is taken.

    """
    async with AsyncExitStack() as stack:
        background = _Background()
        stack.push_async_callback(background.close)
        held = prepared.held_identity(clock)
        http = await stack.enter_async_context(http_client(config.aws.ca_bundle))
        roles = build_roles(config, http, _signing_key(held), clock)
        cache = _secret_cache(config, roles, clock, stack)
        prefetch = _Prefetch(cache, config.secrets.prefetch)
        doors = (
            (CredentialsDoor(roles, prepared.tokens), config.doors.credentials),
            (SecretsDoor(cache, prepared.tokens), config.doors.secrets),
            (AdminDoor(lambda: _pending(roles, prefetch)), config.doors.admin),
        )
        wanted = [(door, where) for door, where in doors if where]
        opened = await stack.enter_async_context(open_doors(wanted, limits=limits))
        if held is not None:
            _renew_with(held, config, roles)
            background.start(held.run())
        for role in roles.values():
            background.start(role.run())
        background.start(_watch_token_files(prepared.tokens, clock))
        for secret_id in config.secrets.prefetch:
            background.start(prefetch.run(secret_id))
        yield Sidecar(opened, background.broken, partial(_reload, held, prepared.tokens))


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


def _secret_cache(
    config: Config, roles: Mapping[str, RefreshingRole], clock: Clock, stack: AsyncExitStack
) -> SecretCache:
    bundle = config.aws.ca_bundle
    region = default_region(config)
    upstream = SecretsManager(
        region=region,
        endpoint_url=_secrets_endpoint(config, region),
        ca_bundle=None if bundle is None else str(bundle),
    )
    role = roles[secrets_role(config) or next(iter(roles))]

    async def fetch(query: SecretQuery) -> SecretValue:
        await role.settled(_COLD_START_SECONDS)
        credentials = role.current()
        try:
            return await upstream.get_secret_value(query, credentials)
        except UpstreamUnavailable as exc:
            if exc.code in CREDENTIALS_REFUSED:
                role.doubt(credentials)
            raise

    section = config.secrets
    limits = Limits(
        ttl_seconds=section.ttl_seconds,
        max_stale_seconds=section.max_stale_seconds,
        size=section.cache_size,
    )
    cache = SecretCache(fetch, clock, limits)
    stack.push_async_callback(cache.close)
    return cache


def _secrets_endpoint(config: Config, region: str) -> str:
    try:
        return endpoint_of("secretsmanager", region, config.aws)
    except ValueError as exc:
        raise ConfigError([Problem("aws.region", str(exc), "check the [aws] options")]) from exc


class _Prefetch:
    """The secrets that must be held before the sidecar is ready, and why one is not held yet."""

    def __init__(self, cache: SecretCache, secret_ids: Iterable[str]) -> None:
        self._cache = cache
        self.waiting = dict.fromkeys(secret_ids, "not read yet")

    async def run(self, secret_id: str) -> None:
        def failed(exc: SidecarError) -> None:
            self.waiting[secret_id] = f"not read yet: {exc.message}"

        await self._cache.prefetch(secret_id, failed)
        self.waiting.pop(secret_id, None)


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


def _pending(roles: Mapping[str, RefreshingRole], prefetch: _Prefetch) -> dict[str, str]:
    """Say what keeps the sidecar from being ready, and why."""
    pending = {f"secret {secret_id}": why for secret_id, why in sorted(prefetch.waiting.items())}
    for name, role in roles.items():
        try:
            role.current()
        except NotReady as exc:
            pending[f"role {name}"] = exc.message
    return pending


async def _watch_token_files(tokens: AppTokens, clock: Clock) -> None:
    """Notice a replaced token file even when nobody has used the new token yet."""
    while True:
        await clock.sleep(_LOOK_AT_TOKEN_FILES_SECONDS)
        tokens.reload()
