"""The section `[doors]`: where the doors listen."""

from dataclasses import dataclass

from sidecar.config.address import Address, addresses, metadata_addresses
from sidecar.config.option import option


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorsSection:
    """Where the doors listen: ``address:port``, a list of them, or ``"off"``; port 0 picks one."""

    credentials: tuple[Address, ...] = option(
        addresses,
        "Container credentials, for every AWS SDK.",
        default=(Address.parse("127.0.0.1:9911"),),
        example="127.0.0.1:9911",
    )
    secrets: tuple[Address, ...] = option(
        addresses,
        "Secrets, in the protocol of AWS's own agent and Lambda extension.",
        default=(Address.parse("127.0.0.1:2773"),),
        example="127.0.0.1:2773",
    )
    aws_api: tuple[Address, ...] = option(
        addresses,
        "The wire APIs of Secrets Manager and Parameter Store, for code that calls AWS's own SDKs.",
        default=(Address.parse("127.0.0.1:2774"),),
        example="127.0.0.1:2774",
    )
    metadata: tuple[Address, ...] = option(
        metadata_addresses,
        "IMDSv2, for programs that know nothing else; it cannot tell callers apart, so that it is "
        "off unless set; loopback, 169.254.169.254 and fd00:ec2::254 only.",
        default=(),
        example="127.0.0.1:9912",
    )
    admin: tuple[Address, ...] = option(
        addresses,
        "Health and readiness, never a secret value; no token, so loopback only.",
        default=(Address.parse("127.0.0.1:9913"),),
        example="127.0.0.1:9913",
    )
