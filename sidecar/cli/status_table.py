"""A sidecar's status as lines for people; whatever it says cannot move a cursor."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sidecar.cli.one_line import one_line

_NOTHING: Final = "-"
_GAP: Final = "  "
_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def status_lines(status: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines.

    Args:
        status: what `GET /status` answered; what is missing in it shows as a hyphen.

    """
    ready = "ready" if status.get("ready") is True else "not ready"
    up = duration(status.get("uptime_seconds"))
    version, pid = _text(status.get("version")), _text(status.get("pid"))
    yield f"sidecar {version}, process {pid}: {ready}, up for {up}"
    yield from _table(("DOOR", "ADDRESSES"), _doors(_entries(status, "doors")))
    yield from _table(
        ("ROLE", "STATE", "EXPIRES", "LEFT", "NEXT RENEWAL", "KEY"),
        _roles(_entries(status, "roles")),
    )
    yield from _identity(status.get("identity"))
    yield from _table(
        ("CACHE", "ENTRIES", "HITS", "MISSES", "STALE", "NOT RENEWED"),
        _caches(_entries(status, "caches")),
    )
    yield from _table(
        ("NOTIFY", "SENT", "FAILED", "DROPPED", "QUEUED", "LAST SENT", "TROUBLE"),
        _sinks(_entries(status, "notify")),
    )
    yield from _table(("APP", "ROLES"), _apps(_entries(status, "apps")))
    yield from _files(_entries(status, "files"))
    yield from _remarks("waiting for:", _entries(status, "pending"))
    yield from _remarks("warnings:", _entries(status, "warnings"))


def duration(seconds: object) -> str:
    """Write seconds by their two largest units; a hyphen if it is no number."""
    if not isinstance(seconds, int):
        return _NOTHING
    left, parts = max(0, seconds), list[str]()
    for name, size in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def _text(value: object) -> str:
    return _NOTHING if value is None or value == "" else one_line(str(value))


def _entries(status: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = status.get(key)
    return found if isinstance(found, dict) else {}


def _listed(value: object) -> str:
    return _text(" ".join(map(str, value)) if isinstance(value, list) else value)


def _doors(doors: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    return ((name, _listed(urls)) for name, urls in doors.items())


def _roles(roles: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name in roles:
        role = _entries(roles, name)
        shown = (role.get(key) for key in ("state", "expires_at"))
        left = duration(role.get("seconds_left"))
        rest = (role.get(key) for key in ("next_renewal", "access_key_id"))
        yield (name, *map(_text, shown), left, *map(_text, rest))


def _caches(caches: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name in caches:
        cache = _entries(caches, name)
        counts = ("entries", "hits", "misses", "stale", "not_renewed")
        yield (name, *(_text(cache.get(key)) for key in counts))


def _sinks(sinks: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name in sinks:
        sink = _entries(sinks, name)
        counts = (_text(sink.get(key)) for key in ("sent", "failed", "dropped", "queued"))
        yield (name, *counts, _text(sink.get("last_sent") or "never"), _text(_troubles(sink)))


def _troubles(sink: Mapping[str, Any]) -> str:
    """Say what ails a sink, and what became of notices that are lost."""
    parts = (("trouble", "trouble_since"), ("lost_because", "lost_since"))
    now, lost = (f"{sink.get(what)}, since {sink.get(since)}" for what, since in parts)
    told = [now] if sink.get("trouble") else []
    return "; ".join([*told, f"lost: {lost}"] if sink.get("lost_since") else told)


def _apps(apps: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    return ((name, _listed(_entries(apps, name).get("roles"))) for name in apps)


def _identity(identity: object) -> Iterator[str]:
    if not isinstance(identity, dict):
        return
    subject, serial, ends = (_text(identity.get(k)) for k in ("subject", "serial", "not_after"))
    yield ""
    yield f"identity: {subject}, serial {serial}, valid until {ends}"


def _files(files: Mapping[str, Any]) -> Iterator[str]:
    if any(files.values()):
        delivered, pending = (_text(files.get(key)) for key in ("delivered", "pending"))
        yield ""
        yield f"files: {delivered} delivered, {pending} pending"


def _remarks(title: str, remarks: Mapping[str, Any]) -> Iterator[str]:
    if remarks:
        yield from ("", title)
        yield from (f"  {one_line(what)}: {_text(why)}" for what, why in remarks.items())


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Give a table, with an empty line before it; nothing if it has no rows."""
    lines = [titles, *([one_line(cell) for cell in row] for row in rows)]
    if len(lines) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    yield ""
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield _GAP.join(cells).rstrip()
