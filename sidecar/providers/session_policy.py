"""Reading a session policy from a file, each time that it is used."""

from pathlib import Path
from typing import Final

from sidecar.errors import OperatorError
from sidecar.regular_file import read_regular_file

# The limit of STS (API reference, "AssumeRole").
_MAX_CHARACTERS: Final = 2048
_MAX_BYTES: Final = 4 * _MAX_CHARACTERS


def read_policy(path: Path) -> str:
    """Read the file.

    Not checked: whether it is a policy; that AWS judges.

    Raises:
        OperatorError: missing, unreadable, not text, empty or too long.

    """
    try:
        content, _ = read_regular_file(path, _MAX_BYTES + 1)
        document = content.decode().strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise OperatorError(
            f"session policy {path} cannot be read ({type(exc).__name__})",
            hint="check policy_file, that this user may read it, and that it is UTF-8 text",
        ) from None
    if not 0 < len(document) <= _MAX_CHARACTERS:
        raise OperatorError(
            f"session policy {path} must have 1 to {_MAX_CHARACTERS} characters",
            hint="shorten it, or move statements into a managed policy (policy_arns)",
        )
    return document
