"""What an app may have: pure decisions."""

import re
from dataclasses import dataclass
from typing import Final

# Secrets Manager appends a hyphen and six characters to a secret's name in its ARN.
_ARN_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}\Z")
# The longest SecretId that Secrets Manager takes.
_LONGEST_SECRET_ID: Final = 2048


@dataclass(frozen=True, slots=True)
class App:
    """A caller: the roles and secrets it may have, the first role being its default."""

    name: str
    roles: tuple[str, ...]
    secrets: tuple[str, ...]

    def may_have_role(self, role: str) -> bool:
        """Whether the app may have a role's credentials."""
        return role in self.roles

    def may_name_secret(self, secret_id: str) -> bool:
        """Whether asking for `secret_id`, a name or a whole or partial ARN, can be right at all.

        A partial ARN does not tell whether its end is the random suffix, so this lets both readings
        pass; `may_read_secret` decides, once AWS has told the secret's real name.
        """
        if len(secret_id) > _LONGEST_SECRET_ID:
            return False
        return any(self.may_read_secret(name) for name in possible_names(secret_id))

    def may_read_secret(self, name: str) -> bool:
        """Whether the app may read the secret of this real name."""
        return any(matches(pattern, name) for pattern in self.secrets)


def possible_names(secret_id: str) -> tuple[str, ...]:
    """Give the secret names that an id may stand for."""
    if not secret_id.startswith("arn:"):
        return (secret_id,)
    name = secret_id.split(":", 6)[-1]
    return (name, _ARN_SUFFIX.sub("", name))


def matches(pattern: str, name: str) -> bool:
    """Whether `name` fits `pattern`, in which only ``*`` is special; it stands for slashes too.

    Takes the first place where each piece fits, which is enough, and never goes back: a regular
    expression would, and an app could make it do so for seconds with a well-chosen name.
    """
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    *middle, last = others
    if not name.startswith(first) or not name.endswith(last):
        return False
    position, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return position <= end
