"""Which of the values that AWS gives are of a version that is new."""

from collections import OrderedDict
from typing import Final

from sidecar.aws.secret import SecretValue
from sidecar.secret_cache.rotation_window import CURRENT

MOST_SECRETS: Final = 2048
# An answer that was under way when the version changed comes late, and is no change back.
_REMEMBERED: Final = 4


class VersionChanges:
    """Remembers the last versions of each secret, of as many as were read last."""

    def __init__(self) -> None:
        self._versions: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def changed(self, value: SecretValue) -> bool:
        """Whether a current value is of a version that was not seen, in place of one that was."""
        if CURRENT not in value.version_stages:
            return False
        known = self._versions.pop(value.arn, ())
        is_new = value.version_id not in known
        self._versions[value.arn] = (*known, value.version_id)[-_REMEMBERED:] if is_new else known
        if len(self._versions) > MOST_SECRETS:
            self._versions.popitem(last=False)
        return is_new and bool(known)
