"""Under which key a reply of AWS's is held as it came, and which replies a change concerns."""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from sidecar.access.names import possible_names
from sidecar.aws.reader import Reader
from sidecar.web.aws_api.members import Members

_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class ReplyKey:
    """One question to AWS: whose, which operation, about what, in which words.

    Args:
        reader: whose credentials ask, and where.
        operation: such as ``DescribeSecret``.
        subject: the secret's id or the parameters' path, as given.
        body: the request's members in one order.

    """

    reader: Reader
    operation: str
    subject: str
    body: bytes

    def __str__(self) -> str:
        # The subject is a caller's own text: a log line shows no more than the beginning of it.
        return f"{self.operation} of {self.subject[:_SHOWN]!a}"


def reply_key(reader: Reader, operation: str, subject: str, members: Members) -> ReplyKey:
    """Make the key of a request."""
    body = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return ReplyKey(reader, operation, subject, body)


def about_secret(secret_id: str) -> Callable[[Hashable], bool]:
    """Match the replies that describe a secret; by a partial ARN, one more than that perhaps."""
    names = set(possible_names(secret_id))

    def matches(key: Hashable) -> bool:
        return (
            isinstance(key, ReplyKey)
            and key.operation == "DescribeSecret"
            and not names.isdisjoint(possible_names(key.subject))
        )

    return matches


def about_parameter(name: str) -> Callable[[Hashable], bool]:
    """Match the replies that may list a parameter, given by name or ARN."""
    # An ARN has the name after "parameter", with the slash that a name without one lacks.
    path = name.partition(":parameter")[2] if name.startswith("arn:") else name

    def matches(key: Hashable) -> bool:
        return (
            isinstance(key, ReplyKey)
            and key.operation == "GetParametersByPath"
            and f"/{path.lstrip('/')}".startswith(f"{key.subject.rstrip('/')}/")
        )

    return matches
