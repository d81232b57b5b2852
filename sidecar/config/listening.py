"""Where each door may listen, given what else is configured."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from sidecar.config.address import CONTAINER_ENDPOINTS, METADATA_ENDPOINTS, Address, IPAddress
from sidecar.config.doors_section import AdminSection, DoorsSection
from sidecar.errors import Problem

ADMIN: Final = "admin"
# Doors at which every request shows an app's token or a signature; no other may ever be reached
# from elsewhere.
DOORS_WITH_TOKENS: Final = frozenset({"credentials", "secrets", "aws_api"})
# Addresses off loopback that are a door's own, since SDKs look for it there.
LINK_LOCAL: Final[Mapping[str, frozenset[IPAddress]]] = {
    **dict.fromkeys(DOORS_WITH_TOKENS, CONTAINER_ENDPOINTS),
    "metadata": METADATA_ENDPOINTS,
}

_ALL_LINK_LOCAL: Final = CONTAINER_ENDPOINTS | METADATA_ENDPOINTS


def listening_problems(
    doors: DoorsSection, admin: AdminSection, faulty: AbstractSet[str] = frozenset()
) -> Iterator[Problem]:
    """Find addresses that two doors have, or that a door may not have.

    Args:
        doors: where the doors listen.
        admin: the admin door's token.
        faulty: sections whose values could not be read.

    """
    if "admin" not in faulty and admin.static_token_file and admin.token_env:
        yield Problem(
            "admin", "has two tokens", "set one of static_token_file and token_env, or neither"
        )
    if "doors" not in faulty:
        yield from _taken_twice(doors)
        every = [(door, each) for door, found in doors.by_door().items() for each in found]
        sound = (pair for pair in every if not (pair[0] == ADMIN and "admin" in faulty))
        found = (address_problem(door, address, doors, admin) for door, address in sound)
        yield from (problem for problem in found if problem is not None)


def _taken_twice(doors: DoorsSection) -> Iterator[Problem]:
    taken: dict[Address, str] = {}
    for door, addresses in doors.by_door().items():
        for address in addresses:
            if address.port and address in taken:
                yield Problem(
                    f"doors.{door}", f"{address} is taken by doors.{taken[address]}", "use another"
                )
            taken[address] = door


def address_problem(
    door: str, address: Address, doors: DoorsSection, admin: AdminSection
) -> Problem | None:
    """Say why a door may not listen on an address, or None if it may."""
    if not _is_remote(door, address):
        return None
    if door == ADMIN:
        return _admin_problem(address, doors, admin)
    if door not in DOORS_WITH_TOKENS:
        return Problem(
            f"doors.{door}",
            f"{address} is reachable from elsewhere, and this door asks for no token",
            f"use one of {', '.join(_own(door))}",
        )
    if doors.allow_remote:
        return None
    return Problem(
        f"doors.{door}",
        f"{address} is reachable from elsewhere",
        f"use one of {', '.join(_own(door))}; or, if other machines shall reach this door, set "
        "doors.allow_remote = true (docs/listening.md)",
    )


def remote_doors(doors: DoorsSection) -> Iterator[str]:
    """Warn of doors that other machines reach: what they say is not encrypted."""
    for door, addresses in doors.by_door().items():
        remote = [each for each in addresses if _is_remote(door, each)]
        if remote:
            yield (
                f"other machines reach the {door} door at {', '.join(map(str, remote))}: over "
                "plain HTTP, so that who reads that network reads tokens and secrets"
            )


def _is_remote(door: str, address: Address) -> bool:
    return not address.host.is_loopback and address.host not in LINK_LOCAL.get(door, frozenset())


def link_local_addresses(doors: DoorsSection) -> tuple[IPAddress, ...]:
    """List the link-local addresses that doors listen on, each once."""
    hosts = (each.host for addresses in doors.by_door().values() for each in addresses)
    return tuple(dict.fromkeys(host for host in hosts if host in _ALL_LINK_LOCAL))


def _admin_problem(address: Address, doors: DoorsSection, admin: AdminSection) -> Problem | None:
    where = f"doors.{ADMIN}"
    if not (admin.static_token_file or admin.token_env):
        return Problem(
            where,
            f"{address} is not a loopback address, and this door has no token",
            "use 127.0.0.1 or [::1]; or give it a token in [admin], and set doors.allow_remote",
        )
    if doors.allow_remote:
        return None
    return Problem(
        where,
        f"{address} is reachable from elsewhere",
        "use 127.0.0.1 or [::1]; or set doors.allow_remote = true (docs/listening.md)",
    )


def _own(door: str) -> list[str]:
    own = sorted(LINK_LOCAL.get(door, ()), key=lambda host: (host.version, host.packed))
    return ["127.0.0.1", "[::1]", *(Address(host, 0).host_in_url for host in own)]
