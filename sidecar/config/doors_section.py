"""The sections `[doors]` and `[admin]`: where the doors listen, and who may come from elsewhere."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from sidecar.config.address import Address, addresses
from sidecar.config.option import flag, option, options_of, path, texts, variable, whole_number

_LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST_NAME: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")


def host_names(value: object) -> tuple[str, ...]:
    """Read what may stand in a Host header: names or IP addresses, without a port.

    An IPv6 address is given back in brackets, as the header has it.
    """
    found = tuple(_host_name(each) for each in texts(value))
    if len(set(found)) != len(found):
        raise ValueError("names something twice")
    return found


def _host_name(text: str) -> str:
    name = text.lower()
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        last = name.rpartition(".")[2]
        if not _HOST_NAME.fullmatch(name) or last.isdecimal():
            raise ValueError("must be names of hosts, without a port and without *") from None
        return name
    if address.is_unspecified:
        raise ValueError("must name what clients ask for, and nobody asks for every address")
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004


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
        addresses,
        "IMDSv2, for programs that find credentials nowhere else; it knows no callers, so it is "
        "off by default, and never open to other machines.",
        default=(),
        example="127.0.0.1:9912",
    )
    admin: tuple[Address, ...] = option(
        addresses,
        "Health and readiness, never a secret value; off loopback only with a token in `[admin]`.",
        default=(Address.parse("127.0.0.1:9913"),),
        example="127.0.0.1:9913",
    )
    allow_remote: bool = option(
        flag,
        "Whether doors that ask who is there may listen where other machines reach them.",
        default=False,
        example="false",
    )
    allowed_hosts: tuple[str, ...] = option(
        host_names,
        "Further names or addresses that clients may have in `Host`, where a door does not listen "
        "on loopback alone.",
        default=(),
        example="sidecar.internal",
    )
    hop_limit: int = option(
        whole_number(1, 255),
        "How many networks an answer may travel through, but over loopback; 1 is the own one.",
        default=1,
        example="1",
    )
    add_link_local: bool = option(
        flag,
        "Whether to add the doors' link-local addresses to `lo` while serving; needs "
        "CAP_NET_ADMIN.",
        default=False,
        example="false",
    )

    def by_door(self) -> Mapping[str, tuple[Address, ...]]:
        """Give the addresses of every door, open or not, by its name."""
        return {name: getattr(self, name) for name in DOOR_NAMES}

    def with_addresses(self, found: Mapping[str, tuple[Address, ...]]) -> Self:
        """Put other addresses in the place of some doors' own."""
        changed: dict[str, Any] = dict(found)
        return replace(self, **changed)


DOOR_NAMES: Final = tuple(
    key for key, (found, _) in options_of(DoorsSection).items() if found.read is addresses
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSection:
    """The token of the admin door; without one it opens on loopback only, and asks for none."""

    static_token_file: Path | None = option(
        path,
        "File with the token, like an app's; read again when it changes.",
        default=None,
        example="/run/sidecar/admin.token",
    )
    token_env: str | None = option(
        variable,
        "Variable of the sidecar that holds the token.",
        default=None,
        example="ADMIN_TOKEN",
        hint="name the variable here, and put the token into that variable",
        may_be_shown=False,
    )
