"""What a caller may have of whom only the session is known: pure decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from sidecar.access.decision import ALLOW, Action, Decision, decide
from sidecar.access.policy import App
from sidecar.redaction import Secret

_NOBODY: Final = Decision(allowed=False, reason="no app may have the role")


@dataclass(frozen=True, slots=True)
class RoleHolders:
    """The apps that may have a session, any of which may be the caller.

    It is one, as long as each app has a session of its own. Where a role's session is shared, the
    signature proves no more than that: so only what every one of them may have is allowed, and with
    no app nothing is.
    """

    apps: tuple[App, ...]

    @classmethod
    def of(
        cls,
        role: str,
        apps: Iterable[App],
        owner: str | None = None,
        former: Iterable[App] = (),
    ) -> Self:
        """Find those that may have the role, or of these the one that owns the session.

        Where any may, those that once shared the session with them may be the caller too.
        """
        holders = [app for app in apps if app.may_have_role(role) and owner in (None, app.name)]
        names = {app.name for app in holders}
        once = [app for app in former if app.name not in names] if holders else []
        return cls((*holders, *once))

    def __str__(self) -> str:
        return ", ".join(app.name for app in self.apps) or "no app"

    def decide(
        self, action: Action, resource: str, source_result: Secret | None = None
    ) -> Decision:
        """Say whether every one of them may; see `sidecar.access.decision.decide`."""
        if not self.apps:
            return _NOBODY
        decisions = (decide(app, action, resource, source_result) for app in self.apps)
        return next((each for each in decisions if not each.allowed), ALLOW)

    def may_name_secret(self, secret_id: str) -> bool:
        """Whether asking for `secret_id`, in any form, can be right at all."""
        return self.decide(Action.NAME_SECRET, secret_id).allowed

    def may_name_parameter(self, name: str) -> bool:
        """Whether asking for the parameter, by name or ARN, can be right at all."""
        return self.decide(Action.NAME_PARAMETER, name).allowed
