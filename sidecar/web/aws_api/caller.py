"""Who calls: the session that a request is signed with, and the apps that may be behind it."""

import logging
from dataclasses import dataclass
from typing import Final

from sidecar.access.shared_role import RoleHolders
from sidecar.access.vended import VendedSession
from sidecar.errors import Forbidden

log = logging.getLogger(__name__)

_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request that was found authentic."""

    session: VendedSession
    holders: RoleHolders

    def denied(self, action: str, resource: str) -> Forbidden:
        """Say no in the form of IAM's sentence, and name the policy that it comes from."""
        # The resource is a caller's own text: a log line shows no more than the beginning of it.
        log.warning("%s: %s was denied %s", self.holders, action, ascii(resource[:_SHOWN]))
        return Forbidden(
            f"User: {self.session.credentials.role_arn} is not authorized to perform: {action} on "
            f"resource: {resource[:_SHOWN]} because the sidecar's policy of {self.holders} does "
            "not allow it"
        )
