"""Print one session as JSON for ``credential_process`` in ~/.aws/config.

The flags and the output are those of ``aws_signing_helper credential-process``: replace the
program's name and the line works. With a cache directory, a session is used by every call until
half of its life is over, and calls at the same moment make one request.
"""

import argparse
import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from sidecar.cli.flag_values import optional
from sidecar.cli.identity_flags import add_identity_arguments, identity_places
from sidecar.cli.log_setup import set_up_logging
from sidecar.cli.session_flags import SessionRequest, add_session_arguments, session_request
from sidecar.clock import Clock, SystemClock, iso_seconds
from sidecar.credentials import Credentials
from sidecar.errors import SidecarError
from sidecar.identity.pkcs11_uri import redacted
from sidecar.identity.places import IdentityPlaces, file_of
from sidecar.providers.refresh_policy import renewal_margin
from sidecar.regular_file import read_regular_file
from sidecar.session_store import SessionStore, session_key

EXAMPLE: Final = (
    "sidecar credential-process --certificate workload.pem --private-key workload.key \\\n"
    "      --trust-anchor-arn ARN --profile-arn ARN --role-arn ARN"
)

log = logging.getLogger("sidecar.credential_process")

_DIRECTORY_VARIABLE: Final = "SIDECAR_CACHE_DIRECTORY"
_MAX_CERTIFICATE_BYTES: Final = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the signing helper's flags and our own."""
    add_identity_arguments(parser)
    add_session_arguments(parser)
    parser.add_argument(
        "--cache-directory",
        type=optional(Path),
        metavar="DIR",
        help=f"keep sessions here for the next calls; mode 0700 (default: {_DIRECTORY_VARIABLE},"
        " else none are kept)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one session, a kept one or a new one."""
    set_up_logging("debug" if arguments.debug else "warning")
    request = session_request(arguments, os.environ)
    places = identity_places(arguments, os.environ)
    clock = SystemClock()

    def ask() -> Credentials:
        from sidecar.cli.new_session import new_session  # noqa: PLC0415 - not for a kept one

        return new_session(request, places, clock)

    directory = _cache_directory(arguments, os.environ)
    if directory is None:
        log.debug("no cache directory is named: a new session is asked for")
        session = ask()
    else:
        key = session_key(_what_determines(request, places))
        session = _shared(SessionStore.open(directory), key, ask, clock)
    print(_as_json(session), end="")
    return 0


def _cache_directory(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Path | None:
    named: Path | None = arguments.cache_directory
    variable = environment.get(_DIRECTORY_VARIABLE)
    return named or (Path(variable) if variable else None)


def _what_determines(request: SessionRequest, places: IdentityPlaces) -> dict[str, object]:
    """List all that another session would come from, a certificate's content among it.

    What is on a token counts by its URI alone: asking the token would need its PIN. A PIN in the
    URI does not count: the few that there are could be tried until the name comes out.
    """
    certificate, private_key = map(redacted, (places.certificate, places.key_locator))
    return {
        "uid": os.geteuid(),
        "request": {name: str(value) for name, value in asdict(request).items()},
        "certificate": [certificate, _digest(places.certificate)],
        "private_key": private_key,
        "chain": str(places.chain),
    }


def _digest(locator: str) -> str | None:
    path = file_of(locator)
    try:
        content = b"" if path is None else read_regular_file(path, _MAX_CERTIFICATE_BYTES)[0]
    except OSError:
        # Whoever asks AWS will say why.
        return None
    return hashlib.sha256(content).hexdigest()


def _shared(
    store: SessionStore, key: str, ask: Callable[[], Credentials], clock: Clock
) -> Credentials:
    """Give the kept session while it is good; else one process asks and the others wait for it.

    Where AWS gives none at the moment, the kept one serves until it expires.
    """
    if session := _kept(store, key, clock.now()):
        return session
    try:
        return _asked_in_turn(store, key, ask, clock)
    except SidecarError as exc:
        last = store.read(key)
        if not exc.retryable or last is None or not last.issued_at <= clock.now() < last.expires_at:
            raise
        ends = iso_seconds(last.expires_at)
        log.warning("%s; the kept session is used, which is good until %s", exc.message, ends)
        return last


def _asked_in_turn(
    store: SessionStore, key: str, ask: Callable[[], Credentials], clock: Clock
) -> Credentials:
    with store.turn(key):
        if session := _kept(store, key, clock.now()):
            return session
        session = ask()
        try:
            store.write(key, session, clock.now())
        except OSError as exc:
            log.warning("the session is not kept: %s", exc.strerror)
        return session


def _kept(store: SessionStore, key: str, now: datetime) -> Credentials | None:
    there = store.read(key)
    good = _good(there, now)
    if there is None:
        log.debug("cache: no session is kept for this")
    else:
        verdict = "used" if good else "not used"
        log.debug("cache: a session until %s is %s", iso_seconds(there.expires_at), verdict)
    return good


def _good(session: Credentials | None, now: datetime) -> Credentials | None:
    """Let pass what SDKs will not want to renew at once; a clock set back does not prolong it."""
    if session is None or session.issued_at > now:
        return None
    return session if session.remaining(now) > renewal_margin(session.lifetime) else None


def _as_json(credentials: Credentials) -> str:
    """Write what credential_process wants, as the signing helper does: one line, no newline."""
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key.reveal(),
            "SessionToken": credentials.session_token.reveal(),
            "Expiration": iso_seconds(credentials.expires_at),
        }
    )
