"""Which operation a call is, so that whoever answers it cannot take it for another one."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sidecar.aws.json_api import ApiCall
from sidecar.signing.authorization import values_of
from sidecar.web.aws_api.errors import CONTENT_TYPE, ApiError
from sidecar.web.aws_api.forwarded_reads import LOOKED_AT
from sidecar.web.aws_api.reads import ANSWERED
from sidecar.web.aws_api.writes import WRITES

# From a service's prefix in X-Amz-Target to its signing name.
_PREFIXES: Final[Mapping[str, str]] = {"secretsmanager": "secretsmanager", "AmazonSSM": "ssm"}
SERVICES: Final = frozenset(_PREFIXES.values())
_TARGET: Final = re.compile(r"([A-Za-z]{1,64})\.([A-Za-z]{1,64})")
# What is looked at here must not pass unseen because it is written in another way.
_SPELLED: Final[Mapping[str, str]] = {
    each.lower(): each for each in (*ANSWERED, *LOOKED_AT, *WRITES)
}


def operation_of(call: ApiCall) -> str:
    """Read which operation is called.

    It must be one of the service that the signature is for, spelled as AWS does: of a name in
    other capitals nobody knows whether the other side reads it as the same.

    Raises:
        ApiError: it is not (UnknownOperationException).

    """
    given = values_of(call.headers, "x-amz-target")
    found = _TARGET.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or _PREFIXES.get(found[1]) != call.service:
        raise _unknown(f"X-Amz-Target must name one operation of {call.service}")
    spelled = f"{call.service}.{found[2]}"
    if _SPELLED.get(spelled.lower(), spelled) != spelled:
        raise _unknown("X-Amz-Target must name an operation as AWS spells it")
    return found[2]


def in_json(call: ApiCall) -> ApiCall:
    """Give the call with the one content type that makes its body what it was judged as.

    A form, for one, can name an operation of its own (AWS query protocol), whatever X-Amz-Target
    says. No content type at all leaves the choice to the other side, so it gets this one.

    Raises:
        ApiError: it has another one, or two (UnknownOperationException).

    """
    given = values_of(call.headers, "content-type")
    if not given:
        return replace(call, headers=(*call.headers, ("Content-Type", CONTENT_TYPE)))
    if len(given) > 1 or given[0].partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise _unknown(f"Content-Type must be {CONTENT_TYPE}")
    return call


def _unknown(message: str) -> ApiError:
    return ApiError("UnknownOperationException", message)
