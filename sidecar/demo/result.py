"""How a step of the demo ended."""

from collections.abc import Callable
from dataclasses import dataclass

from sidecar.demo.scene import Scene


@dataclass(frozen=True, slots=True)
class Result:
    """What came back, fit to be shown, and whether it is what it should be."""

    holds: bool
    shown: str


Act = Callable[[Scene], Result]
