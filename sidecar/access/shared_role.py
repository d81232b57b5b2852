"""What a caller may have of whom only the role is known: pure decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from sidecar.access.policy import App, matches
from sidecar.redaction import Secret


@dataclass(frozen=True, slots=True)
class RoleHolders:
    """The apps that may have a role's credentials, any of which may be the caller.

    A signature proves the role's session, not the app: all apps with the role are given the same
    one. So only what every one of them may have is allowed, and with no app nothing is.
    """

    apps: tuple[App, ...]

    @classmethod
    def of(cls, role: str, apps: Iterable[App]) -> Self:
        """Find those that may have the role."""
        return cls(tuple(app for app in apps if app.may_have_role(role)))

    def __str__(self) -> str:
        return ", ".join(app.name for app in self.apps) or "no app"

    def may_name_secret(self, secret_id: str) -> bool:
        """Whether asking for `secret_id`, in any form, can be right at all."""
        return bool(self.apps) and all(app.may_name_secret(secret_id) for app in self.apps)

    def may_read_secret(self, name: str) -> bool:
        """Whether the secret of this real name may be read."""
        return bool(self.apps) and all(app.may_read_secret(name) for app in self.apps)

    def may_name_parameter(self, name: str) -> bool:
        """Whether asking for the parameter, by name or ARN, can be right at all."""
        return bool(self.apps) and all(app.may_name_parameter(name) for app in self.apps)

    def may_read_parameter(self, name: str, source_result: Secret | None = None) -> bool:
        """Whether the parameter of this real name may be read; see `App.may_read_parameter`."""
        return bool(self.apps) and all(
            app.may_read_parameter(name, source_result) for app in self.apps
        )

    def may_read_path(self, path: str) -> bool:
        """Whether every parameter below a path may be read: IAM, too, grants a path whole.

        Only a pattern that ends with ``*`` covers all names that begin in some way.
        """
        below = f"{path.strip('/')}/".removeprefix("/")
        return bool(self.apps) and all(
            any(
                pattern.endswith("*") and matches(pattern.removeprefix("/"), below)
                for pattern in app.parameters
            )
            for app in self.apps
        )
