"""The actions of a rotation: one call that changes something, or the trial of a key."""

from dataclasses import dataclass

from sidecar.access_key_secret import AccessKeySecret
from sidecar.rotation.attempt import Attempt


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do in this step; `why` says why."""

    why: str


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Create a key of the user and store it under the rotation's token, labelled ``AWSPENDING``.

    The attempt is noted before.
    """

    content: AccessKeySecret
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class SetActive:
    """Make a key active or inactive."""

    access_key_id: str
    active: bool
    why: str


@dataclass(frozen=True, slots=True)
class DeleteKey:
    """Delete a key."""

    access_key_id: str
    why: str


@dataclass(frozen=True, slots=True)
class TryKey:
    """Use a key until it works."""

    content: AccessKeySecret


@dataclass(frozen=True, slots=True)
class MoveCurrent:
    """Move ``AWSCURRENT`` to a version, from the one that has it now."""

    to: str
    taken_from: str


@dataclass(frozen=True, slots=True)
class DropPending:
    """Take ``AWSPENDING`` from a version whose key is gone for good."""

    version_id: str
    why: str


Action = Done | CreateKey | SetActive | DeleteKey | TryKey | MoveCurrent | DropPending
