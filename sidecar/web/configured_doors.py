"""The doors open as the configuration says: where, how far, and on whose sockets."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sidecar.config.address import Address
from sidecar.config.control_section import SocketPlace
from sidecar.config.doors_section import DoorsSection
from sidecar.config.listening import link_local_addresses
from sidecar.network.loopback_addresses import on_loopback
from sidecar.web.binding import Listening
from sidecar.web.ledger import Ledger
from sidecar.web.listener import DEFAULT_LIMITS, ConnectionLimits, Door, OpenDoor, open_doors
from sidecar.web.socket_activation import Inherited


@dataclass(frozen=True, slots=True)
class Opening:
    """What the process, and not the configuration, says of how doors are opened.

    Args:
        limits: what connections may take up.
        inherited: sockets in place of some doors' addresses.
        control: where the control socket is; None stands for nowhere.

    """

    limits: ConnectionLimits = DEFAULT_LIMITS
    inherited: Inherited = field(default_factory=lambda: MappingProxyType({}))
    control: SocketPlace | None = None


AS_USUAL: Final = Opening()


@asynccontextmanager
async def open_configured_doors(
    doors: Iterable[tuple[Door, tuple[Address, ...]]],
    ledger_of: Callable[[str], Ledger],
    section: DoorsSection,
    opening: Opening,
) -> AsyncIterator[tuple[OpenDoor, ...]]:
    """Open every door on its addresses; add those to `lo` first, if so configured.

    Raises:
        ListenError: an address is taken, is not this machine's, or cannot be added.

    """
    added = link_local_addresses(section) if section.add_link_local else ()
    listening = Listening(
        section.hop_limit, section.allowed_hosts, frozenset(added), opening.inherited
    )
    with on_loopback(added):
        opens = open_doors(doors, ledger_of, listening=listening, limits=opening.limits)
        async with opens as opened:
            yield opened
