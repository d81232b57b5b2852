"""Query strings as the secrets door reads them: form-decoded, ``+`` is a blank."""

from typing import Final
from urllib.parse import parse_qsl

from sidecar.errors import BadRequest

_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


def pairs(query: str) -> list[tuple[str, str]]:
    """Give the keys and values in their order, empty values too."""
    return parse_qsl(query, keep_blank_values=True)


def boolean(key: str, value: str) -> bool:
    """Read true or false, in any case, or as a digit.

    Raises:
        BadRequest: it is something else; the message is the body to send.

    """
    found = _BOOLEANS.get(value.lower())
    if found is None:
        raise BadRequest(f"invalid {key} value")
    return found
