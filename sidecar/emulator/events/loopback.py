"""HTTP to this machine and to nowhere else: an emulator sends nothing into the world."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_PATIENCE_SECONDS: Final = 5.0
_ATTEMPTS: Final = 3
_TOO_MANY: Final = 429

ELSEWHERE: Final = (
    "the emulator sends to this machine only: give an http or https URL of 127.0.0.1, [::1] or "
    "localhost"
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to be sent; what it carries may be secret, so it has no `repr` of its own."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Outgoing({self.method})"


def is_loopback(url: str) -> bool:
    """Whether a URL is of this machine by itself, whatever names resolve to."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or parts.username is not None:
        return False
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def send(request: Outgoing) -> str:
    """Send a request, three times at most, and return what was wrong the last time.

    AWS waits between attempts, and goes on for up to a day; nobody here has so much time. No proxy
    is used and no redirect followed, so nothing leaves this machine.
    """
    if not is_loopback(request.url):
        return ELSEWHERE
    problem, again = "", True
    for _ in range(_ATTEMPTS):
        problem, again = _attempt(request)
        if not again:
            break
    return problem


def _attempt(request: Outgoing) -> tuple[str, bool]:
    """Send once: what was wrong, and whether another attempt may help."""
    parts = urlsplit(request.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    # A name could be made to resolve to another machine.
    host = "127.0.0.1" if parts.scheme == "http" and parts.hostname == "localhost" else ""
    connection = kind(host or parts.hostname or "", parts.port, timeout=_PATIENCE_SECONDS)
    try:
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        headers = {"Host": parts.netloc, **request.headers}
        connection.request(request.method, target, request.body, headers)
        response = connection.getresponse()
        status = response.status
        response.read1(65536)  # what has come: a body that drips is nobody's concern
    except TimeoutError:
        return f"no answer within {_PATIENCE_SECONDS:g} seconds", False
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"not reached: {type(error).__name__}", True
    finally:
        connection.close()
    if status in range(200, 300):
        return "", False
    return f"answered {status}", status == _TOO_MANY or status in range(500, 600)
