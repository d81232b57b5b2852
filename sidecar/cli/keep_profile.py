"""Keeping a profile of the credentials file fresh until a signal comes."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from sidecar.cli.new_session import checked_identity, session_source
from sidecar.cli.profile_writer import ProfileWriter
from sidecar.cli.session_flags import SessionRequest
from sidecar.cli.stop_signal import stop_signal
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.identity.held import HeldIdentity
from sidecar.identity.places import IdentityPlaces
from sidecar.identity.remembered_password import RememberedPassword
from sidecar.providers.refreshing import RefreshingRole

log = logging.getLogger("sidecar.update")


def keep_profile(
    name: str,
    request: SessionRequest,
    places: IdentityPlaces,
    write: Callable[[Credentials], None],
    clock: Clock,
) -> None:
    """Write a session now and each new one in time; returns when SIGTERM or SIGINT comes.

    Args:
        name: the profile's name, for the log.
        request: which session.
        places: where the identity is; a new one there is taken into use.
        write: puts a session into the file; blocks.
        clock: the wall clock.

    Raises:
        OperatorError: identity, endpoint or CA bundle cannot be used at the start.

    """
    identity = _held_identity(places, clock)

    async def write_in_a_thread(session: Credentials) -> None:
        await asyncio.to_thread(write, session)

    writer = ProfileWriter(write_in_a_thread, clock)
    asyncio.run(_keep_fresh(name, request, identity, writer, clock))


def _held_identity(places: IdentityPlaces, clock: Clock) -> HeldIdentity:
    """Read the identity, asking for its password now and never again."""
    if not places.password.asks:
        return HeldIdentity(checked_identity(places, clock), places, clock)
    remembered = RememberedPassword(places.password)
    identity = checked_identity(replace(places, password=remembered), clock)
    return HeldIdentity(identity, replace(places, password=remembered.without_asking()), clock)


async def _keep_fresh(
    name: str,
    request: SessionRequest,
    identity: HeldIdentity,
    writer: ProfileWriter,
    clock: Clock,
) -> None:
    """Renew and write until a signal comes; what fails unexpectedly is raised."""
    stopped = stop_signal()
    async with session_source(request, identity.key, clock) as source:
        role = RefreshingRole(name, source, clock)
        role.on_change(writer.take)
        identity.on_change(lambda _: role.renew_soon())
        at_work = [asyncio.create_task(each.run()) for each in (identity, writer, role)]
        try:
            await asyncio.wait({stopped, *at_work}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in at_work:
                each.cancel()
            ends = await asyncio.gather(*at_work, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end
    log.info("stopping on a signal")
