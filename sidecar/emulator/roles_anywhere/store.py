"""The resources of Roles Anywhere and their tags, in memory."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TypeVar

from sidecar.emulator.roles_anywhere.entities import Crl, Home, Resource, Subject

_Kind = TypeVar("_Kind", bound=Resource)


class Store:
    """Everything that the control plane keeps, by ARN; safe to use from many threads."""

    def __init__(self) -> None:
        self._resources: dict[str, Resource] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._subjects: dict[tuple[Home, str], str] = {}
        self._lock = Lock()

    def put(self, resource: Resource) -> None:
        """Add or replace a resource."""
        with self._lock:
            self._resources[resource.arn] = resource

    def remove(self, arn: str) -> None:
        """Forget a resource and its tags."""
        with self._lock:
            self._resources.pop(arn, None)
            self._tags.pop(arn, None)

    def find(self, arn: str) -> Resource | None:
        """The resource with this ARN."""
        with self._lock:
            return self._resources.get(arn)

    def all_of(self, kind: type[_Kind], home: Home) -> list[_Kind]:
        """Every resource of one kind in one region of one account, oldest first."""
        prefix = home.arn("", "").rstrip("/")
        with self._lock:
            found = [each for each in self._resources.values() if each.arn.startswith(prefix)]
        return [each for each in found if isinstance(each, kind)]

    def enabled_crls(self, anchor_arn: str) -> list[Crl]:
        """The revocation lists that count for a trust anchor."""
        with self._lock:
            crls = [each for each in self._resources.values() if isinstance(each, Crl)]
        return [each for each in crls if each.enabled and each.trust_anchor_arn == anchor_arn]

    def tags(self, arn: str) -> dict[str, str]:
        """A copy of a resource's tags."""
        with self._lock:
            return dict(self._tags.get(arn, {}))

    def change_tags(self, arn: str, *, add: Mapping[str, str], drop: tuple[str, ...] = ()) -> None:
        """Set some tags and remove others."""
        with self._lock:
            kept = {**self._tags.get(arn, {}), **add}
            self._tags[arn] = {key: value for key, value in kept.items() if key not in drop}

    def change_subject(
        self, home: Home, name: str, change: Callable[[Subject | None], Subject]
    ) -> Subject:
        """Replace the subject of this name, or make it when `change` is given None."""
        with self._lock:
            known = self._resources.get(self._subjects.get((home, name), ""))
            changed = change(known if isinstance(known, Subject) else None)
            self._subjects[home, name] = changed.arn
            self._resources[changed.arn] = changed
        return changed
