"""Who calls: the session that a request is signed with, and the apps that may be behind it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, Self

from sidecar.access.decision import Action
from sidecar.access.shared_role import RoleHolders
from sidecar.access.vended import VendedSession
from sidecar.errors import Forbidden, SidecarError
from sidecar.redaction import Secret
from sidecar.web.ledger import Entry

log = logging.getLogger(__name__)

_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request says that it was signed by; after `authentic`, who signed it."""

    session: VendedSession
    holders: RoleHolders
    entry: Entry

    def authentic(self) -> Self:
        """Note that the signature was found right: from now on the apps are named."""
        return replace(self, entry=self.entry.of(str(self.holders), ""))

    @contextmanager
    def asking(self, action: str, resource: str) -> Iterator[None]:
        """Put down how a read ends that fails within the block."""
        entry = self.entry.another().about(resource, action)
        try:
            yield
        except Forbidden as exc:
            entry.denied(exc.reason, access_key_id=self._key_id)
            raise
        except SidecarError as exc:
            entry.failed(exc.message, access_key_id=self._key_id)
            raise

    def granted(self, action: str, resource: str, cache: str = "") -> None:
        """Put down that something was given, or sent on."""
        entry = self.entry.another().about(resource, action)
        entry.granted(cache=cache, access_key_id=self._key_id)

    def failed(self, action: str, resource: str, reason: str) -> None:
        """Put down that something was allowed here, and not given."""
        self.entry.another().about(resource, action).failed(reason, access_key_id=self._key_id)

    def check(
        self, judged: Action, action: str, resource: str, source_result: Secret | None = None
    ) -> None:
        """Refuse what the policy does not allow, in the form of IAM's sentence.

        Args:
            judged: what is judged.
            action: what AWS calls it.
            resource: what it is asked for.
            source_result: see `sidecar.access.decision.decide`.

        Raises:
            Forbidden: it names the policy that it comes from.

        """
        decision = self.holders.decide(judged, resource, source_result)
        if decision.allowed:
            return
        # The resource is a caller's own text: a log line shows no more than the beginning of it.
        log.warning("%s: %s was denied %s", self.holders, action, ascii(resource[:_SHOWN]))
        raise Forbidden(
            f"User: {self.session.credentials.role_arn} is not authorized to perform: {action} on "
            f"resource: {resource[:_SHOWN]} because the sidecar's policy of {self.holders} does "
            "not allow it",
            reason=decision.reason,
        )

    @property
    def _key_id(self) -> str:
        return self.session.credentials.access_key_id
