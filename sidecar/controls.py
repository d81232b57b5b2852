"""How a running sidecar stands, and what can be asked of it over the control socket."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sidecar import __version__
from sidecar.clock import iso_seconds
from sidecar.delivery.files import DeliveredFiles
from sidecar.errors import NotFound, NotReady
from sidecar.identity.checks import check_identity
from sidecar.identity.held import HeldIdentity
from sidecar.notify.standing import Standing
from sidecar.providers.refreshing import RefreshingRole
from sidecar.readiness import Readiness
from sidecar.redaction import masked_tail
from sidecar.reloading import Reloading
from sidecar.secret_cache.statistics import Statistics
from sidecar.secret_graph import SecretGraph
from sidecar.web.listener import OpenDoor


class SidecarControls:
    """Answers for a running sidecar.

    Args:
        readiness: what is waited for, and what works and will not for ever.
        doors: its open doors.
        reloading: reads the configuration again.

    """

    def __init__(
        self, readiness: Readiness, doors: Sequence[OpenDoor], reloading: Reloading
    ) -> None:
        self._readiness = readiness
        self._inside = readiness.inside
        self._doors = doors
        self._reloading = reloading
        self._clock = self._inside.clock
        self._started_at = self._clock.now()
        self._started = self._clock.elapsed()

    def status(self) -> Mapping[str, object]:
        """Say how everything stands: names, times, counts and errors, and never a secret."""
        inside, now = self._inside, self._clock.now()
        pending, sessions = self._readiness.pending(), inside.access.sessions.all()
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started_at": iso_seconds(self._started_at),
            "uptime_seconds": int(self._clock.elapsed() - self._started),
            "ready": not pending,
            "doors": {each.name: list(each.urls) for each in self._doors},
            "roles": {name: _role(each, now) for name, each in sessions.items()},
            "identity": _identity(inside.held, now),
            "caches": _caches(inside.secrets),
            "files": _files(inside.files),
            "notify": {name: _sink(each) for name, each in inside.notices.standings().items()},
            "apps": {app.name: {"roles": list(app.roles)} for app in inside.access.callers.apps},
            "pending": pending,
            "warnings": self._readiness.warnings(),
        }

    async def reload(self) -> Mapping[str, object]:
        """Have the configuration, certificate, key and tokens read again.

        Raises:
            ConfigError: with every problem; nothing has changed then.

        """
        reloaded = self._reloading.reload()
        told: dict[str, object] = {"apps": list(reloaded.apps)}
        if reloaded.waiting:
            told["waiting"] = list(reloaded.waiting)
        return told

    def refresh(self, role: str | None) -> int:
        """Have a role's sessions renewed within seconds, or every role's.

        How soon is `RefreshingRole.renew_soon`'s to say: any number of calls before a renewal
        begins are one, and throttling is not made worse.

        Raises:
            NotFound: there is no such role.

        """
        sessions = self._inside.access.sessions
        roles = self._inside.graph.roles
        if role is not None and role not in roles:
            raise NotFound(f"there is no role {role}", hint=f"configured are {', '.join(roles)}")
        wanted = list(sessions.of_roles(roles if role is None else (role,)))
        for each in wanted:
            each.renew_soon()
        return len(wanted)


def _role(role: RefreshingRole, now: datetime) -> dict[str, object]:
    """Say what one role serves, and when it asks for the next session."""
    last_error, due = role.trouble(), role.next_attempt()
    told: dict[str, object] = {
        "state": "waiting" if last_error is None else "failing",
        "expires_at": None,
        "seconds_left": None,
        "next_renewal": iso_seconds(due or now),
        "last_error": last_error,
        "access_key_id": None,
    }
    try:
        held = role.current()
    except NotReady:
        return told
    return told | {
        "state": "serving",
        "expires_at": iso_seconds(held.expires_at),
        "seconds_left": int(held.remaining(now).total_seconds()),
        "access_key_id": masked_tail(held.access_key_id),
    }


def _identity(held: HeldIdentity | None, now: datetime) -> dict[str, object] | None:
    if held is None:
        return None
    identity = held.current
    certificate = identity.certificate
    return {
        "subject": certificate.subject.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "not_after": iso_seconds(certificate.not_valid_after_utc),
        "findings": [
            {
                "code": each.code,
                "severity": str(each.severity),
                "sentence": each.sentence,
                "hint": each.hint,
            }
            for each in check_identity(identity, now)
        ],
    }


def _caches(secrets: SecretGraph) -> dict[str, object]:
    return {
        "secrets": _counts(secrets.secrets.statistics(), secrets.secrets.not_renewed()),
        "parameters": _counts(secrets.parameters.statistics(), secrets.parameters.not_renewed()),
        "replies": _counts(secrets.replies.statistics()),
    }


def _counts(counted: Statistics, not_renewed: int | None = None) -> dict[str, object]:
    return {
        "entries": counted.entries,
        "hits": counted.hits,
        "misses": counted.misses,
        "stale": counted.stale,
        "not_renewed": not_renewed,
    }


def _sink(sink: Standing) -> dict[str, object]:
    known: dict[str, object] = asdict(sink)
    return {
        name: iso_seconds(value) if isinstance(value, datetime) else value
        for name, value in known.items()
    }


def _files(files: DeliveredFiles) -> dict[str, object]:
    pending = len(files.pending())
    return {"delivered": len(files) - pending, "pending": pending}
