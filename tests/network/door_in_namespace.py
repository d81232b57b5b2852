"""Run in a network namespace: a door on an address with a hop limit, until stdin ends.

Arguments: the address, the hop limit, and ``lo`` if nothing but `lo` is to be listened on.
Prints the port.
"""
# ruff: noqa: T201 - what it prints is its result

import asyncio
import sys

from sidecar.audit.event import NoAudit
from sidecar.clock import SystemClock
from sidecar.config.address import Address
from sidecar.web.admin_door import AdminDoor
from sidecar.web.binding import Listening
from sidecar.web.ledger import Ledger
from sidecar.web.listener import open_doors


async def main(text: str, hops: str, device: str) -> None:
    address = Address.parse(text)
    only = frozenset({address.host} if device else ())
    listening = Listening(hop_limit=int(hops), only_over_loopback=only)
    ledger = Ledger("admin", NoAudit(), SystemClock())
    doors = [(AdminDoor(dict), (address,))]
    async with open_doors(doors, lambda _: ledger, listening=listening) as (opened,):
        print(opened.urls[0].rpartition(":")[2], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3]))
