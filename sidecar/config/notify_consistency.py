"""What must hold between the options of a sink of notices, and between sinks."""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from sidecar.config.notify_section import (
    AskingSection,
    EventBridgeSection,
    NotifySection,
    PostingSection,
    WebhookSection,
    WritingSection,
)
from sidecar.errors import Problem

_URLS: Final = ("url_file", "url_env", "url_secret")
_KEYS: Final = ("hmac_key_file", "hmac_key_env")


def notify_inconsistencies(
    sinks: Mapping[str, NotifySection],
    roles: Collection[str],
    default_via: str | None,
    audit: str | Path,
) -> Iterator[Problem]:
    """Find every contradiction in and between sinks.

    Args:
        sinks: those whose values could all be read, by name.
        roles: the names of all roles.
        default_via: the role of a sink that names none.
        audit: where the audit is written.

    """
    taken = {_place(audit): "audit"} if isinstance(audit, Path) else {}
    for name, sink in sinks.items():
        where = f"notify.{name}"
        if isinstance(sink, WritingSection):
            yield from _destination(where, sink, taken)
            continue
        if isinstance(sink, PostingSection):
            yield from _exactly_one(where, sink, _URLS)
        if isinstance(sink, WebhookSection):
            yield from _exactly_one(where, sink, _KEYS)
        if isinstance(sink, EventBridgeSection):
            yield from _region(where, sink)
        if isinstance(sink, AskingSection) or sink.url_secret is not None:
            yield from _via(where, sink.via or default_via, roles)
        elif sink.via is not None:
            yield Problem(f"{where}.via", "needs url_secret", "remove it")


def _destination(where: str, sink: WritingSection, taken: dict[Path, str]) -> Iterator[Problem]:
    if not isinstance(sink.destination, Path):
        return
    path = _place(sink.destination)
    if path in taken:
        yield Problem(f"{where}.destination", f"{path} is written by {taken[path]}", "use another")
    taken.setdefault(path, where)


def _place(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - links are not followed


def _exactly_one(where: str, sink: PostingSection, keys: Collection[str]) -> Iterator[Problem]:
    said = [key for key in keys if getattr(sink, key) is not None]
    if len(said) != 1:
        what = f"has {' and '.join(said)}" if said else f"has none of {', '.join(keys)}"
        yield Problem(where, what, f"set exactly one of {', '.join(keys)}")


def _region(where: str, sink: EventBridgeSection) -> Iterator[Problem]:
    if sink.bus.startswith("arn:") and sink.region is not None:
        yield Problem(f"{where}.region", "cannot go with a bus that is an ARN", "remove it")


def _via(where: str, via: str | None, roles: Collection[str]) -> Iterator[Problem]:
    if via not in roles:
        what = f"there is no role {via!r}" if via else "must say whose credentials are used"
        yield Problem(f"{where}.via", what, f"configured are {', '.join(roles)}")
