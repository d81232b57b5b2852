"""What marks a session: a source identity and tags, asked for or handed on by a session before it.

Rules: IAM user guide, "Monitor and control actions taken with assumed roles" and "Chaining roles
with session tags"; STS API reference, "AssumeRole", on Tags and TransitiveTagKeys.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.role_sessions import Grant

_TAG_KEY: Final = re.compile(r"Tags\..+\.Key")
_TRANSITIVE_KEY: Final = re.compile(r"TransitiveTagKeys\..+")


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a session that is to be; `given_tags` are those of the request alone."""

    source_identity: str | None
    tags: Mapping[str, str]
    transitive_tag_keys: frozenset[str]
    given_tags: Mapping[str, str]

    @property
    def actions(self) -> tuple[str, ...]:
        """What must be allowed for them beside sts:AssumeRole, inherited marks included.

        For tags AWS says so of EKS Pod Identity, whose tags are transitive: a role further on must
        trust sts:TagSession.
        """
        marks = {"sts:SetSourceIdentity": self.source_identity, "sts:TagSession": self.tags}
        return tuple(action for action, mark in marks.items() if mark)


def marks_of(parameters: Mapping[str, Any], parent: Grant | None) -> Marks:
    """Put together what AssumeRole asks for and what the caller's session hands on.

    An inherited source identity stands, whatever is asked for.

    Does not check: that nothing else was asked for.

    Args:
        parameters: those of AssumeRole.
        parent: what the session that assumes is; None for a user.

    Raises:
        AwsError: an inherited tag is given anew, or one is made transitive that is not given.
    """
    given = {
        tag: parameters.get(key.removesuffix("Key") + "Value", "")
        for key, tag in parameters.items()
        if _TAG_KEY.fullmatch(key)
    }
    wanted = [key for name, key in parameters.items() if _TRANSITIVE_KEY.fullmatch(name)]
    inherited = {key: parent.tags[key] for key in parent.transitive_tag_keys} if parent else {}
    if again := _alike(given, inherited):
        raise _invalid(f"Tags of the calling session cannot be given anew: {', '.join(again)}")
    if unknown := sorted(set(wanted).difference(_alike(wanted, given))):
        raise _invalid(f"Transitive tag keys without a tag: {', '.join(unknown)}")
    asked = parameters.get("SourceIdentity") or None
    return Marks(
        source_identity=(parent.source_identity if parent else None) or asked,
        tags={**inherited, **given},
        transitive_tag_keys=frozenset([*inherited, *_alike(given, wanted)]),
        given_tags=given,
    )


def _alike(keys: Iterable[str], others: Iterable[str]) -> list[str]:
    """Those tag keys that are among the others; their case means nothing."""
    known = {other.casefold() for other in others}
    return [key for key in keys if key.casefold() in known]


def _invalid(message: str) -> AwsError:
    return AwsError(400, "ValidationError", message)
