"""Asking for a session of IAM Roles Anywhere with what a command's flags say.

Imported only when AWS is asked: the libraries that it needs take longer to load than all else.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from sidecar.aws.http import http_client
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.cli.identity_flags import password_wanted
from sidecar.cli.session_flags import SessionRequest
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.identity.examined import examine, refusal, told
from sidecar.identity.identity import Identity
from sidecar.identity.places import IdentityPlaces
from sidecar.providers.attempts import first_session
from sidecar.providers.roles_anywhere import RolesAnywhereSource
from sidecar.signing.x509 import CertifiedKey

log = logging.getLogger("sidecar.session")

_ATTEMPTS: Final = 3


def new_session(request: SessionRequest, places: IdentityPlaces, clock: Clock) -> Credentials:
    """Ask for one session, a few times where asking again may help.

    Raises:
        OperatorError: identity, endpoint or CA bundle cannot be used.
        UpstreamError: AWS, or the way to it, did not give one.

    """
    identity = checked_identity(places, clock)
    return asyncio.run(_ask(request, identity, clock))


def checked_identity(places: IdentityPlaces, clock: Clock) -> Identity:
    """Read the identity; what is wrong with it is raised, or logged where AWS may let it pass.

    Not checked: whether AWS trusts its issuer.

    Raises:
        IdentityError: it cannot be read or used.

    """
    with password_wanted():
        found = examine(places, clock.now())
    if found.errors:
        raise refusal(found.errors)
    for each in found.warnings:
        log.warning("%s; %s", told(each), each.hint)
    return found.identity


@asynccontextmanager
async def session_source(
    request: SessionRequest, key: Callable[[], CertifiedKey], clock: Clock
) -> AsyncIterator[RolesAnywhereSource]:
    """Give a source of sessions while its connections are open.

    Args:
        request: which session, of which endpoint.
        key: gives the certified key of the moment.
        clock: the wall clock.

    """
    endpoint = request.endpoint()
    async with http_client(request.ca_bundle, verify=request.verify) as http:
        client = RolesAnywhere(http, endpoint=endpoint, region=request.region, clock=clock)
        yield RolesAnywhereSource(client, request.parameters, key)


async def _ask(request: SessionRequest, identity: Identity, clock: Clock) -> Credentials:
    async with session_source(request, identity.certified_key, clock) as source:
        return await first_session(source, clock, attempts=_ATTEMPTS, jitter=random.random)
