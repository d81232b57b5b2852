"""Under which key a reply of AWS's is held as it came, and which replies a change concerns."""

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final

from sidecar.access.names import possible_names
from sidecar.aws.reader import Reader
from sidecar.web.aws_api.errors import validation_error
from sidecar.web.aws_api.members import Members

_SHOWN: Final = 200
# Keys are held for as long as replies are, and a caller writes them.
_LONGEST_BYTES: Final = 8 * 1024


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
    """Make the key of a request.

    Raises:
        ApiError: it is too long, or too deep to be written at all (ValidationException).

    """
    try:
        body = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    except RecursionError:
        raise validation_error("the request is too deep") from None
    if len(body) > _LONGEST_BYTES:
        raise validation_error(f"the request may have {_LONGEST_BYTES} bytes")
    return ReplyKey(reader, operation, subject, body)


def about_secrets(secret_ids: Iterable[str], region: str) -> Callable[[Hashable], bool]:
    """Match the replies that describe secrets; by a partial ARN, one more than that perhaps."""
    names = {name for each in secret_ids for name in possible_names(each)}

    def matches(key: Hashable) -> bool:
        return (
            isinstance(key, ReplyKey)
            and key.operation == "DescribeSecret"
            and key.reader.region == region
            and not names.isdisjoint(possible_names(key.subject))
        )

    return matches


def about_parameters(names: Iterable[str], region: str) -> Callable[[Hashable], bool]:
    """Match the replies that may list one of some parameters, given by name or ARN."""
    paths = tuple(f"/{_name(each).lstrip('/')}" for each in names)

    def matches(key: Hashable) -> bool:
        return (
            isinstance(key, ReplyKey)
            and key.operation == "GetParametersByPath"
            and key.reader.region == region
            and any(path.startswith(f"{key.subject.rstrip('/')}/") for path in paths)
        )

    return matches


def _name(name_or_arn: str) -> str:
    # An ARN has the name after "parameter", with the slash that a name without one lacks.
    is_arn = name_or_arn.startswith("arn:")
    return name_or_arn.partition(":parameter")[2] if is_arn else name_or_arn
