"""Each app's own session of each of its roles, so that whoever signs with it is known."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from sidecar.access.policy import App
from sidecar.access.vended import VendedSessions
from sidecar.background import Background
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import NotReady
from sidecar.providers.refreshing import RefreshingRole
from sidecar.role_graph import RoleGraph


class Watch(Protocol):
    """Is told of every session that begins and ends; neither may fail."""

    def began(self, role: str, app: str, session: RefreshingRole) -> None:
        """Take it that a session of a role is renewed from now on; no app: it is the sidecar's."""
        ...

    def ended(self, role: str, app: str) -> None:
        """Take it that an app's own session of a role is renewed no more."""
        ...


class AppSessions:
    """Gives apps their sessions, and says who signed with one.

    The first app that has a role gets the session that the sidecar itself uses; every further app
    gets one of its own. Whose a session is never changes: what was once given to an app may be used
    by it for as long as it lives, whatever the configuration says by then.

    Args:
        graph: the roles.
        shared: the roles of which all apps get the same session.
        background: where sessions are renewed.
        clock: the wall clock.

    """

    def __init__(
        self, graph: RoleGraph, shared: Collection[str], background: Background, clock: Clock
    ) -> None:
        self.vended = VendedSessions()
        self._graph = graph
        self._shared = shared
        self.background = background
        self._clock = clock
        self._apps: tuple[App, ...] = ()
        self._owners: dict[str, str] = {}
        self._further: dict[tuple[str, str], RefreshingRole] = {}
        self._renewing: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._watches: list[Watch] = []

    def watched_by(self, watch: Watch) -> None:
        """Tell of every session, also of those that begin later; to be called before `start`."""
        self._watches.append(watch)
        for name, role in self._graph.roles.items():
            watch.began(name, "", role)

    def start(self, apps: Sequence[App]) -> None:
        """Begin to renew every session."""
        self.assign(apps)
        for name, role in self._graph.roles.items():
            role.on_change(partial(self._keep_first, name))
            self.background.start(role.run())

    def assign(self, apps: Sequence[App]) -> None:
        """Give these apps their sessions, and end those that nobody may have any more."""
        self._note_who_left(apps)
        wanted = set[tuple[str, str]]()
        for app in apps:
            for role in app.roles:
                if role not in self._shared and self._owner(role, app) != app.name:
                    wanted.add((app.name, role))
        for key in self._further.keys() - wanted:
            del self._further[key]
            self._renewing.pop(key).cancel()
            for watch in self._watches:
                watch.ended(key[1], key[0])
        for app_name, role in sorted(wanted - self._further.keys()):
            self._add(app_name, role)

    def _owner(self, role: str, app: App) -> str:
        """Name whose the sidecar's own session of a role is: that of the first that may have it."""
        if role not in self._owners:
            self._owners[role] = app.name
            self.vended.give_to(role, app.name)
        return self._owners[role]

    def _note_who_left(self, apps: Sequence[App]) -> None:
        """Keep in mind who holds a shared session and may have the role no more.

        Whoever signs with it may be that app: until those that stay have the next one, it must not
        be taken for one of them.
        """
        for role in self._shared:
            stay = {app.name for app in apps if app.may_have_role(role)}
            left = [app for app in self._apps if app.may_have_role(role) and app.name not in stay]
            if left:
                self.vended.left(role, left)
                self._graph.roles[role].renew_soon()
        self._apps = tuple(apps)

    def knows(self, role: str) -> bool:
        """Whether there is such a role."""
        return role in self._graph.roles

    def of(self, app: App, role: str) -> RefreshingRole:
        """Give an app's own session of a role.

        Not checked: whether the app may have it; what it was not assigned, it does not get.

        Raises:
            NotReady: it was assigned none.

        """
        if role in self._shared or self._owners.get(role) == app.name:
            return self._graph.roles[role]
        found = self._further.get((app.name, role))
        if found is None:
            raise NotReady(f"app {app.name} has no session of role {role}")
        return found

    def doubt(self, credentials: Credentials) -> None:
        """Say that AWS refused what an app signed with; what is no longer handed out is let be."""
        for each in self._everyone():
            each.doubt(credentials)

    def all(self) -> Mapping[str, RefreshingRole]:
        """Give every session by what it is called."""
        return {role.name: role for role in self._everyone()}

    def of_roles(self, names: Collection[str]) -> Iterator[RefreshingRole]:
        """Give every session of some roles."""
        yield from (self._graph.roles[name] for name in names)
        yield from (each for (_, name), each in self._further.items() if name in names)

    def _everyone(self) -> Iterator[RefreshingRole]:
        yield from self._graph.roles.values()
        yield from self._further.values()

    def _add(self, app: str, role: str) -> None:
        session = self._graph.another(role, f"{role} of app {app}")
        session.on_change(partial(self._keep, role, app))
        for watch in self._watches:
            watch.began(role, app, session)
        self._further[app, role] = session
        self._renewing[app, role] = self.background.start(session.run())

    def _keep_first(self, role: str, credentials: Credentials) -> None:
        """Note a session of the sidecar's own, which is also that of the role's first app."""
        self._keep(role, self._owners.get(role), credentials)

    def _keep(self, role: str, app: str | None, credentials: Credentials) -> None:
        self.vended.keep(role, credentials, self._clock.now(), app=app)
