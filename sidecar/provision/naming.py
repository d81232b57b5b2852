"""Names and ARNs of what is described, made of what is known when it is created."""

from typing import Final

from sidecar.provision.resource import Parameter, Piece, Surroundings, Text

ACCOUNT: Final = Surroundings("AccountId")
PARTITION: Final = Surroundings("Partition")
REGION: Final = Surroundings("Region")
NAME: Final = Parameter("Name")
# The policies that are written into roles and users; those of other names are somebody else's.
WORKLOAD_POLICY: Final = "workload"
ROTATION_POLICY: Final = "rotation"
APPLICATION_POLICY: Final = "application"
KEY_EVENTS_POLICY: Final = "onward"
INLINE_POLICIES: Final = frozenset(
    {WORKLOAD_POLICY, ROTATION_POLICY, APPLICATION_POLICY, KEY_EVENTS_POLICY}
)


def named(suffix: str) -> Text:
    """Give a name that begins with the chosen one, such as ``sidecar-rotation``."""
    return Text((NAME, f"-{suffix}"))


def arn(service: str, *resource: Piece, regional: bool = True) -> Text:
    """Give an ARN in this account.

    Args:
        service: as it stands in ARNs, such as ``secretsmanager``.
        resource: the last part, in pieces.
        regional: whether it names the region.

    """
    region = (REGION,) if regional else ()
    return Text(("arn:", PARTITION, f":{service}:", *region, ":", ACCOUNT, ":", *resource))


def global_arn(service: str, resource: str) -> Text:
    """Give an ARN that names neither region nor account, such as a bucket's."""
    return Text(("arn:", PARTITION, f":{service}:::{resource}"))


def managed_policy(name: str) -> Text:
    """Give the ARN of a policy of AWS's own."""
    return Text(("arn:", PARTITION, f":iam::aws:policy/{name}"))


def log_group_name(function: str) -> Text:
    """Give the name of the log group that Lambda writes a function's lines to."""
    return Text(("/aws/lambda/", NAME, f"-{function}"))
