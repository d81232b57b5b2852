"""What a sidecar is still waiting for, and what works and will not for ever."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.clock import Clock
from sidecar.delivery.files import DeliveredFiles
from sidecar.errors import NotReady
from sidecar.identity.checks import check_identity
from sidecar.identity.held import HeldIdentity
from sidecar.providers.refreshing import RefreshingRole
from sidecar.secret_changes import Changes
from sidecar.secret_graph import SecretGraph


@dataclass(frozen=True, slots=True)
class Readiness:
    """Everything that a sidecar keeps fresh, and how that goes.

    Args:
        roles: the roles, by name.
        held: the identity, if there is one.
        secrets: the caches.
        changes: prefetching, and the ways in which changes arrive.
        files: what is written.
        clock: the clock.

    """

    roles: Mapping[str, RefreshingRole]
    held: HeldIdentity | None
    secrets: SecretGraph
    changes: Changes
    files: DeliveredFiles
    clock: Clock

    def pending(self) -> dict[str, str]:
        """Say what is waited for, and why; nothing means ready."""
        return _not_ready(self.roles) | {**self.changes.prefetch.pending(), **self.files.pending()}

    def warnings(self) -> dict[str, str]:
        """Say what works still, and will not for ever."""
        return {
            **_not_renewed(self.roles),
            **_findings(self.held, self.clock),
            **_served_as_they_are(self.secrets),
            **self.changes.warnings(),
        }


def _not_ready(roles: Mapping[str, RefreshingRole]) -> dict[str, str]:
    """Say which roles have no session, and why."""
    pending: dict[str, str] = {}
    for name, role in roles.items():
        try:
            role.current()
        except NotReady as exc:
            pending[f"role {name}"] = exc.message
    return pending


def _findings(held: HeldIdentity | None, clock: Clock) -> dict[str, str]:
    """Say what is to be seen to about the identity in use, such as its expiry."""
    if held is None:
        return {}
    found = check_identity(held.current, clock.now())
    return {f"identity {each.code}": each.sentence for each in found}


def _not_renewed(roles: Mapping[str, RefreshingRole]) -> dict[str, str]:
    """Say which roles could not be renewed last time, whatever is served of them."""
    troubles = ((f"role {name}", role.trouble()) for name, role in roles.items())
    return {name: f"not renewed: {why}" for name, why in troubles if why is not None}


def _served_as_they_are(secrets: SecretGraph) -> dict[str, str]:
    """Say how many values could not be renewed last time."""
    caches = {
        "secrets": secrets.secrets.not_renewed(),
        "parameters": secrets.parameters.not_renewed(),
    }
    return {name: f"{count} not renewed: see the log" for name, count in caches.items() if count}
