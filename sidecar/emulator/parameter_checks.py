"""What Parameter Store refuses before it acts: names, paths and values outside its rules.

Rules: Systems Manager user guide, "Parameter name requirements" and "Managing parameter tiers".
"""

import re
from typing import Final

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.resources import Touch

_NAME: Final = re.compile(r"/?[A-Za-z0-9_.-]+|(/[A-Za-z0-9_.-]+){1,15}")
_PATH: Final = re.compile(r"/|(/[A-Za-z0-9_.-]+)+/?")
_BAD_NAME: Final = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can'
    " consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters"
    ", numbers and the following 3 symbols .-_"
)
_BAD_PATH: Final = (
    "The parameter doesn't meet the parameter name requirements. The parameter name must begin "
    'with a forward slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It '
    "must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ "
    "(underscore). Special characters are not allowed. All sub-paths, if specified, must use the "
    'forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.'
)
_LARGEST: Final = {"Standard": 4096, "": 4096}
_LARGEST_ADVANCED: Final = 8192


def check_parameter(touch: Touch) -> None:
    """Refuse a request to Parameter Store that AWS refuses whatever there is.

    Raises:
        AwsError: ValidationException for a name, a path, or the size of a value.
    """
    if touch.address.service != "ssm":
        return
    problem = ""
    if touch.address.operation == "PutParameter":
        problem = _problem_of_put(touch)
    elif touch.address.operation == "GetParametersByPath":
        problem = "" if _PATH.fullmatch(touch.text("Path")) else _BAD_PATH
    if problem:
        raise AwsError(400, "ValidationException", problem)


def _problem_of_put(touch: Touch) -> str:
    if _NAME.fullmatch(touch.text("Name")) is None:
        return _BAD_NAME
    largest = _LARGEST.get(touch.text("Tier"), _LARGEST_ADVANCED)
    if len(touch.text("Value").encode()) <= largest:
        return ""
    tier = "Standard" if largest < _LARGEST_ADVANCED else "Advanced"
    return f"{tier} tier parameters support a maximum parameter value of {largest} characters."
