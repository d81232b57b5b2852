"""What every request must pass before a door looks at it: pure checks, each a refusal or None.

Nothing is trusted because it is local. A page in a browser can reach loopback by DNS rebinding,
and an application can be talked into sending requests (SSRF); neither can forge all of these.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from aiohttp import HttpVersion10, HttpVersion11, web

from sidecar.web.answer import Refusal

Guard = Callable[[web.BaseRequest], Refusal | None]

_OTHER_HOST: Final = "this Host is not served here; doors.allowed_hosts can name others"
_FORWARDED: Final = ("X-Forwarded-For", "Forwarded", "Via")
_BROWSER: Final = ("Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")


def first_refusal(guards: Sequence[Guard], request: web.BaseRequest) -> Refusal | None:
    """Return the first guard's refusal, or None when all let the request pass."""
    return next((found for guard in guards if (found := guard(request)) is not None), None)


def known_version(request: web.BaseRequest) -> Refusal | None:
    """Refuse what is neither HTTP/1.0 nor HTTP/1.1: the parser reads other versions likewise."""
    if request.version not in (HttpVersion10, HttpVersion11):
        return Refusal(400, "BadRequest", "this is not HTTP/1.1")
    return None


def host_is_ours(hosts: Iterable[str], *, or_local_address: bool = False) -> Guard:
    """Make a guard that wants one Host header with one of these values, upper case or lower.

    Args:
        hosts: the values.
        or_local_address: whether the address that the very connection was made to is one more; for
            doors that listen on every address.

    """
    allowed = frozenset(host.lower() for host in hosts)

    def guard(request: web.BaseRequest) -> Refusal | None:
        given = request.headers.getall("Host", [])
        if len(given) != 1:
            return Refusal(400, "BadHost", f"expected one Host header, got {len(given)}")
        host = given[0].lower()
        if host not in allowed and not (or_local_address and host in _local_hosts(request)):
            return Refusal(
                403, "BadHost", "this Host is not served here; doors.allowed_hosts can name others"
            )
        return None

    return guard


def local_host(request: web.BaseRequest) -> str:
    """Give the IP address of this machine that a request's connection was made to."""
    host: str = _local_name(request)[0]
    # A socket for both families writes IPv4 so; a zone belongs to no Host.
    return host.partition("%")[0].removeprefix("::ffff:")


def _local_hosts(request: web.BaseRequest) -> frozenset[str]:
    host = local_host(request)
    return hosts_of([(f"[{host}]" if ":" in host else host, _local_name(request)[1])])


def _local_name(request: web.BaseRequest) -> tuple[Any, ...]:
    if request.transport is None:
        return "::", 0  # it has ended: nothing will be answered
    found: tuple[Any, ...] = request.transport.get_extra_info("sockname")
    return found


def not_forwarded(request: web.BaseRequest) -> Refusal | None:
    """Refuse what came through a proxy: it was not sent from this machine."""
    if any(name in request.headers for name in _FORWARDED):
        return Refusal(400, "Forwarded", "Forwarded")
    return None


def not_from_a_browser(request: web.BaseRequest) -> Refusal | None:
    """Refuse what a web page sends: no SDK sets these headers."""
    if any(name in request.headers for name in _BROWSER):
        return Refusal(403, "BrowserRequest", "requests from web pages are not served")
    return None


def only_get(request: web.BaseRequest) -> Refusal | None:
    """Refuse every method but GET."""
    if request.method != "GET":
        return Refusal(405, "MethodNotAllowed", "Not allowed", {"Allow": "GET"})
    return None


def no_body(request: web.BaseRequest) -> Refusal | None:
    """Refuse a GET that carries a body, announced in either way."""
    lengths = request.headers.getall("Content-Length", [])
    if "Transfer-Encoding" in request.headers or any(each.strip() != "0" for each in lengths):
        return Refusal(400, "BodyNotAllowed", "a GET must have no body")
    return None


def hosts_of(addresses: Iterable[tuple[str, int]]) -> frozenset[str]:
    """List the Host values of a listener, with and without port, as clients send both.

    Args:
        addresses: hosts as they stand in URLs (IPv6 in brackets) and ports.

    """
    found = set[str]()
    for host, port in addresses:
        names = [host]
        if host.startswith("127.") or host == "[::1]":
            names.append("localhost")
        for name in names:
            found |= {name, f"{name}:{port}"}
    return frozenset(found)
