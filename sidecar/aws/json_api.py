"""A call of a service's JSON API and its reply, as values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.aws.failed_calls import refused, unreadable
from sidecar.errors import UpstreamError


@dataclass(frozen=True, slots=True, repr=False)
class ApiCall:
    """One call, as an SDK wrote it.

    Args:
        service: the service's signing name, such as ``ssm``.
        region: the region to ask.
        headers: all that were received, in order.
        body: sent byte for byte.

    """

    service: str
    region: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, repr=False)
class ApiReply:
    """What AWS answered, a refusal included: status, the headers to pass on, the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def refusal(self) -> UpstreamError:
        """Give the error that a reply other than a success stands for."""
        code, message = _code_and_message(self.body)
        return refused(code, message, self.status) if code else unreadable()


def _code_and_message(body: bytes) -> tuple[str, str]:
    """Find both as SDKs do: a namespace before the code goes, the key of the message varies."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(members, dict):
        return "", ""
    code = members.get("__type")
    message = members.get("message", members.get("Message"))
    return (
        code.rpartition("#")[2] if isinstance(code, str) else "",
        message if isinstance(message, str) else "",
    )
