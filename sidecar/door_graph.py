"""Every door that is configured, made of what stands behind it."""

from collections.abc import Awaitable, Iterator

from sidecar.aws.json_api import ApiCall
from sidecar.aws.reader import Reader
from sidecar.config.address import Address
from sidecar.config.metadata_consistency import metadata_app
from sidecar.interior import Interior
from sidecar.readiness import Readiness
from sidecar.web.admin_door import AdminDoor
from sidecar.web.aws_api.in_flight import MOST
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api_door import AwsApiDoor, AwsApiLimits
from sidecar.web.credentials_door import PLACES as CREDENTIALS_PLACES
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.instance_facts import instance_facts
from sidecar.web.invalidate_route import InvalidateRoute
from sidecar.web.listener import Door
from sidecar.web.metadata_door import MetadataDoor
from sidecar.web.secrets_door import SecretsDoor, SecretsDoorOptions


def build_doors(
    inside: Interior, readiness: Readiness
) -> tuple[tuple[Door, tuple[Address, ...]], ...]:
    """Make the doors that are not off, the credentials door first, each with its addresses."""
    return tuple((door, where) for door, where in _doors(inside, readiness) if where)


def _doors(inside: Interior, readiness: Readiness) -> Iterator[tuple[Door, tuple[Address, ...]]]:
    places = inside.config.doors
    yield _credentials_door(inside), places.credentials
    yield _secrets_door(inside), places.secrets
    yield _aws_api_door(inside), places.aws_api
    if places.metadata:
        yield _metadata_door(inside), places.metadata
    invalidate = InvalidateRoute(inside.changes.invalidation, inside.clock)
    admin_tokens = inside.access.admin_tokens
    yield AdminDoor(readiness.pending, readiness.warnings, invalidate, admin_tokens), places.admin


def _places(inside: Interior, most: int) -> int:
    """Say how many requests a door may work on at once, of at most so many.

    A connection that is worked on is never given up for another. So some have to be left, or
    whoever has every place would keep all others from being let in.
    """
    return max(1, min(most, inside.connections * 3 // 4))


def _credentials_door(inside: Interior) -> CredentialsDoor:
    access = inside.access
    ledger = inside.ledger_of(CredentialsDoor.name)
    places = _places(inside, CREDENTIALS_PLACES)
    return CredentialsDoor(access.sessions, access.callers, ledger, places=places)


def _secrets_door(inside: Interior) -> SecretsDoor:
    secrets, section = inside.secrets, inside.config.secrets
    return SecretsDoor(
        secrets.secrets,
        secrets.parameters,
        secrets.readers,
        inside.access.callers,
        inside.ledger_of(SecretsDoor.name),
        options=SecretsDoorOptions(
            section.path_prefix, section.ssrf_headers, _places(inside, section.max_conn)
        ),
    )


def _aws_api_door(inside: Interior) -> AwsApiDoor:
    secrets, forwarder = inside.secrets, inside.forwarder
    readers = secrets.readers

    def ask_as(reader: Reader, call: ApiCall) -> Awaitable[bytes]:
        return readers.read(reader, lambda held: forwarder.ask(call, held))

    reads = CachedReads(
        secrets.secrets, secrets.parameters, secrets.replies, ask_as, readers.default.role
    )
    ledger = inside.ledger_of(AwsApiDoor.name)
    callers, vended = inside.access.callers, inside.access.sessions.vended
    limits = AwsApiLimits(_places(inside, MOST))
    return AwsApiDoor(vended, lambda: callers.apps, reads, forwarder, ledger, limits=limits)


def _metadata_door(inside: Interior) -> MetadataDoor:
    config, access = inside.config, inside.access
    name = metadata_app(config.metadata, config.apps) or ""
    return MetadataDoor(
        lambda: access.callers.access.app(name),
        access.sessions,
        lambda app: instance_facts(config, app.roles[0]),
        inside.ledger_of(MetadataDoor.name),
    )
