"""Where a door may listen, as it is written."""

import ipaddress
from dataclasses import dataclass
from typing import Final, Self

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Link-local, and known to every SDK: the container endpoints of ECS and of EKS Pod Identity, and
# the instance metadata service.
CONTAINER_ENDPOINTS: Final = frozenset(
    map(ipaddress.ip_address, ("169.254.170.2", "169.254.170.23", "fd00:ec2::23"))
)
METADATA_ENDPOINTS: Final = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254"))
)
_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address and a port; port 0 lets the system pick a free one."""

    host: IPAddress
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``address:port`` or ``[address]:port``.

        Whether a door may listen there is not looked at: `sidecar.config.listening`.

        Raises:
            ValueError: no IP address, no port, or no address that can be listened on.

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
        _check(address)
        return cls(address, int(port))

    @property
    def host_in_url(self) -> str:
        """The host as a URL and a Host header write it."""
        return f"[{self.host}]" if self.host.version == 6 else str(self.host)  # noqa: PLR2004

    def __str__(self) -> str:
        return f"{self.host_in_url}:{self.port}"


def _check(address: IPAddress) -> None:
    if address.is_multicast or str(address) == "255.255.255.255":
        raise ValueError("is an address of many machines, where nothing can listen")
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            raise ValueError(f"is an IPv4 address: write {address.ipv4_mapped}")
        if address.scope_id is not None:
            raise ValueError("must have no zone: listen on another address of that interface")


def addresses(value: object) -> tuple[Address, ...]:
    """Read a door's value: ``"address:port"``, a list of them, or ``"off"``."""
    if value == "off":
        return ()
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise ValueError('must be "address:port", a list of them, or "off"')
    found = tuple(Address.parse(str(each).strip()) for each in items)
    if len({address for address in found if address.port}) != sum(1 for a in found if a.port):
        raise ValueError("names an address twice")
    return found
