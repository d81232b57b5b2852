"""One call of the control plane, and what every operation does with its resources."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.roles_anywhere.descriptions import describe
from sidecar.emulator.roles_anywhere.entities import (
    Crl,
    Home,
    Profile,
    Resource,
    Subject,
    TrustAnchor,
)
from sidecar.emulator.roles_anywhere.store import Store

_Kind = TypeVar("_Kind", bound=Resource)


@dataclass(frozen=True, slots=True)
class Noun:
    """What the API calls a kind of resource: in operations, in ARNs, in members."""

    api: str
    arn: str

    @property
    def identifier_member(self) -> str:
        """The member that names one in requests."""
        return f"{self.list_member.removesuffix('s')}Id"

    @property
    def list_member(self) -> str:
        """The member that lists them in answers."""
        return f"{self.api[0].lower()}{self.api[1:]}s"


NOUNS: Final[Mapping[type[Any], Noun]] = {
    TrustAnchor: Noun("TrustAnchor", "trust-anchor"),
    Profile: Noun("Profile", "profile"),
    Crl: Noun("Crl", "crl"),
    Subject: Noun("Subject", "subject"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who, where, with which members, on which resources, when."""

    caller: Caller
    home: Home
    members: Mapping[str, Any]
    store: Store
    now: datetime

    def find(self, kind: type[_Kind]) -> _Kind:
        """The resource of this kind that the members name.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        noun = NOUNS[kind]
        identifier = self.members[noun.identifier_member]
        found = self.store.find(self.home.arn(noun.arn, identifier))
        if not isinstance(found, kind):
            raise AwsError(404, "ResourceNotFoundException", f"{noun.api} not found: {identifier}")
        return found

    def put(self, resource: Resource) -> dict[str, object]:
        """Keep a new or changed resource, and describe it."""
        changed = replace(resource, updated_at=self.now)
        self.store.put(changed)
        return describe(changed)

    def given(self, **fields: str) -> dict[str, Any]:
        """The members that were given, by the names of the fields that they change."""
        changes = {fields[name]: self.members[name] for name in fields if name in self.members}
        return {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in changes.items()
        }

    def blob(self, name: str) -> bytes:
        """A member that is sent in base64.

        Raises:
            AwsError: ValidationException.
        """
        try:
            return base64.b64decode(self.members[name], validate=True)
        except ValueError:
            raise invalid(f"{name} is not base64") from None

    def tags(self) -> dict[str, str]:
        """The tags among the members."""
        return {tag["key"]: tag["value"] for tag in self.members.get("tags", ())}


Operation = Callable[[Call], object]


def invalid(message: str) -> AwsError:
    """Refuse what was asked for, as it is."""
    return AwsError(400, "ValidationException", message)
