"""The caches of secrets and parameters, and the roles that fill them, from a configuration."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeVar

from sidecar.access.policy import App
from sidecar.arn import Arn
from sidecar.assumed_roles import AssumedRoles
from sidecar.aws.endpoints import listed_regions
from sidecar.aws.parameter_store import ParameterStore
from sidecar.aws.reader import Reader
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.aws.sts import SessionRequest
from sidecar.clock import Clock
from sidecar.config.consistency import default_region, secrets_role
from sidecar.config.role_sources import AccessKeySecretSection
from sidecar.config.schema import AwsSection, Config
from sidecar.config.secrets_section import SecretsSection
from sidecar.credentials import Credentials
from sidecar.delivery.values import Values
from sidecar.errors import ConfigError, Problem, UpstreamRefused, UpstreamUnavailable
from sidecar.providers.assume_role import AssumeRoleSource
from sidecar.providers.refreshing import RefreshingRole
from sidecar.providers.session_name import SessionNames
from sidecar.role_graph import configured_endpoint, endpoint_of, sts_of
from sidecar.secret_cache.cache import ParameterCache, SecretCache
from sidecar.secret_cache.limits import MEBIBYTE, Limits
from sidecar.secret_cache.reply_cache import ReplyCache
from sidecar.secret_cache.rotation_follower import RotationFollower
from sidecar.session_name import SessionName

_READ_SERVICES: Final = ("secretsmanager", "ssm")
# How long a request for a secret may wait for the very first session of the role that reads it.
_COLD_START_SECONDS: Final = 5.0
# Apps share the session, so its name tells of none of them.
_SESSION_NAME: Final = SessionName.parse("{role}@{hostname}")
# The most that AWS gives to a chained role (user guide, "Role chaining").
_SESSION_SECONDS: Final = 3600

_Given = TypeVar("_Given")
_FetchSecret = Callable[[Reader, SecretQuery], Awaitable[SecretValue]]


class SecretReaders:
    """Says with whose credentials secrets are read for an app, and reads with them.

    Args:
        default: the reader where no role is named.
        roles: the configured roles, by name.
        arns: their ARNs, by name; users have none.
        assumed: all other roles.
        has_region: says whether a partition has a region; the default reader's is not asked for.

    """

    def __init__(
        self,
        default: Reader,
        roles: Mapping[str, RefreshingRole],
        arns: Mapping[str, str],
        assumed: AssumedRoles,
        has_region: Callable[[str, str], bool],
    ) -> None:
        self.default = default
        self._roles = roles
        self._arns = arns
        self._assumed = assumed
        self._has_region = has_region

    def find(self, app: App, role_arn: str) -> Reader | None:
        """Give the reader for a role; None if the app may not name it.

        One that is configured, and that the app may have, is taken as it is configured.
        """
        own = [name for name in app.roles if self._arns.get(name) == role_arn]
        if own:
            return Reader(own[0], self.default.region)
        return Reader(role_arn, self.default.region) if app.may_assume(role_arn) else None

    def using(self, reader: Reader) -> AbstractContextManager[None]:
        """Keep what a reader needs for as long as the block lasts."""
        return nullcontext() if reader.role in self._roles else self._assumed.using(reader.role)

    async def read(self, reader: Reader, ask: Callable[[Credentials], Awaitable[_Given]]) -> _Given:
        """Ask AWS with a reader's credentials; a role whose session AWS does not know is told so.

        Raises:
            NotReady: there is no session to ask with.
            UpstreamRefused: the role's partition has no such region; nothing was asked.
            UpstreamError: whatever `ask` raises.

        """
        configured = self._roles.get(reader.role)
        if configured is not None:
            await configured.settled(_COLD_START_SECONDS)
        self._check_region(reader)
        role = configured or await self._assumed.role(reader.role)
        credentials = role.current()
        try:
            return await ask(credentials)
        except UpstreamUnavailable as exc:
            # Callers may name any region, and one that is not enabled knows no session.
            if exc.code in CREDENTIALS_REFUSED and reader.region == self.default.region:
                role.doubt(credentials)
            raise

    def _check_region(self, reader: Reader) -> None:
        """See that the credentials go to no address but their own partition's."""
        if reader.region == self.default.region:
            return
        role = self._roles.get(reader.role)
        # Of a user only the credentials tell the partition.
        arn = self._arns.get(reader.role) or (role.current().role_arn if role else reader.role)
        if not self._has_region(Arn.parse(arn).partition, reader.region):
            raise UpstreamRefused(
                "Credential should be scoped to a valid region.",
                hint="AWS was not asked: check the region",
                status=400,
                code="InvalidSignatureException",
            )


