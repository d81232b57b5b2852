"""Who may read what, said once more in other words: by regular expressions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass


def fits(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern, in which only the star is special."""
    parts = map(re.escape, pattern.split("*"))
    return re.fullmatch(".*".join(parts), name, re.DOTALL) is not None


@dataclass(frozen=True)
class Policy:
    """What an app may read; denials win."""

    secrets: tuple[str, ...]
    deny_secrets: tuple[str, ...]
    parameters: tuple[str, ...]
    deny_parameters: tuple[str, ...]

    def may_read_secret(self, name: str) -> bool:
        """Judge a secret by its real name."""
        return _some(self.secrets, name) and not _some(self.deny_secrets, name)

    def may_read_parameter(self, name: str) -> bool:
        """Judge a parameter by its real name; one slash in front makes no difference."""
        bare = name.removeprefix("/")
        allow, deny = (
            [each.removeprefix("/") for each in patterns]
            for patterns in (self.parameters, self.deny_parameters)
        )
        return _some(allow, bare) and not _some(deny, bare)


def _some(patterns: Iterable[str], name: str) -> bool:
    return any(fits(pattern, name) for pattern in patterns)
