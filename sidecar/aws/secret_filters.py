"""Asking ListSecrets for certain secrets, and judging what it gives.

AWS matches only how names, tag keys and tag values begin, and key and value each for itself: a
secret with ``env=test`` and ``team=prod`` is found for ``env=prod``. So AWS narrows the list, and
what is on it is compared here.

Source: API reference of Secrets Manager, "Filter"; user guide, "Find secrets".
"""

import re
from typing import Any, Final

from sidecar.aws.secret import ListedSecret, SecretFilter

# What AWS takes as a filter's value; an exclamation mark in front would turn its sense around.
_SENDABLE: Final = re.compile(r"[A-Za-z0-9 :_@/+=.-][A-Za-z0-9 :_@/+=.!-]{0,510}")


def filters(wanted: SecretFilter) -> list[dict[str, Any]]:
    """Write the filters for ``ListSecrets``, as narrow as AWS understands."""
    texts = (
        ("name", wanted.name_prefix),
        ("tag-key", wanted.tag_key),
        ("tag-value", wanted.tag_value or ""),
    )
    return [
        {"Key": key, "Values": [found[0]]}
        for key, text in texts
        if (found := _SENDABLE.match(text)) is not None
    ]


def matches(wanted: SecretFilter, secret: ListedSecret) -> bool:
    """Tell whether a secret is one of those that are wanted."""
    if not secret.name.startswith(wanted.name_prefix):
        return False
    if not wanted.tag_key:
        return True
    value = secret.tags.get(wanted.tag_key)
    return value is not None and wanted.tag_value in (None, value)