@dataclass(frozen=True, slots=True)
class SecretGraph:
    """The caches, whom they ask and who reads for them; `background` keeps them fresh."""

    readers: SecretReaders
    assumed: AssumedRoles
    manager: SecretsManager
    store: ParameterStore
    secrets: SecretCache
    parameters: ParameterCache
    replies: ReplyCache
    follower: RotationFollower | None = None
    on_value: list[Callable[[Reader, SecretValue], None]] = field(default_factory=list)

    def saw(self, reader: Reader, value: SecretValue) -> None:
        """Show what AWS gave to whoever wants to see it."""
        for listener in self.on_value:
            listener(reader, value)

    def reader_of(self, role: str | None) -> Reader:
        """Give the reader of a configured role; None stands for the usual one."""
        return replace(self.readers.default, role=role or self.readers.default.role)

    def values(self) -> Values:
        """Give both caches as one, for what does not care which of the two."""
        return Values(self.secrets, self.parameters)

    def background(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Give what must run for as long as the caches are used."""
        yield self.assumed.run()
        yield self.secrets.run()
        yield self.parameters.run()
        yield self.replies.run()
        if self.follower is not None:
            yield self.follower.run()

    async def close(self) -> None:
        """End what is under way and forget every value."""
        caches = (self.secrets, self.parameters, self.replies)
        await asyncio.gather(*(each.close() for each in caches))
        await self.assumed.close()


def build_secrets(
    config: Config,
    roles: Mapping[str, RefreshingRole],
    clock: Clock,
    *,
    hostname: str | None = None,
    jitter: Callable[[], float] = random.random,
) -> SecretGraph:
    """Make the caches, empty.

    Args:
        config: the configuration, found consistent.
        roles: the configured roles, by name.
        clock: the clock.
        hostname: this machine's name, for session names; None asks the system.
        jitter: gives a random number from 0 up to 1.

    Raises:
        ConfigError: a region that a service is not known in, each named.

    """
    _check_endpoints(config)
    via = secrets_role(config) or next(iter(roles))
    default = Reader(via, default_region(config))

    def forget(arn: str) -> None:
        graph.secrets.forget_reader(Reader(arn, default.region))

    assumed = AssumedRoles(
        _assuming(config, via, roles[via], clock, hostname or socket.gethostname()),
        clock,
        most=config.secrets.max_roles,
        forget=forget,
        jitter=jitter,
    )
    readers = SecretReaders(default, roles, _arns(config), assumed, partial(has_region, config.aws))
    limits, endpoint = limits_of(config.secrets), partial(endpoint_of, aws=config.aws)
    bundle = None if config.aws.ca_bundle is None else str(config.aws.ca_bundle)
    manager = SecretsManager(endpoint, ca_bundle=bundle)
    store = ParameterStore(endpoint, ca_bundle=bundle)
    fetch = _shown(lambda: graph, _through(readers, manager.get_secret_value))
    secrets = SecretCache(fetch, clock, limits, jitter)
    parameters = ParameterCache(_through(readers, store.get_parameter), clock, limits, jitter)
    follower = RotationFollower(_through(readers, manager.describe_secret), secrets.renew, clock)
    replies = ReplyCache(clock, limits)
    followed = follower if config.secrets.follow_rotation else None
    graph = SecretGraph(readers, assumed, manager, store, secrets, parameters, replies, followed)
    graph.on_value.extend([followed.saw] if followed else [])
    return graph


def _through(
    readers: SecretReaders, ask: Callable[..., Awaitable[_Given]]
) -> Callable[[Reader, Any], Awaitable[_Given]]:
    """Make what fills a cache of a method that takes a query, credentials and a region."""

    def fetch(reader: Reader, query: Any) -> Awaitable[_Given]:
        return readers.read(reader, lambda held: ask(query, held, region=reader.region))

    return fetch


def _arns(config: Config) -> dict[str, str]:
    return {
        name: str(section.role_arn)
        for name, section in config.roles.items()
        if not isinstance(section, AccessKeySecretSection)
    }


def _shown(graph: Callable[[], SecretGraph], fetch: _FetchSecret) -> _FetchSecret:
    """Show what AWS gives to whoever wants to see it."""

    async def fetched(reader: Reader, query: SecretQuery) -> SecretValue:
        graph().saw(reader, value := await fetch(reader, query))
        return value

    return fetched


def has_region(aws: AwsSection, partition: str, region: str) -> bool:
    """Whether what secrets are read from is in a region, as far as botocore knows.

    A service with a configured address has every region: all of them lead there.
    """
    return all(
        configured_endpoint(service, aws) or region in listed_regions(service, partition)
        for service in _READ_SERVICES
    )


def limits_of(section: SecretsSection) -> Limits:
    """Give the limits of each cache."""
    return Limits(
        ttl_seconds=section.ttl_seconds,
        max_stale_seconds=section.max_stale_seconds,
        size=section.cache_size,
        max_bytes=section.cache_megabytes * MEBIBYTE,
        keep_warm_seconds=section.keep_warm_seconds,
        serve_stale=section.ignore_transient_errors,
    )


def _assuming(
    config: Config, via: str, parent: RefreshingRole, clock: Clock, hostname: str
) -> Callable[[Arn], AssumeRoleSource]:
    sts = sts_of(via, config, clock)

    def source(arn: Arn) -> AssumeRoleSource:
        request = SessionRequest(
            role_arn=arn,
            session_name=SessionNames(_SESSION_NAME, arn.resource_name, hostname).name(None),
            duration_seconds=_SESSION_SECONDS,
        )
        return AssumeRoleSource(sts, parent, lambda: request)

    return source


def _check_endpoints(config: Config) -> None:
    """See that there is an address of every service that is asked, before anything is."""
    region = default_region(config)
    try:
        for service in ("secretsmanager", "ssm", "sts"):
            endpoint_of(service, region, config.aws)
    except ValueError as exc:
        raise ConfigError([Problem("aws.region", str(exc), "check the [aws] options")]) from exc
