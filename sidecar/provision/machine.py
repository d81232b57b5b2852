"""The sidecar.toml of a machine that works with what was made in AWS."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.errors import OperatorError
from sidecar.provision.kinds.kind import Found
from sidecar.provision.resource import Resource

_ANCHOR: Final = "AWS::RolesAnywhere::TrustAnchor"
_PROFILE: Final = "AWS::RolesAnywhere::Profile"
_SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
_QUEUE: Final = "AWS::SQS::Queue"
_LEGACY: Final = "legacy"
# What the configuration names by identifiers that AWS makes up.
NAMED_BY_AWS: Final = frozenset({_ANCHOR, _PROFILE})


@dataclass(frozen=True, slots=True)
class Machine:
    """What only this machine decides.

    Attributes:
        directory: where its files are.
        region: the region that is asked.
        endpoint_url: the address of AWS, where it is not AWS's own; else None.
        readable: names of the secrets that its application may read; a rotated one is not for it.

    """

    directory: Path
    region: str
    endpoint_url: str | None = None
    readable: tuple[str, ...] = ()

    @property
    def certificate(self) -> Path:
        """Where its certificate is."""
        return self.directory / "workload.pem"

    @property
    def private_key(self) -> Path:
        """Where its private key is."""
        return self.directory / "workload.key"

    @property
    def configuration(self) -> Path:
        """Where its configuration is."""
        return self.directory / "sidecar.toml"


def sidecar_toml(
    machine: Machine, resources: Sequence[Resource], found: Mapping[str, Found]
) -> str:
    """Write the configuration.

    Args:
        machine: what only this machine decides.
        resources: what was described.
        found: all of it, as it is now.

    Raises:
        OperatorError: there is no trust anchor or no profile.

    """
    here = _ByType(resources, found)
    secrets = tuple(str(each.properties["Name"]) for each in here.all(_SECRET))
    sections = (
        _identity(machine),
        _aws(machine),
        _role(here),
        *(_legacy_role(each) for each in secrets),
        _secrets(here, secrets),
        _app(machine, secrets),
        *(_legacy_app(machine, each) for each in secrets),
    )
    return "\n".join(line for section in sections for line in section)


@dataclass(frozen=True, slots=True)
class _ByType:
    resources: Sequence[Resource]
    found: Mapping[str, Found]

    def all(self, name: str) -> Iterator[Found]:
        for each in self.resources:
            if each.type == name and each.logical_id in self.found:
                yield self.found[each.logical_id]

    def one(self, name: str) -> Found:
        for each in self.all(name):
            return each
        raise OperatorError(f"there is no {name}", hint="apply again: it was not made")


def _identity(machine: Machine) -> Iterator[str]:
    yield "[identity]"
    yield _line("certificate", str(machine.certificate))
    yield _line("private_key", str(machine.private_key))
    yield ""


def _aws(machine: Machine) -> Iterator[str]:
    yield "[aws]"
    yield _line("region", machine.region)
    if machine.endpoint_url is not None:
        yield _line("endpoint_url", machine.endpoint_url)
    yield ""


def _role(here: _ByType) -> Iterator[str]:
    profile = here.one(_PROFILE)
    yield "[roles.default]"
    yield _line("trust_anchor_arn", here.one(_ANCHOR).attributes["TrustAnchorArn"])
    yield _line("profile_arn", profile.attributes["ProfileArn"])
    yield _line("role_arn", profile.properties["RoleArns"][0])
    yield ""


def _legacy_role(secret: str) -> Iterator[str]:
    """Hand out the user's key, to programs that cannot do without it yet."""
    yield f"[roles.{_LEGACY}]"
    yield _line("source", "access-key-secret")
    yield _line("secret_id", secret)
    yield _line("via", "default")
    yield ""


def _legacy_app(machine: Machine, secret: str) -> Iterator[str]:
    yield f"[apps.{_LEGACY}]"
    yield _list("roles", [_LEGACY])
    yield _list("secrets", [secret])
    yield _line("token_file", str(machine.directory / _LEGACY / "token"))
    yield ""


def _secrets(here: _ByType, rotated: Sequence[str]) -> Iterator[str]:
    queues = [each.ref for each in here.all(_QUEUE)]
    if not rotated and not queues:
        return
    yield "[secrets]"
    if rotated:
        # Of a secret that is not held no change is told, and nobody may ever ask for this one:
        # the role has its own reading of it.
        yield _list("prefetch", rotated)
    if queues:
        yield _line("events_queue_url", queues[0])
    yield ""


def _app(machine: Machine, rotated: Sequence[str]) -> Iterator[str]:
    yield "[apps.default]"
    yield _list("roles", ["default"])
    if machine.readable:  # left out it allows none; an empty list is refused
        yield _list("secrets", machine.readable)
    if rotated:  # which a pattern may mean too
        yield _list("deny_secrets", rotated)
    yield _line("token_file", str(machine.directory / "app" / "token"))
    yield ""


def _line(name: str, value: str) -> str:
    """Write an option; a JSON string of what TOML takes is a TOML string."""
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _list(name: str, values: Iterable[str]) -> str:
    return f"{name} = {json.dumps(list(values), ensure_ascii=False)}"
