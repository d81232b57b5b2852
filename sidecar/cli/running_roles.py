"""The sessions that a command needs of its own, for as long as it works with them."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import Final

from sidecar.aws.http import http_client
from sidecar.cli.new_session import checked_identity
from sidecar.clock import Clock
from sidecar.config.chaining import chain_of
from sidecar.config.schema import Config
from sidecar.errors import IdentityError
from sidecar.identity.password import PasswordPrompt
from sidecar.preflight import identity_places
from sidecar.role_graph import RoleGraph, build_role_graph
from sidecar.signing.x509 import CertifiedKey

FIRST_SESSION_SECONDS: Final = 60.0


@asynccontextmanager
async def running_roles(
    config: Config, names: Collection[str], clock: Clock
) -> AsyncIterator[RoleGraph]:
    """Keep sessions of some roles, and of those that they are chained on.

    Args:
        config: the configuration, found consistent.
        names: the roles.
        clock: the wall clock.

    """
    config = replace(config, aws=replace(config.aws, start_spread_seconds=0))
    async with http_client(config.aws.ca_bundle) as http:
        graph = build_role_graph(config, http, _key(config, clock), clock)
        needed = dict.fromkeys(each for name in names for each in chain_of(name, config.roles))
        renewing = [asyncio.ensure_future(graph.roles[name].run()) for name in needed]
        try:
            yield graph
        finally:
            for each in renewing:
                each.cancel()
            await asyncio.gather(*renewing, return_exceptions=True)


def _key(config: Config, clock: Clock) -> Callable[[], CertifiedKey]:
    """Read the identity when a role signs with it, only then and only once."""

    @cache
    def read() -> CertifiedKey:
        if config.identity is None:
            raise IdentityError("no identity is configured", hint="add [identity]")
        places = identity_places(config.identity, os.environ, PasswordPrompt())
        return checked_identity(places, clock).certified_key()

    return read
