"""Importing a library that only an extra of this package installs."""

import importlib
from types import ModuleType

from sidecar.errors import IdentityError


def import_extra(library: str, extra: str, what: str) -> ModuleType:
    """Import a library, or say which extra brings it.

    Args:
        library: the module to import.
        extra: the extra of this package that installs it.
        what: what needs it, for the message.

    Raises:
        IdentityError: it is not installed, or a shared library that it needs is not.

    """
    try:
        return importlib.import_module(library)
    except ImportError as exc:
        raise IdentityError(
            f"{what} needs the library {library}, which cannot be imported ({exc})",
            hint=f"in the directory of the sidecar's source: pip install '.[{extra}]'",
        ) from exc
