"""Open the doors: temporary credentials and cached secrets for applications on this machine.

Prints one line a door to stdout once it listens, the credentials door first, and logs to stderr.
The doors open even while AWS cannot be reached; /readyz on the admin door says when all is served.
SIGTERM and SIGINT finish the requests under way and end with exit code 0. Replaced certificates,
keys and tokens are taken into use by themselves; SIGHUP does it at once, and takes over [apps],
[tokens] and [issuers]. Exit code 69: the container whose network namespace this one joined has
ended, so start this one again.
"""

import argparse
import asyncio
import logging
import os
import signal
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Final

from sidecar.cli.config_option import add_config_argument
from sidecar.cli.helper_serve_flags import add_helper_flags
from sidecar.cli.log_setup import set_up_logging
from sidecar.cli.stop_signal import stop_signal
from sidecar.clock import Clock, SystemClock
from sidecar.config.control_section import (
    ControlSection,
    SocketPlace,
    control_place,
    why_nowhere,
)
from sidecar.config.doors_section import DoorsSection
from sidecar.config.load import read_config
from sidecar.errors import NetworkLost
from sidecar.identity.password import PasswordPrompt
from sidecar.network.interfaces import LOST, until_network_is_lost
from sidecar.preflight import prepare
from sidecar.service import Sidecar, running_sidecar
from sidecar.web.configured_doors import Opening
from sidecar.web.listener import DEFAULT_LIMITS, ConnectionLimits
from sidecar.web.open_files import connections_a_door, raised_limit
from sidecar.web.socket_activation import inherited_sockets, with_inherited

EXAMPLE: Final = "sidecar serve --config /etc/sidecar/sidecar.toml"

_START_AGAIN: Final = (
    "start it again, so that it joins the new namespace: restart: unless-stopped in compose"
)

log = logging.getLogger("sidecar.serve")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_config_argument(parser)
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="the least severe lines that are logged (default: log.level of the configuration)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="check configuration, certificate and tokens, say what is wrong, and end",
    )
    add_helper_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    loaded = read_config(arguments.config, os.environ)
    clock = SystemClock()
    prepared = prepare(loaded, os.environ, clock.now(), ask=PasswordPrompt(), clock=clock)
    set_up_logging(arguments.log_level or loaded.config.log.level)
    for warning in prepared.warnings:
        log.warning("%s", warning)
    if arguments.check:
        print("configuration, certificate and tokens are fine")
        return 0
    log.info("configuration from %s", loaded.file or "variables alone")
    inherited = inherited_sockets(os.environ, loaded.config)
    config = with_inherited(loaded.config, inherited)
    limits = connection_limits(config.doors, raised_limit())
    read_again = partial(read_config, loaded.file, os.environ)
    opening = Opening(limits, inherited, _control(config.control))
    running = running_sidecar(config, prepared, clock, opening=opening, read_again=read_again)
    asyncio.run(serve(running, clock))
    return 0


def _control(section: ControlSection) -> SocketPlace | None:
    """Say where the control socket is, and log why where there is none."""
    place = control_place(section, os.environ)
    if place is None:
        why = why_nowhere(section)
        log.info("no control socket: %s (hint: control.socket names its path)", why)
    return place


def connection_limits(doors: DoorsSection, open_files: int) -> ConnectionLimits:
    """Give the limits under which all doors can be full at once, and warn if they are tight.

    Args:
        doors: where the doors listen.
        open_files: how many files the process may have open.

    """
    listening = [each for each in doors.by_door().values() if each]
    addresses = sum(map(len, listening))
    room = connections_a_door(open_files, doors=len(listening), addresses=addresses)
    if room >= DEFAULT_LIMITS.max_connections:
        return DEFAULT_LIMITS
    log.warning(
        "each door holds %d connections at most, not %d: the process may have only %d files open "
        "(hint: raise the hard limit on open files)",
        room,
        DEFAULT_LIMITS.max_connections,
        open_files,
    )
    return replace(DEFAULT_LIMITS, max_connections=room)


async def serve(running: AbstractAsyncContextManager[Sidecar], clock: Clock) -> None:
    """Serve until a signal comes; what fails in the background is raised.

    Args:
        running: opens the doors and closes them.
        clock: the wall clock.

    Raises:
        NetworkLost: the network namespace was left by its owner.

    """
    stopped = stop_signal()
    lost = asyncio.ensure_future(until_network_is_lost(clock))
    try:
        async with running as sidecar:
            reload = sidecar.reloading.reload_on_signal
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
            for door in sidecar.doors:
                for url in door.urls:
                    print(f"listening on {url} ({door.name})", flush=True)
            ends = {stopped, sidecar.broken, lost}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if sidecar.broken.done():
                log.critical("stopping: what keeps the sidecar fresh has failed")
                sidecar.broken.result()
            if lost.done():
                lost.result()
                raise NetworkLost(LOST, hint=_START_AGAIN)
            log.info("stopping on a signal: finishing the requests under way")
    finally:
        lost.cancel()
        await asyncio.gather(lost, return_exceptions=True)
