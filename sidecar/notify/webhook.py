"""A notice as a signed request to anybody's webhook."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sidecar.notice import Notice
from sidecar.notify.presentable import as_json, document
from sidecar.redaction import Secret

TIMESTAMP: Final = "X-Sidecar-Timestamp"
SIGNATURE: Final = "X-Sidecar-Signature"
# Of the form of the signature, so that another one can be told from it.
_VERSION: Final = "v1"


@dataclass(frozen=True, slots=True)
class Post:
    """What is sent; the body is signed as it is, byte for byte."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes


def post(notice: Notice, key: Secret, now: datetime) -> Post:
    """Write a request; each attempt has its own timestamp, and so its own signature.

    The signature is HMAC-SHA256 over the timestamp, a full stop and the body. Whoever receives it
    refuses timestamps that are more than five minutes away from its own clock, which bounds how
    long a request can be sent again by somebody else, and remembers each ``id`` for as long.

    Args:
        notice: what happened.
        key: the key that both sides have.
        now: when it is sent.

    """
    body = as_json(document(notice)).encode("ascii")
    timestamp = str(int(now.timestamp()))
    signed = hmac.new(key.encoded(), timestamp.encode() + b"." + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/json",
        TIMESTAMP: timestamp,
        SIGNATURE: f"{_VERSION}={signed.hexdigest()}",
    }
    return Post(headers, body)
