"""Filters of secrets with ``!`` find those that do not match, also where there is nothing to match.

moto finds no secret without tags by ``!`` and a tag, and finds one that has the tag as soon as it
has another one too. Of several values one must match; of several with ``!`` none may, which is our
choice: AWS does not say.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager import models

from sidecar.emulator.moto_patches.replacing import replaced

_TESTS: Final[dict[str, Any]] = models._filter_functions  # noqa: SLF001 - what moto has per key


def applied() -> AbstractContextManager[None]:
    """Negate whole filters."""
    return replaced(models, "_matches", _matches)


def _matches(secret: Any, filters: list[dict[str, Any]]) -> bool:
    return all(_holds(secret, each["Key"], each["Values"]) for each in filters)


def _holds(secret: Any, key: str, values: list[str]) -> bool:
    matches = _TESTS[key]
    wanted = [value for value in values if not value.startswith("!")]
    unwanted = [value[1:] for value in values if value.startswith("!")]
    return (not wanted or matches(secret, wanted)) and not (unwanted and matches(secret, unwanted))
