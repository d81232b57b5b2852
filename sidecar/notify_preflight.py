"""What must be right about the sinks of notices before a door opens, without asking any of them."""

import stat
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


def notify_warnings(config: Config) -> Iterator[str]:
    """Warn of files with an address or a key that every user of the machine may read or write."""
    for name, sink in config.notify.items():
        files = [sink.url_file] if isinstance(sink, PostingSection) else []
        files += [sink.hmac_key_file] if isinstance(sink, WebhookSection) else []
        for path in files:
            if path is not None and (mode := _mode(path)) & (stat.S_IROTH | stat.S_IWOTH):
                said = f"file {path} of notify.{name} has mode {mode:04o}: every user may use it"
                yield f"{said}; chmod o= {path}"


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:  # reading it tells better
        return 0


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
