"""Which role comes through which: chains from a role to the one that needs no other."""

from collections.abc import Mapping

from sidecar.arn import Arn
from sidecar.config.role_sources import AccessKeySecretSection, RoleSection, ViaSection

Roles = Mapping[str, RoleSection]


def chain_of(name: str, roles: Roles) -> tuple[str, ...]:
    """Follow ``via`` from a role to its root; in a cycle, to the first name that comes again.

    Args:
        name: the role to begin with.
        roles: every role; one that could not be read may be None, and ends the chain.

    """
    path = [name]
    while (via := _via(roles[path[-1]])) in roles:
        path.append(via)
        if via in path[:-1]:
            break
    return tuple(path)


def cycles(roles: Roles) -> list[tuple[str, ...]]:
    """Find every cycle, once, beginning and ending with that of its roles that is named first."""
    chains = (chain_of(name, roles) for name in roles)
    closed = [chain for chain in chains if len(chain) > 1 and chain[0] == chain[-1]]
    order = list(roles)
    return [chain for chain in closed if chain[0] == min(chain, key=order.index)]


def chaining_order(roles: Roles) -> list[str]:
    """Order the names so that every role comes after the one that it is assumed through.

    Without cycles only.
    """
    return sorted(roles, key=lambda name: len(chain_of(name, roles)))


def arn_behind(name: str, roles: Roles) -> Arn | None:
    """Give a role's own ARN; a user has none here, so that of the role which reads its secret.

    Args:
        name: the role's name.
        roles: every role that could be read.

    Returns:
        The ARN; None where users hang on each other, or on what is no role.

    """
    for each in chain_of(name, roles):
        section = roles[each]
        if not isinstance(section, AccessKeySecretSection):
            return section.role_arn
    return None


def _via(section: RoleSection) -> str:
    return section.via if isinstance(section, ViaSection) else ""
