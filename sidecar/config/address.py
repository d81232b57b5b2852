"""Where a door may listen."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# The container endpoints of ECS and of EKS Pod Identity: link-local, and known to every SDK.
_CONTAINER: Final = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")
# Where the metadata service of an EC2 instance is.
_METADATA: Final = ("169.254.169.254", "fd00:ec2::254")
_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address and a port; port 0 lets the system pick a free one."""

    host: IPAddress
    port: int

    @classmethod
    def parse(cls, text: str, link_local: Sequence[str] = _CONTAINER) -> Self:
        """Read ``address:port`` or ``[address]:port``.

        Args:
            text: what was configured.
            link_local: the addresses besides loopback that are accepted.

        Raises:
            ValueError: no IP address, no port, or an address that other machines can reach.

        """
        host, separator, port = text.rpartition(":")
        if not separator or not port.isdecimal() or int(port) > _MAX_PORT:
            raise ValueError("must be address:port, with a port from 0 to 65535")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError("an IPv6 address goes into brackets: [::1]:9911")
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise ValueError("must begin with an IP address, not a name") from None
        if not address.is_loopback and str(address) not in link_local:
            *some, last = link_local
            raise ValueError(
                "is reachable from elsewhere: a door opens on "
                f"{', '.join(['loopback', *some])} or {last} only"
            )
        return cls(address, int(port))

    @property
    def host_in_url(self) -> str:
        """The host as a URL and a Host header write it."""
        return f"[{self.host}]" if self.host.version == 6 else str(self.host)  # noqa: PLR2004

    def __str__(self) -> str:
        return f"{self.host_in_url}:{self.port}"


def metadata_addresses(value: object) -> tuple[Address, ...]:
    """Read the value of the metadata door, which knows no callers: likewise, but stricter."""
    return addresses(value, _METADATA)


def addresses(value: object, link_local: Sequence[str] = _CONTAINER) -> tuple[Address, ...]:
    """Read a door's value: ``"address:port"``, a list of them, or ``"off"``."""
    if value == "off":
        return ()
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise ValueError('must be "address:port", a list of them, or "off"')
    found = tuple(Address.parse(str(each).strip(), link_local) for each in items)
    if len({address for address in found if address.port}) != sum(1 for a in found if a.port):
        raise ValueError("names an address twice")
    return found
