"""What is still waited for, and what works but will not for ever: in sentences, for /readyz."""

from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.clock import Clock
from sidecar.errors import NotReady
from sidecar.identity.checks import check_identity
from sidecar.identity.held import HeldIdentity
from sidecar.interior import Interior
from sidecar.key_rotation import KeyRotation
from sidecar.providers.refreshing import RefreshingRole
from sidecar.secret_graph import SecretGraph


@dataclass(frozen=True, slots=True)
class Readiness:
    """Asks everybody who may have something to say."""

    inside: Interior

    def pending(self) -> dict[str, str]:
        """Say what is still waited for, and why."""
        inside = self.inside
        roles = _not_ready(inside.access.sessions.all())
        return {
            **inside.access.pending(),
            **roles,
            **inside.changes.prefetch.pending(),
            **inside.files.pending(),
        }

    def warnings(self) -> dict[str, str]:
        """Say what must be seen to, whatever works at this moment."""
        inside = self.inside
        return {
            **_not_renewed(inside.access.sessions.all()),
            **_findings(inside.held, inside.clock),
            **_served_as_they_are(inside.secrets),
            **inside.changes.warnings(),
            **inside.access.warnings(),
            **_not_kept(inside.rotations),
            **inside.audit.warnings(),
            **inside.notices.warnings(),
        }


def _not_kept(rotations: tuple[KeyRotation, ...]) -> dict[str, str]:
    """Say which access keys could not be rotated or retired last time."""
    troubles = ((f"rotation {each.name}", each.trouble) for each in rotations)
    return {name: f"not rotated: {why}" for name, why in troubles if why is not None}


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
