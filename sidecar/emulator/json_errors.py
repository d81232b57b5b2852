"""The statuses of errors in AWS's JSON protocols: moto gives some the status of a REST service.

Source: Smithy, "AWS JSON 1.1 protocol": an error that the client caused has status 400 unless the
service's description names another; the code in the body says which error it is.
"""

import json
from http import HTTPStatus
from typing import Final

from botocore.model import StructureShape

from sidecar.emulator.service_models import model_of

_USUAL: Final = 400


def mended_status_line(line: str, body: bytes, service: str) -> str:
    """The status line that AWS would give to an answer of moto's.

    Answers other than a client's errors keep theirs, and so do bodies without a code.
    """
    code = _code_of(body) if line.startswith("4") else ""
    if not code:
        return line
    status = _described_status(service, code)
    return f"{status} {HTTPStatus(status).phrase}"


def _code_of(body: bytes) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        return ""
    code = value.get("__type") if isinstance(value, dict) else None
    return code.rpartition("#")[2] if isinstance(code, str) else ""


def _described_status(service: str, code: str) -> int:
    model = model_of(service)
    for shape in model.error_shapes if model else ():
        if isinstance(shape, StructureShape) and shape.error_code == code:
            return int(shape.metadata.get("error", {}).get("httpStatusCode", _USUAL))
    return _USUAL
