"""What the doors that give credentials need to know of sessions."""

from typing import Protocol

from sidecar.access.policy import App
from sidecar.providers.refreshing import RefreshingRole


class Sessions(Protocol):
    """Whose session of a role an app gets."""

    def knows(self, role: str) -> bool:
        """Whether there is such a role."""
        ...

    def of(self, app: App, role: str) -> RefreshingRole:
        """Give an app's session of a role; NotReady when it has none."""
        ...
