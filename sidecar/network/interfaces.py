"""Whether this network namespace has been left by its owner: then only `lo` is left in it.

A container that joined another one's network namespace stays in it when the other one ends; the
engine takes the interfaces away, and whoever is left reaches nothing until it is started again.
"""

import logging
import socket
from collections.abc import Callable, Iterable
from typing import Final

from sidecar.clock import Clock

log = logging.getLogger(__name__)

# What is told then.
LOST: Final = "the network namespace has lost its interfaces: the container that owned it has ended"

LOOK_SECONDS: Final = 2.0
# A network that is being exchanged for another one is away for a moment.
_LOOKS_WITHOUT: Final = 2

# `lo`, and devices that the kernel makes in every namespace when a tunnel's module is loaded
# (net.core.fb_tunnels_only_for_init_net): they connect to nothing by themselves.
_EVERYWHERE: Final = frozenset(
    {
        "lo",
        "tunl0",
        "gre0",
        "gretap0",
        "erspan0",
        "ip_vti0",
        "ip6_vti0",
        "sit0",
        "ip6tnl0",
        "ip6gre0",
    }
)

NetworkSeen = Callable[[], Iterable[str]]


def connects(names: Iterable[str]) -> bool:
    """Whether one of these interfaces may lead anywhere."""
    return not _EVERYWHERE.issuperset(names)


def looks_without(before: int | None, names: Iterable[str]) -> int | None:
    """Count the looks in a row at which nothing led anywhere.

    Args:
        before: what was counted so far; None if nothing ever led anywhere.
        names: the interfaces seen now.

    """
    if connects(names):
        return 0
    return None if before is None else before + 1


def names_of_interfaces() -> list[str]:
    """List this namespace's interfaces."""
    return [name for _, name in socket.if_nameindex()]


async def until_network_is_lost(clock: Clock, look: NetworkSeen = names_of_interfaces) -> None:
    """Return when all interfaces have gone, and never where there were none.

    Args:
        clock: how time passes.
        look: lists the interfaces.

    """
    without: int | None = None
    while True:
        try:
            without = looks_without(without, look())
        except OSError as exc:  # no file to be had for the moment
            log.debug("interfaces cannot be listed: %s", exc)
        if without is not None and without >= _LOOKS_WITHOUT:
            return
        await clock.sleep(LOOK_SECONDS)
