"""What came of a question for several things at once: AWS may give some and refuse others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sidecar.errors import UpstreamError

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Batch(Generic[_Value]):
    """Each id that was asked for, exactly as it was asked, is in one of the two."""

    values: Mapping[str, _Value]
    errors: Mapping[str, UpstreamError]
