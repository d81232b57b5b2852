"""Run in a network namespace: a door on an address with a hop limit, until stdin ends.

Arguments: the address, the hop limit, ``lo`` if nothing but `lo` is to be listened on, and
``inherited`` if the socket is one that listens already.
Prints the port.
"""
# ruff: noqa: T201 - what it prints is its result

import asyncio
import socket
import sys

from sidecar.audit.event import NoAudit
from sidecar.clock import SystemClock
from sidecar.config.address import Address
from sidecar.web.admin_door import AdminDoor
from sidecar.web.binding import Listening
from sidecar.web.ledger import Ledger
from sidecar.web.listener import open_doors


async def main(text: str, hops: str, device: str, source: str = "") -> None:
    address = Address.parse(text)
    only = frozenset({address.host} if device else ())
    inherited = {"admin": (socket.create_server((str(address.host), 0)),)} if source else {}
    listening = Listening(int(hops), only_over_loopback=only, inherited=inherited)
    ledger = Ledger("admin", NoAudit(), SystemClock())
    doors = [(AdminDoor(dict), (address,))]
    async with open_doors(doors, lambda _: ledger, listening=listening) as (opened,):
        print(opened.urls[0].rpartition(":")[2], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
