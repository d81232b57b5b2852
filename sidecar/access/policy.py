"""What an app may have: pure decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sidecar.access.names import (
    has_usual_spelling,
    parameter_name,
    possible_names,
    referred_secret,
    referred_secret_name,
)
from sidecar.redaction import Secret

# The longest SecretId and the longest Name of a parameter that AWS takes.
LONGEST_ID: Final = 2048


@dataclass(frozen=True, slots=True)
class App:
    """A caller and what it may have; the first of its roles is its default.

    Args:
        name: what it is called in the configuration.
        roles: the configured roles whose credentials it may have.
        secrets: patterns of the names of secrets that it may read.
        parameters: patterns of the names of parameters that it may read.
        assume_roles: patterns of the ARNs of roles with which it may have its secrets read.
        deny_secrets: patterns of the names of secrets that it may not read, whatever `secrets`
            says.
        deny_parameters: the same for parameters.

    """

    name: str
    roles: tuple[str, ...]
    secrets: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    assume_roles: tuple[str, ...] = ()
    deny_secrets: tuple[str, ...] = ()
    deny_parameters: tuple[str, ...] = ()

    def may_have_role(self, role: str) -> bool:
        """Whether the app may have a role's credentials."""
        return role in self.roles

    def may_assume(self, role_arn: str) -> bool:
        """Whether the app may have secrets read with this role, whatever its own roles are."""
        return _some_match(self.assume_roles, role_arn)

    def may_name_secret(self, secret_id: str) -> bool:
        """Whether asking for `secret_id`, a name or a whole or partial ARN, can be right at all.

        A partial ARN does not tell whether its end is the random suffix, so this lets both readings
        pass; `may_read_secret` decides, once AWS has told the secret's real name.
        """
        if len(secret_id) > LONGEST_ID:
            return False
        return any(self.may_read_secret(name) for name in possible_names(secret_id))

    def may_read_secret(self, name: str) -> bool:
        """Whether the app may read the secret of this real name."""
        return _some_match(self.secrets, name) and not _some_match(self.deny_secrets, name)

    def may_name_parameter(self, name: str) -> bool:
        """Whether asking for a parameter, by name or ARN and with or without a selector, can be.

        A parameter that stands for a secret is judged as that secret.
        """
        if len(name) > LONGEST_ID:
            return False
        secret_id = referred_secret(name)
        return self._covers(name) if secret_id is None else self.may_name_secret(secret_id)

    def may_read_parameter(self, name: str, source_result: Secret | None = None) -> bool:
        """Whether the app may read the parameter of this real name.

        Args:
            name: what AWS calls it.
            source_result: what AWS tells of the secret that the parameter stands for; where there
                is any, the parameter is one that does, whatever its name. Without it a secret that
                was asked for by ARN is denied, its name being unsure.

        """
        if referred_secret(name) is None and source_result is None:
            return self._covers(name)
        secret = referred_secret_name(name, source_result)
        return secret is not None and self.may_read_secret(secret)

    def _covers(self, parameter: str) -> bool:
        """Whether a pattern covers a parameter; ``a`` and ``/a`` are the same, as in ARNs."""
        return (
            has_usual_spelling(parameter)
            and covers_parameter(self.parameters, parameter)
            and not covers_parameter(self.deny_parameters, parameter)
        )

    def may_read_path(self, path: str) -> bool:
        """Whether every parameter below a path may be read: IAM, too, grants a path whole.

        Only a pattern that ends with ``*`` covers all names that begin in some way. A path is
        denied as soon as anything below it may be.
        """
        below = f"{path.strip('/')}/".removeprefix("/")
        whole = any(
            pattern.endswith("*") and matches(pattern.removeprefix("/"), below)
            for pattern in self.parameters
        )
        return whole and not any(
            _may_meet(pattern.removeprefix("/"), below) for pattern in self.deny_parameters
        )


def covers_parameter(patterns: Iterable[str], parameter: str) -> bool:
    """Whether some pattern fits a parameter's name, by name or ARN, with or without a selector."""
    name = parameter_name(parameter).removeprefix("/")
    return any(matches(pattern.removeprefix("/"), name) for pattern in patterns)


def _some_match(patterns: Iterable[str], name: str) -> bool:
    for pattern in patterns:  # noqa: SIM110 - any() of a generator takes three times as long
        if matches(pattern, name):
            return True
    return False


def _may_meet(pattern: str, beginning: str) -> bool:
    """Whether some name that begins so fits the pattern; in doubt, yes."""
    first, star, _ = pattern.partition("*")
    if not star:
        return first.startswith(beginning)
    return first.startswith(beginning) or beginning.startswith(first)


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
