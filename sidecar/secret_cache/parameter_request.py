"""Reading a request for a parameter as the Parameters and Secrets Lambda Extension does: pure.

Documented in the Systems Manager user guide, "Using Parameter Store parameters in AWS Lambda
functions". What it answers to a request that is not so is nowhere said: here the same words as for
secrets.
"""

import re
from typing import Final

from sidecar.aws.parameter import ParameterQuery
from sidecar.errors import BadRequest
from sidecar.secret_cache.form import boolean, pairs

_VERSION: Final = re.compile(r"[1-9][0-9]{0,18}")

# ParameterLabel of Systems Manager's API.
_LONGEST_LABEL: Final = 100


def parse_parameter_query(query: str) -> ParameterQuery:
    """Read the query of a GET; of ``version`` and ``label`` the first one counts.

    Raises:
        BadRequest: a key is missing, unknown or malformed; the message is the body to send.

    """
    name, with_decryption = "", False
    selector: tuple[str, str] | None = None
    for key, value in pairs(query):
        match key:
            case "name":
                name = value
            case "version" | "label":
                selector = selector or (key, value)
            case "withDecryption":
                with_decryption = boolean(key, value)
            case _:
                raise BadRequest(f"unknown parameter: {key}")
    if not name:
        raise BadRequest("missing parameter name")
    version, label = _selected(selector)
    return ParameterQuery(name, version, label, with_decryption)


def _selected(selector: tuple[str, str] | None) -> tuple[int | None, str | None]:
    match selector:
        case None:
            return None, None
        case ("version", value) if _VERSION.fullmatch(value):
            return int(value), None
        case ("label", value) if 1 <= len(value) <= _LONGEST_LABEL:
            return None, value
        case (key, _):
            raise BadRequest(f"invalid {key} value")
