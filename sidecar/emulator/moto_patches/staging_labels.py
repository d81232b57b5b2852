"""A put moves the labels that it names, and AWSPREVIOUS; every other label stays where it is.

moto takes all labels from the version that was current, and lists versions that have none left,
which AWS does not (API reference, "DescribeSecret", VersionIdsToStages).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.secretsmanager.models import FakeSecret

from sidecar.emulator.moto_patches.replacing import replaced


@contextmanager
def applied() -> Iterator[None]:
    """Move labels one by one."""
    with (
        replaced(FakeSecret, "reset_default_version", _make_current),
        replaced(FakeSecret, "_form_version_ids_to_stages", _labelled_versions),
    ):
        yield


def _make_current(secret: Any, version: dict[str, Any], version_id: str) -> None:
    moved = {*version["version_stages"], "AWSPREVIOUS"}
    for other in secret.versions.values():
        labels = other["version_stages"]
        kept = [label for label in labels if label not in moved]
        other["version_stages"] = [*kept, "AWSPREVIOUS"] if "AWSCURRENT" in labels else kept
    secret.versions[version_id] = version
    secret.set_default_version_id(version_id)


def _labelled_versions(secret: Any) -> dict[str, list[str]]:
    versions = secret.versions.items()
    return {key: each["version_stages"] for key, each in versions if each["version_stages"]}
