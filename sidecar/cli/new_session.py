"""Asking for a session of IAM Roles Anywhere with what a command's flags say.

Imported only when AWS is asked: the libraries that it needs take longer to load than all else.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sidecar.aws.http import http_client
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.cli.identity_flags import identity_told_by_flag
from sidecar.cli.session_flags import SessionRequest
from sidecar.clock import Clock, iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError
from sidecar.identity.examined import examine, refusal, told
from sidecar.identity.identity import Identity
from sidecar.identity.places import IdentityPlaces
from sidecar.providers.attempts import first_session
from sidecar.providers.refreshing import RoleSource
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
    with identity_told_by_flag():
        found = examine(places, clock.now())
    if found.errors:
        raise refusal(found.errors)
    for each in found.warnings:
        log.warning("%s; %s", told(each), each.hint)
    certificate = found.identity.certificate
    log.debug(
        "certificate: %s, serial %x, valid until %s",
        certificate.subject.rfc4514_string() or "(no subject)",
        certificate.serial_number,
        iso_seconds(certificate.not_valid_after_utc),
    )
    return found.identity


@dataclass(frozen=True, slots=True)
class _Told:
    """A source that says at debug level what is asked and what comes of it, never a secret."""

    source: RoleSource
    endpoint: str
    request: SessionRequest
    key: Callable[[], CertifiedKey]

    async def fetch(self) -> Credentials:
        """Ask the source."""
        key = self.key()
        log.debug(
            "CreateSession: asking %s, region %s, for %s; %s, certificate serial %x, "
            "intermediates sent: %d",
            self.endpoint,
            self.request.region,
            self.request.parameters.role_arn,
            key.algorithm,
            key.serial_number,
            len(key.chain),
        )
        try:
            session = await self.source.fetch()
        except UpstreamError as exc:
            log.debug("CreateSession: status %d %s", exc.status, exc.code)
            raise
        log.debug("CreateSession: a session until %s", iso_seconds(session.expires_at))
        return session


@asynccontextmanager
async def session_source(
    request: SessionRequest, key: Callable[[], CertifiedKey], clock: Clock
) -> AsyncIterator[RoleSource]:
    """Give a source of sessions while its connections are open.

    Args:
        request: which session, of which endpoint.
        key: gives the certified key of the moment.
        clock: the wall clock.

    """
    endpoint = request.endpoint()
    async with http_client(request.ca_bundle, verify=request.verify) as http:
        client = RolesAnywhere(
            http,
            endpoint=endpoint,
            region=request.region,
            clock=clock,
            verified=request.verify,
        )
        yield _Told(RolesAnywhereSource(client, request.parameters, key), endpoint, request, key)


async def _ask(request: SessionRequest, identity: Identity, clock: Clock) -> Credentials:
    async with session_source(request, identity.certified_key, clock) as source:
        return await first_session(source, clock, attempts=_ATTEMPTS, jitter=random.random)
