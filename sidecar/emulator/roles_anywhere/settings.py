"""How strict Roles Anywhere is and which quotas it keeps; both can be changed while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final, Self

from sidecar.emulator.roles_anywhere.quotas import AWS_QUOTAS

_HIGHEST_RATE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """`strict` refuses what AWS is only known to note; `quotas` are rates by group, a second."""

    strict: bool = True
    quotas: Mapping[str, float] = field(default_factory=dict)

    def changed(self, value: object) -> Self:
        """These settings with those of a JSON object in their place.

        Raises:
            ValueError: not an object, or a member that is unknown, of a wrong type or out of range.
        """
        if not isinstance(value, dict):
            raise ValueError("settings are an object with strict, quotas or both")
        if unknown := sorted(set(value) - {"strict", "quotas"}):
            raise ValueError(f"unknown member {unknown[0]!r}; there are strict and quotas")
        strict = value.get("strict", self.strict)
        if not isinstance(strict, bool):
            raise ValueError(f"strict must be true or false, not {strict!r}")
        quotas = _quotas(value["quotas"]) if "quotas" in value else self.quotas
        return replace(self, strict=strict, quotas=quotas)


def _quotas(value: object) -> Mapping[str, float]:
    """True stands for AWS's own, false for none."""
    if isinstance(value, bool):
        return AWS_QUOTAS if value else {}
    if not isinstance(value, dict):
        raise ValueError(f"quotas must be true, false or an object of rates, not {value!r}")
    if unknown := sorted(set(value) - set(AWS_QUOTAS)):
        raise ValueError(f"unknown quota {unknown[0]!r}; there are {', '.join(AWS_QUOTAS)}")
    for name, rate in value.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float):
            raise ValueError(f"quota {name} must be requests a second, not {rate!r}")
        if not 0 < rate <= _HIGHEST_RATE:
            raise ValueError(f"quota {name} must be more than 0, not {rate!r}")
    return dict(value)


class Switches:
    """The settings in force; safe to use from many threads."""

    def __init__(self, start: Settings) -> None:
        self._start = start
        self._now = start
        self._lock = Lock()

    @property
    def settings(self) -> Settings:
        """What holds for the next request."""
        with self._lock:
            return self._now

    def change(self, value: object) -> None:
        """Change some settings; ValueError says what is wrong, and nothing is changed then."""
        with self._lock:
            self._now = self._now.changed(value)

    def reset(self) -> None:
        """Go back to what the emulator was started with."""
        with self._lock:
            self._now = self._start
