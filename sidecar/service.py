"""The composition root: a configuration goes in, open doors come out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sidecar.audit.trail import Trail
from sidecar.clock import Clock
from sidecar.config.load import Loaded
from sidecar.config.schema import Config
from sidecar.controls import SidecarControls
from sidecar.door_graph import build_doors
from sidecar.interior import Interior, furnished
from sidecar.living_access import LivingAccess
from sidecar.preflight import Prepared
from sidecar.providers.refreshing import RefreshingRole
from sidecar.readiness import Readiness
from sidecar.reloading import Reloading
from sidecar.secret_graph import SecretGraph
from sidecar.web.configured_doors import AS_USUAL, Opening, open_configured_doors
from sidecar.web.control_door import ControlDoor
from sidecar.web.control_socket import open_control_socket
from sidecar.web.invalidate_route import InvalidateRoute
from sidecar.web.listener import OpenDoor


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
        audit: where decisions are put down.

    """

    doors: tuple[OpenDoor, ...]
    broken: "asyncio.Future[None]"
    reloading: Reloading
    access: LivingAccess
    roles: Mapping[str, RefreshingRole]
    secrets: SecretGraph
    audit: Trail


@asynccontextmanager
async def running_sidecar(
    config: Config,
    prepared: Prepared,
    clock: Clock,
    *,
    opening: Opening = AS_USUAL,
    read_again: Callable[[], Loaded] | None = None,
    audit: Trail | None = None,
) -> AsyncIterator[Sidecar]:
    """Open the doors and keep everything behind them fresh until the block is left.

    Leaving drains the requests under way, then stops what runs in the background.

    Args:
        config: the checked configuration.
        prepared: identity and tokens.
        clock: the wall clock.
        opening: how the doors are opened.
        read_again: reads the configuration for a reload; without it only files are read again.
        audit: where decisions are put down, in place of what is configured.

    Raises:
        ConfigError: a region that no service is known in.
        ListenError: an address is taken, or cannot be added.
        OperatorError: a token file or the audit trail cannot be written.

    """
    async with AsyncExitStack() as stack:
        most = opening.limits.max_connections
        inside = await stack.enter_async_context(furnished(config, prepared, clock, most, audit))
        readiness = Readiness(inside)
        doors = build_doors(inside, readiness)
        opens = open_configured_doors(doors, inside.ledger_of, config.doors, opening)
        opened = await stack.enter_async_context(opens)
        reloading = Reloading(inside, read_again, prepared.environment)
        controls = SidecarControls(readiness, opened, reloading)
        await stack.enter_async_context(_control_socket(controls, inside, opening))
        # Not earlier: one whose addresses are taken must leave alone what the other has written.
        inside.access.write_first_tokens()
        inside.start()
        yield Sidecar(
            opened,
            inside.background.broken,
            reloading,
            inside.access,
            inside.graph.roles,
            inside.secrets,
            inside.audit,
        )


def _control_socket(
    controls: SidecarControls, inside: Interior, opening: Opening
) -> AbstractAsyncContextManager[Path | None]:
    route = InvalidateRoute(inside.changes.invalidation, inside.clock)
    door = ControlDoor(controls, route)
    return open_control_socket(door, opening.control, inside.ledger_of(door.name))
