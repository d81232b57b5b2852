"""What must be right about the sinks of notices before a door opens, without asking any of them."""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from sidecar.audit.opening import check_destination
from sidecar.config.notify_section import PostingSection, WebhookSection, WritingSection
from sidecar.config.schema import Config
from sidecar.errors import OperatorError, Problem
from sidecar.notify.secret_text import checked_key, checked_url, read_secret
from sidecar.redaction import Secret


def notify_problems(
    config: Config, environment: Mapping[str, str], faulty: AbstractSet[str]
) -> Iterator[Problem]:
    """Find files, addresses and keys that cannot be used; none of them is quoted.

    Args:
        config: the configuration.
        environment: where variables are looked up.
        faulty: sections whose values could not be read.

    """
    for name, sink in config.notify.items():
        where = f"notify.{name}"
        if {"notify", where} & faulty:
            continue
        if isinstance(sink, WritingSection):
            yield from _destination(where, sink)
            continue
        if isinstance(sink, PostingSection):
            places: dict[str, Path | str | None] = {"file": sink.url_file, "env": sink.url_env}
            yield from _texts(f"{where}.url", places, environment, checked_url)
        if isinstance(sink, WebhookSection):
            places = {"file": sink.hmac_key_file, "env": sink.hmac_key_env}
            yield from _texts(f"{where}.hmac_key", places, environment, checked_key)


def _texts(
    where: str,
    places: Mapping[str, Path | str | None],
    environment: Mapping[str, str],
    check: Callable[[Secret], Secret],
) -> Iterator[Problem]:
    for kind, place in places.items():
        if place is None:
            continue
        try:
            check(read_secret(place, environment))
        except OperatorError as exc:
            yield Problem(f"{where}_{kind}", exc.message, exc.hint)


def _destination(where: str, sink: WritingSection) -> Iterator[Problem]:
    if isinstance(sink.destination, Path):
        try:
            check_destination(sink.destination, "file")
        except OperatorError as exc:
            yield Problem(f"{where}.destination", exc.message, exc.hint)
