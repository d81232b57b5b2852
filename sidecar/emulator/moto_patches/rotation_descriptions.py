"""DescribeSecret and ListSecrets tell the rules of rotation as they were given.

moto keeps AutomaticallyAfterDays alone, and shows it as 0 where there is none.
"""

from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager.models import FakeSecret

from sidecar.emulator.moto_patches.replacing import replaced

_ORIGINAL: Final = FakeSecret.to_dict


def applied() -> AbstractContextManager[None]:
    """Tell the rules."""
    return replaced(FakeSecret, "to_dict", _described)


def _described(secret: Any) -> dict[str, Any]:
    described: dict[str, Any] = _ORIGINAL(secret)
    described.pop("RotationRules", None)
    rules = getattr(secret, "rotation_rules", None)
    return {**described, "RotationRules": dict(rules)} if rules else described
