"""Every door that is configured, made of what stands behind it."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from sidecar.aws.forwarding import Forwarder
from sidecar.aws.json_api import ApiCall
from sidecar.aws.reader import Reader
from sidecar.clock import Clock
from sidecar.config.address import Address
from sidecar.config.metadata_consistency import metadata_app
from sidecar.config.schema import Config
from sidecar.living_access import LivingAccess
from sidecar.readiness import Readiness
from sidecar.secret_changes import Changes
from sidecar.secret_graph import SecretGraph
from sidecar.web.admin_door import AdminDoor
from sidecar.web.aws_api.in_flight import MOST
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api_door import AwsApiDoor, AwsApiLimits
from sidecar.web.credentials_door import PLACES as CREDENTIALS_PLACES
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.instance_facts import instance_facts
from sidecar.web.invalidate_route import InvalidateRoute
from sidecar.web.ledger import Ledger
from sidecar.web.listener import Door
from sidecar.web.metadata_door import MetadataDoor
from sidecar.web.secrets_door import SecretsDoor, SecretsDoorOptions


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the doors.

    Args:
        config: the configuration.
        access: who is let in, and with which sessions.
        secrets: the caches.
        changes: what tells the caches of changes.
        forwarder: the aws-api door's way to AWS.
        ledger_of: gives where a door puts its decisions down.
        connections: how many of them a door holds.

    """

    config: Config
    access: LivingAccess
    secrets: SecretGraph
    changes: Changes
    forwarder: Forwarder
    ledger_of: Callable[[str], Ledger]
    connections: int

    def places(self, most: int) -> int:
        """Say how many requests a door may work on at once, of at most so many.

        A connection that is worked on is never given up for another. So some have to be left, or
        whoever has every place would keep all others from being let in.
        """
        return max(1, min(most, self.connections * 3 // 4))


def build_doors(
    behind: Behind, readiness: Readiness, clock: Clock
) -> tuple[tuple[Door, tuple[Address, ...]], ...]:
    """Make the doors that are not off, the credentials door first, each with its addresses."""
    return tuple((door, where) for door, where in _doors(behind, readiness, clock) if where)


def _doors(
    behind: Behind, readiness: Readiness, clock: Clock
) -> Iterator[tuple[Door, tuple[Address, ...]]]:
    places = behind.config.doors
    yield _credentials_door(behind), places.credentials
    yield _secrets_door(behind), places.secrets
    yield _aws_api_door(behind), places.aws_api
    if places.metadata:
        yield _metadata_door(behind), places.metadata
    invalidate = InvalidateRoute(behind.changes.invalidation, clock)
    yield AdminDoor(readiness.pending, readiness.warnings, invalidate), places.admin


def _credentials_door(behind: Behind) -> CredentialsDoor:
    access = behind.access
    ledger = behind.ledger_of(CredentialsDoor.name)
    places = behind.places(CREDENTIALS_PLACES)
    return CredentialsDoor(access.sessions, access.callers, ledger, places=places)


def _secrets_door(behind: Behind) -> SecretsDoor:
    secrets, section = behind.secrets, behind.config.secrets
    return SecretsDoor(
        secrets.secrets,
        secrets.parameters,
        secrets.readers,
        behind.access.callers,
        behind.ledger_of(SecretsDoor.name),
        options=SecretsDoorOptions(
            section.path_prefix, section.ssrf_headers, behind.places(section.max_conn)
        ),
    )


def _aws_api_door(behind: Behind) -> AwsApiDoor:
    secrets, forwarder = behind.secrets, behind.forwarder
    readers = secrets.readers

    def ask_as(reader: Reader, call: ApiCall) -> Awaitable[bytes]:
        return readers.read(reader, lambda held: forwarder.ask(call, held))

    reads = CachedReads(
        secrets.secrets, secrets.parameters, secrets.replies, ask_as, readers.default.role
    )
    ledger = behind.ledger_of(AwsApiDoor.name)
    callers, vended = behind.access.callers, behind.access.sessions.vended
    limits = AwsApiLimits(behind.places(MOST))
    return AwsApiDoor(vended, lambda: callers.apps, reads, forwarder, ledger, limits=limits)


def _metadata_door(behind: Behind) -> MetadataDoor:
    config, access = behind.config, behind.access
    name = metadata_app(config.metadata, config.apps) or ""
    return MetadataDoor(
        lambda: access.callers.access.app(name),
        access.sessions,
        lambda app: instance_facts(config, app.roles[0]),
        behind.ledger_of(MetadataDoor.name),
    )
