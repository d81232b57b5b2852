"""What a forwarded operation changes, and so must be forgotten here: pure functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from sidecar.aws.json_api import ApiCall
from sidecar.web.aws_api.errors import ApiError
from sidecar.web.aws_api.members import parameter_names, read_members, text

# Operations after which a value, or which version a stage means, may be another; and the member
# that names it. A secret that is created may be remembered as one that does not exist.
_VALUES: Final[Mapping[str, str]] = {
    "secretsmanager.CancelRotateSecret": "SecretId",
    "secretsmanager.CreateSecret": "Name",
    "secretsmanager.DeleteSecret": "SecretId",
    "secretsmanager.PutSecretValue": "SecretId",
    "secretsmanager.RestoreSecret": "SecretId",
    "secretsmanager.RotateSecret": "SecretId",
    "secretsmanager.UpdateSecret": "SecretId",
    "secretsmanager.UpdateSecretVersionStage": "SecretId",
    "ssm.DeleteParameter": "Name",
    "ssm.DeleteParameters": "Names",
    "ssm.LabelParameterVersion": "Name",
    "ssm.PutParameter": "Name",
    "ssm.UnlabelParameterVersion": "Name",
}
# Those that change only what DescribeSecret tells.
_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "secretsmanager.RemoveRegionsFromReplication": "SecretId",
    "secretsmanager.ReplicateSecretToRegions": "SecretId",
    "secretsmanager.StopReplicationToReplica": "SecretId",
    "secretsmanager.TagResource": "SecretId",
    "secretsmanager.UntagResource": "SecretId",
}
WRITES: Final = (*_VALUES, *_DESCRIPTIONS)


@dataclass(frozen=True, slots=True)
class Write:
    """What an operation may have changed.

    Args:
        service: the service's signing name.
        region: where.
        names: ids of secrets or names of parameters, in any form.
        value: whether values may have changed, or only what describes them.

    """

    service: str
    region: str
    names: tuple[str, ...]
    value: bool

    def limited_to(self, keep: Callable[[str], bool]) -> Self:
        """Leave names out."""
        return replace(self, names=tuple(filter(keep, self.names)))


def write_of(call: ApiCall, operation: str) -> Write | None:
    """Tell what an operation changes if AWS does it; None when that is nothing of interest.

    What has no names, or too many or too long ones, AWS refuses.
    """
    full_name = f"{call.service}.{operation}"
    member = _VALUES.get(full_name) or _DESCRIPTIONS.get(full_name)
    if member is None:
        return None
    try:
        members = read_members(call.body)
        names = parameter_names(members) if member == "Names" else (text(members, member),)
    except ApiError:  # AWS will say so
        return None
    distinct = tuple(dict.fromkeys(names))
    return Write(call.service, call.region, distinct, value=full_name in _VALUES)
