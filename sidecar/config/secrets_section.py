"""The options of `[secrets]`: how values of Secrets Manager and Parameter Store are cached."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sidecar.config.option import flag, option, text, texts, whole_number

# The longest name and value of a tag that AWS takes.
_LONGEST_TAG_KEY: Final = 128
_LONGEST_TAG_VALUE: Final = 256
# RFC 9110 section 5.6.2.
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_QUEUE: Final = "must be a queue's URL: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
# Account and name.
_QUEUE_PATH: Final = re.compile(r"/[^/]+/[^/]+")


def _path_prefix(value: object) -> str:
    prefix = text(value)
    if not prefix.startswith("/") or "?" in prefix or "#" in prefix:
        raise ValueError("must begin with / and hold neither ? nor #")
    return prefix


def _header_names(value: object) -> tuple[str, ...]:
    found = texts(value)
    if not all(_HEADER_NAME.fullmatch(each) for each in found):
        raise ValueError("holds a name that no header can have")
    return found


def _tags(value: object) -> tuple[tuple[str, str | None], ...]:
    return tuple(_tag(each) for each in texts(value))


def _tag(said: str) -> tuple[str, str | None]:
    key, equals, value = said.partition("=")
    if not 0 < len(key) <= _LONGEST_TAG_KEY or len(value) > _LONGEST_TAG_VALUE:
        raise ValueError("must be key or key=value, as long as AWS takes them")
    return key, value if equals else None


def _queue_url(value: object) -> str:
    url = text(value)
    if "@" in url:
        raise ValueError("must have no user name or password")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # its words quote what it takes for the host or the port
        raise ValueError(_NO_QUEUE) from None
    if not sound or not _QUEUE_PATH.fullmatch(parts.path) or parts.query or parts.fragment:
        raise ValueError(_NO_QUEUE)
    return url


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsSection:
    """How values of Secrets Manager and Parameter Store are read and cached."""

    via: str | None = option(
        text,
        "Role whose credentials read the values. Default: the only role, or `default`.",
        default=None,
        example="default",
    )
    ttl_seconds: int = option(
        whole_number(0, 3600),
        "How long a value counts as fresh; 0 caches nothing.",
        default=300,
        example="300",
    )
    max_stale_seconds: int = option(
        whole_number(0, 604800),
        "How much longer it is served while AWS cannot be reached or throttles.",
        default=86400,
        example="86400",
    )
    ignore_transient_errors: bool = option(
        flag,
        "Whether a value past its time is served at all while AWS cannot be asked.",
        default=True,
        example="true",
    )
    keep_warm_seconds: int = option(
        whole_number(0, 86400),
        "How long after its last read a value is still renewed before its time is over.",
        default=3600,
        example="3600",
    )
    cache_size: int = option(
        whole_number(1, 10000),
        "How many values are kept; the one unused for longest goes first.",
        default=1000,
        example="1000",
    )
    cache_megabytes: int = option(
        whole_number(1, 4096),
        "How much memory they may take, in MiB; likewise.",
        default=64,
        example="64",
    )
    prefetch: tuple[str, ...] = option(
        texts,
        "Secrets to read before the sidecar reports that it is ready: names, ARNs, and patterns of "
        "names, in which `*` stands for any run of characters.",
        default=(),
        example="prod/web/*",
    )
    prefetch_tags: tuple[tuple[str, str | None], ...] = option(
        _tags,
        "Tags whose secrets are read likewise: `key`, or `key=value`.",
        default=(),
        example="app=web",
    )
    events_queue_url: str | None = option(
        _queue_url,
        "SQS queue that receives the EventBridge events of changes, read with the credentials of "
        "`via`; this sidecar's own.",
        default=None,
        example="https://sqs.eu-central-1.amazonaws.com/123456789012/sidecar-host-1",
    )
    follow_rotation: bool = option(
        flag,
        "Whether to look at `NextRotationDate` (needs `secretsmanager:DescribeSecret`) and to "
        "renew often while a rotation is due.",
        default=False,
        example="false",
    )
    max_conn: int = option(
        whole_number(1, 1000),
        "How many requests the secrets door answers at the same time, 768 at the most; idle "
        "connections do not count.",
        default=800,
        example="800",
    )
    max_roles: int = option(
        whole_number(1, 20),
        "How many roles are held for requests with `roleArn`; the one unused for longest goes "
        "first.",
        default=20,
        example="20",
    )
    path_prefix: str = option(
        _path_prefix,
        "What stands before a secret's id in the path form.",
        default="/v1/",
        example="/v1/",
    )
    ssrf_headers: tuple[str, ...] = option(
        _header_names,
        "Headers in which the secrets door looks for an app's token, in this order.",
        default=("X-Aws-Parameters-Secrets-Token", "X-Vault-Token"),
        example="X-Aws-Parameters-Secrets-Token",
    )
