"""Names of role sessions, as templates that are checked once, where they enter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

# The rule of STS for RoleSessionName (API reference, "AssumeRole").
_ALLOWED: Final = "A-Za-z0-9_+=,.@-"
_LITERAL: Final = re.compile(rf"[{_ALLOWED}]*")
_SHORTEST: Final = 2
_LONGEST: Final = 64

_FIELD: Final = re.compile(r"\{([a-z_]+)\}")
FIELDS: Final = ("hostname", "role", "certificate_cn", "certificate_serial")
CERTIFICATE_FIELDS: Final = frozenset({"certificate_cn", "certificate_serial"})


@dataclass(frozen=True, slots=True)
class SessionName:
    """A session name in which ``{hostname}`` and the other `FIELDS` stand for what they say."""

    template: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a template.

        Raises:
            ValueError: a character that STS refuses, a field that there is not, or a name without
                fields that is too short or too long.

        """
        *pairs, last = _FIELD.split(text)
        literals, fields = [*pairs[::2], last], pairs[1::2]
        if unknown := [each for each in fields if each not in FIELDS]:
            known = ", ".join(f"{{{each}}}" for each in FIELDS)
            raise ValueError(f"has no field {{{unknown[0]}}}: there are {known}")
        if not all(map(_LITERAL.fullmatch, literals)):
            raise ValueError("may hold letters, digits, _+=,.@- and {fields} only")
        fixed = sum(map(len, literals))
        if fixed > _LONGEST or (not fields and fixed < _SHORTEST):
            raise ValueError(f"must be {_SHORTEST} to {_LONGEST} characters")
        return cls(text)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it uses."""
        return frozenset(_FIELD.findall(self.template))

    def render(self, values: Mapping[str, str]) -> str:
        """Put values in: what STS refuses becomes ``-``, and the end is cut after 64 characters.

        Args:
            values: by field; every one of `fields` must be there.

        """
        name = _FIELD.sub(lambda found: values[found[1]], self.template)
        return re.sub(rf"[^{_ALLOWED}]", "-", name)[:_LONGEST].ljust(_SHORTEST, "-")

    def __str__(self) -> str:
        return self.template
