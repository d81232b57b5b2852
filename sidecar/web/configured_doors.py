"""The doors open as the configuration says: where, how far, and on whose sockets."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from sidecar.config.address import Address
from sidecar.config.doors_section import DoorsSection
from sidecar.config.listening import link_local_addresses
from sidecar.network.loopback_addresses import on_loopback
from sidecar.web.binding import Listening
from sidecar.web.listener import ConnectionLimits, Door, OpenDoor, open_doors
from sidecar.web.socket_activation import Inherited


@asynccontextmanager
async def open_configured_doors(
    doors: Iterable[tuple[Door, tuple[Address, ...]]],
    section: DoorsSection,
    limits: ConnectionLimits,
    inherited: Inherited,
) -> AsyncIterator[tuple[OpenDoor, ...]]:
    """Open every door that has addresses; add those to `lo` first, if so configured.

    Raises:
        ListenError: an address is taken, is not this machine's, or cannot be added.

    """
    added = link_local_addresses(section) if section.add_link_local else ()
    listening = Listening(section.hop_limit, section.allowed_hosts, frozenset(added), inherited)
    wanted = [(door, where) for door, where in doors if where]
    with on_loopback(added):
        async with open_doors(wanted, listening=listening, limits=limits) as opened:
            yield opened
