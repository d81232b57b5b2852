"""Amazon Resource Names as values that are checked once, where they enter."""

import re
from dataclasses import dataclass
from typing import Final, Self

# The service model of Roles Anywhere caps every ARN at 1011 characters.
_MAX_LENGTH: Final = 1011
_SHAPE: Final = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*)"
    r":(?P<account>[0-9]{12}|aws|):(?P<resource>[\x21-\x7e]+)"
)


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN in its six parts; `str` gives it back unchanged."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an ARN.

        Raises:
            ValueError: not of the form ``arn:partition:service:region:account:resource``.
        """
        found = _SHAPE.fullmatch(text)
        if found is None or len(text) > _MAX_LENGTH:
            raise ValueError("not an ARN: expected arn:partition:service:region:account:resource")
        return cls(**found.groupdict())

    @property
    def resource_name(self) -> str:
        """The last part of the resource: a role's name without its path, an anchor's id."""
        return self.resource.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def _expect(text: str, service: str, prefix: str, *, regional: bool) -> Arn:
    arn = Arn.parse(text)
    named = arn.resource.startswith(prefix) and arn.resource_name
    if arn.service != service or not named:
        raise ValueError(f"not the ARN of a {prefix.rstrip('/')}: expected …:{service}:…:{prefix}…")
    if regional and not arn.region:
        raise ValueError("this ARN must name a region")
    if len(arn.account) != 12:  # noqa: PLR2004 - an AWS account id
        raise ValueError("this ARN must name an account of 12 digits")
    return arn


def trust_anchor_arn(text: str) -> Arn:
    """Read a trust anchor's ARN; ValueError says what is wrong with it."""
    return _expect(text, "rolesanywhere", "trust-anchor/", regional=True)


def profile_arn(text: str) -> Arn:
    """Read a Roles Anywhere profile's ARN; ValueError says what is wrong with it."""
    return _expect(text, "rolesanywhere", "profile/", regional=True)


def role_arn(text: str) -> Arn:
    """Read an IAM role's ARN (paths allowed); ValueError says what is wrong with it."""
    return _expect(text, "iam", "role/", regional=False)
