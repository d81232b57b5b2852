"""How the admin door and the control socket hear of changed values: ``POST /invalidate``."""

import json
import logging
import math
from typing import Final, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from sidecar.clock import Clock
from sidecar.errors import BadRequest
from sidecar.secret_cache.freshness import Bucket
from sidecar.web.answer import Refusal, answer

log = logging.getLogger(__name__)

PATH: Final = "/invalidate"

# A cache may hold thousands of values, and whoever reaches loopback may ask for this.
_BETWEEN_ALL_SECONDS: Final = 10.0
_BETWEEN_OTHERS_SECONDS: Final = 1.0
_USAGE: Final = "name one of: secretId=<name or ARN>, name=<parameter>, all=true"


class Changed(Protocol):
    """Who is told what has changed; each counts the entries that are read again."""

    def secret(self, secret_id: str) -> int:
        """Read a secret again."""
        ...

    def parameter(self, name: str) -> int:
        """Read a parameter again."""
        ...

    def everything(self) -> int:
        """Read all again that is held."""
        ...


class InvalidateRoute:
    """Has AWS asked again for a secret, a parameter or everything that is held.

    No request waits for AWS, and what is held serves until AWS has answered. Any local process may
    send this, so it is rare by force: five at once and one a second, all values every ten seconds.

    Args:
        changed: whom to tell.
        clock: the clock.

    """

    def __init__(self, changed: Changed, clock: Clock) -> None:
        self._changed = changed
        self._clock = clock
        self._bucket = Bucket()
        self._all_from = -math.inf

    def handle(self, query: str) -> web.Response | Refusal:
        """Answer a POST with how many entries are read again.

        Args:
            query: what stands after the question mark; form-encoded, so that ``+`` is a blank.

        """
        try:
            what, value_id = _parse(query)
        except BadRequest as exc:
            return Refusal(400, "BadRequest", exc.message)
        pause = self._pause_before(what)
        if pause > 0:
            seconds = {"Retry-After": str(math.ceil(pause))}
            return Refusal(429, "TooManyRequests", "values are being read again already", seconds)
        entries = self._tell(what, value_id)
        log.info("told of a change: %d entries are read again", entries)
        return answer(200, json.dumps({"invalidated": entries}).encode())

    def _pause_before(self, what: str) -> float:
        """Give the seconds for which this is not allowed; take a token if it is."""
        now = self._clock.elapsed()
        if what == "all" and now < self._all_from:
            return self._all_from - now
        left = self._bucket.take(now)
        if left is None:
            return _BETWEEN_OTHERS_SECONDS
        self._bucket = left
        if what == "all":
            self._all_from = now + _BETWEEN_ALL_SECONDS
        return 0

    def _tell(self, what: str, value_id: str) -> int:
        match what:
            case "secretId":
                return self._changed.secret(value_id)
            case "name":
                return self._changed.parameter(value_id)
            case _:
                return self._changed.everything()


def _parse(query: str) -> tuple[str, str]:
    """Read what is to be read again; BadRequest unless exactly one thing is named."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if len(pairs) != 1:
        raise BadRequest(_USAGE)
    what, value_id = pairs[0]
    known = what in ("secretId", "name") and value_id
    if not known and (what, value_id) != ("all", "true"):
        raise BadRequest(_USAGE)
    return what, value_id
