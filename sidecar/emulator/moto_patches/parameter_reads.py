"""GetParameter and GetParameters tell the selector, keep the order, and read secrets by reference.

moto leaves the Selector out and answers several names in any order. A SecureString that is not
decrypted shows its plaintext there; here it is a text that tells nothing.
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.responses import ActionResult
from moto.ssm.exceptions import ParameterNotFound, SSMException
from moto.ssm.models import Parameter
from moto.ssm.responses import SimpleSystemManagerResponse

from sidecar.emulator.moto_patches.replacing import replaced
from sidecar.emulator.moto_patches.secret_references import (
    NotReferred,
    is_reference,
    read_reference,
)

_ORIGINAL = Parameter.response_object


@contextmanager
def applied() -> Iterator[None]:
    """Read parameters as AWS shows them."""
    with (
        replaced(SimpleSystemManagerResponse, "get_parameter", _get_parameter),
        replaced(SimpleSystemManagerResponse, "get_parameters", _get_parameters),
        replaced(Parameter, "response_object", _shown),
    ):
        yield


def _get_parameter(response: Any) -> ActionResult:
    name, decrypt = response._get_param("Name"), bool(response._get_param("WithDecryption"))  # noqa: SLF001 - moto's handlers have no other
    return ActionResult({"Parameter": _read(response, name, decrypt=decrypt)})


def _get_parameters(response: Any) -> ActionResult:
    names, decrypt = response._get_param("Names"), bool(response._get_param("WithDecryption"))  # noqa: SLF001 - as above
    found, missed = [], []
    for name in dict.fromkeys(names):
        try:
            found.append(_read(response, name, decrypt=decrypt))
        except NotReferred:
            raise
        except SSMException:
            missed.append(name)
    return ActionResult({"Parameters": found, "InvalidParameters": missed})


def _read(response: Any, name: str, *, decrypt: bool) -> dict[str, Any]:
    backend = response.ssm_backend
    if is_reference(name):
        return read_reference(backend, name, decrypt=decrypt)
    parameter = backend.get_parameter(name)
    if parameter is None:
        raise ParameterNotFound(f"Parameter {name} not found.")
    selector = name.split(":")[6 if name.startswith("arn:") else 1 :]
    shown: dict[str, Any] = parameter.response_object(decrypt, response.region)
    return {**shown, "Selector": f":{selector[0]}"} if selector else shown


def _shown(parameter: Any, decrypt: bool = False, region: str | None = None) -> dict[str, Any]:
    shown: dict[str, Any] = _ORIGINAL(parameter, decrypt, region)
    if parameter.parameter_type == "SecureString" and not decrypt:
        digest = hashlib.sha512(f"{parameter.version}:{parameter.value}".encode()).digest()
        shown["Value"] = base64.b64encode(digest).decode()
    return shown
