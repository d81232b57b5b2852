"""Attacks below the protocols: other hosts, proxies, pages, and requests within requests."""

from collections.abc import Callable
from typing import Final

from tests.attacks import (
    api_attacks,
    credentials_attacks,
    metadata_attacks,
    secrets_attacks,
)
from tests.attacks.attack import ANY, Attack, Build, Seen, Twin, denied, granted
from tests.attacks.requests import Signature, ask, authorization, imds, raw, vault
from tests.attacks.world import Actor, World

_GUARDED: Final = {
    "credentials": credentials_attacks.HONEST,
    "secrets": secrets_attacks.HONEST,
    "aws_api": api_attacks.HONEST,
    "metadata": metadata_attacks.HONEST,
}
_ON_BOX: Final = (("web", "box"),)


def _rightly(door: str, w: World, them: Actor, *lines: str, host: str | None = None) -> bytes:
    """Write the honest request of a door, with more lines or for another host."""
    if door == "credentials":
        path = f"/credentials/{them.role}"
        return ask(w, door, path, authorization(them.token), *lines, host=host)
    if door == "secrets":
        return ask(w, door, f"/v1/{them.secret}", vault(them.token), *lines, host=host)
    if door == "metadata":
        path = "/latest/meta-data/iam/security-credentials/box"
        asked = imds(w, path, w.imds_token, *lines)
    else:
        members = {"SecretId": them.secret}
        asked = Signature(w, them, "secretsmanager.GetSecretValue", members).sent(*lines)
    if host is None:
        return asked
    old = f"Host: {w.authority(door)}\r\n".encode()
    assert asked.count(old) == 1
    return asked.replace(old, f"Host: {host}\r\n".encode())


def _host(name: str, host: Callable[[World, str], str], status: int = 403) -> tuple[Attack, ...]:
    """Reach every door by another name: DNS rebinding. A browser may know the token."""

    def build(door: str) -> Build:
        return lambda w, _, them: _rightly(door, w, them, host=host(w, door))

    return tuple(
        Attack(f"Host: {name}", door, build(door), (status,), denied("Host"), twin, _pairs(door))
        for door, twin in _GUARDED.items()
    )


def _pairs(door: str) -> tuple[tuple[str, str], ...]:
    return _ON_BOX if door == "metadata" else (("batch", "web"),)


def _port(w: World, door: str) -> str:
    return w.authority(door).rpartition(":")[2]


HOSTS: Final = (
    *_host("attacker.example", lambda *_: "attacker.example"),
    *_host("attacker.example with the port", lambda w, d: f"attacker.example:{_port(w, d)}"),
    *_host("ours as a subdomain", lambda *_: "127.0.0.1.attacker.example"),
    *_host("ours as a user", lambda w, d: f"{w.authority(d)}@attacker.example"),
    *_host("another port", lambda *_: "127.0.0.1:1"),
    *_host("a dot at the end", lambda *_: "localhost."),
    *_host("a number", lambda *_: "2130706433"),
    *_host("short", lambda *_: "127.1"),
    *_host("an IPv6 address that holds ours", lambda *_: "[::ffff:127.0.0.1]"),
    *_host("every address", lambda *_: "0.0.0.0"),
    *_host("link-local", lambda *_: "169.254.169.254"),
    *_host("empty", lambda *_: ""),
    *_host("two with a comma", lambda w, d: f"{w.authority(d)}, attacker.example"),
)


def _marked(line: str, words: str, status: int) -> tuple[Attack, ...]:
    """Send what a proxy or a browser adds."""

    def build(door: str) -> Build:
        return lambda w, _, them: _rightly(door, w, them, line)

    def status_of(door: str) -> int:
        return 403 if door == "metadata" else status

    return tuple(
        Attack(line, door, build(door), (status_of(door),), denied(words), twin, _pairs(door))
        for door, twin in _GUARDED.items()
    )


MARKS: Final = (
    *_marked("X-Forwarded-For: 127.0.0.1", "Forwarded", 400),
    *_marked("x-forwarded-for:", "Forwarded", 400),
    *_marked("Forwarded: for=127.0.0.1", "Forwarded", 400),
    *_marked("Via: 1.1 proxy", "Forwarded", 400),
    *_marked("Origin: null", "web pages", 403),
    *_marked("Referer: http://127.0.0.1/", "web pages", 403),
    *_marked("Sec-Fetch-Site: same-origin", "web pages", 403),
    *_marked("Sec-Fetch-Mode: cors", "web pages", 403),
)

Shape = Callable[[World, Actor, Actor], str]


def _shape(
    name: str, shape: Shape, statuses: tuple[int, ...], seen: tuple[Seen, ...] = ()
) -> Attack:
    """Send to the secrets door what two programs may take for different requests."""
    return Attack(
        name, "secrets", lambda w, m, t: raw(shape(w, m, t)), statuses, seen, _SECRET, ANY
    )


_SECRET: Final = Twin(
    "secrets", lambda w, _, t: ask(w, "secrets", f"/v1/{t.secret}", vault(t.token))
)


def _first(w: World, me: Actor, *lines: str) -> str:
    """Ask for one's own secret on a connection that stays."""
    head = [f"GET /v1/{me.secret} HTTP/1.1", f"Host: {w.authority('secrets')}", vault(me.token)]
    return "\n".join([*head, *lines, "", ""])


def _second(w: World, them: Actor, *lines: str) -> str:
    """Ask for another's secret, without a token of one's own."""
    head = [f"GET /v1/{them.secret} HTTP/1.1", f"Host: {w.authority('secrets')}", *lines]
    return "\n".join([*head, "Connection: close", "", ""])


def _staying(w: World, them: Actor) -> str:
    return _second(w, them).replace("Connection: close\n", "")


_MINE: Final = granted("{me.secret}")
_NO_TOKEN: Final = denied("no token header")
_BODY: Final = denied("a GET must have no body", "me")


def _inside(w: World, me: Actor, them: Actor, *lines: str) -> str:
    """Hide the second request in the body of the first."""
    hidden = _second(w, them)
    length = f"Content-Length: {len(raw(hidden))}"
    return _first(w, me, *[each.format(length=length) for each in lines]) + hidden


SHAPES: Final = (
    _shape(
        "a second request without a token",
        lambda w, m, t: _first(w, m) + _second(w, t),
        (200, 403),
        (*_MINE, *_NO_TOKEN),
    ),
    _shape(
        "a second request with an empty token",
        lambda w, m, t: _first(w, m) + _second(w, t, "X-Vault-Token:"),
        (200, 403),
        (*_MINE, *denied("the token")),
    ),
    _shape(
        "a second request with my token",
        lambda w, m, t: _first(w, m) + _second(w, t, vault(m.token)),
        (200, 403),
        (*_MINE, *denied("no pattern", "me")),
    ),
    _shape(
        "the token after the request",
        lambda w, m, t: _staying(w, t) + _first(w, m),
        (403,),
        _NO_TOKEN,
    ),
    _shape(
        "ping first, which needs no token",
        lambda w, _, t: f"GET /ping HTTP/1.1\nHost: {w.authority('secrets')}\n\n" + _second(w, t),
        (200, 403),
        _NO_TOKEN,
    ),
    _shape("a request in a body", lambda w, m, t: _inside(w, m, t, "{length}"), (400,), _BODY),
    _shape(
        "length and chunks",
        lambda w, m, t: _inside(w, m, t, "{length}", "Transfer-Encoding: chunked"),
        (400,),
    ),
    _shape(
        "chunks and length",
        lambda w, m, t: _inside(w, m, t, "Transfer-Encoding: chunked", "{length}"),
        (400,),
    ),
    _shape(
        "two lengths", lambda w, m, t: _inside(w, m, t, "Content-Length: 0", "{length}"), (400,)
    ),
    _shape(
        "two lengths with a comma", lambda w, m, t: _inside(w, m, t, "Content-Length: 0, 5"), (400,)
    ),
    _shape("a length with a plus", lambda w, m, t: _inside(w, m, t, "Content-Length: +0"), (400,)),
    _shape("a negative length", lambda w, m, t: _inside(w, m, t, "Content-Length: -1"), (400,)),
    _shape(
        "a length in hexadecimal", lambda w, m, t: _inside(w, m, t, "Content-Length: 0x10"), (400,)
    ),
    _shape(
        "a length with a blank before the colon",
        lambda w, m, t: _inside(w, m, t, "Content-Length : 5"),
        (400,),
    ),
    _shape(
        "a chunked GET",
        lambda w, m, t: _first(w, m, "Transfer-Encoding: chunked") + "0\n\n" + _second(w, t),
        (400,),
        _BODY,
    ),
    _shape(
        "chunks in capitals",
        lambda w, m, t: _first(w, m, "Transfer-Encoding: CHUNKED") + "0\n\n" + _second(w, t),
        (400,),
        _BODY,
    ),
    _shape(
        "chunks of another kind",
        lambda w, m, t: _first(w, m, "Transfer-Encoding: xchunked") + _second(w, t),
        (400,),
    ),
    _shape(
        "chunks twice",
        lambda w, m, t: (
            _first(w, m, "Transfer-Encoding: chunked, chunked") + "0\n\n" + _second(w, t)
        ),
        (400,),
    ),
    _shape(
        "a folded line",
        lambda w, m, t: _first(w, m, "X: y", f" {vault(m.token)}") + _second(w, t),
        (400,),
    ),
    _shape("a line without a colon", lambda w, m, t: _first(w, m, "X") + _second(w, t), (400,)),
    _shape("a header without a name", lambda w, m, t: _first(w, m, ": x") + _second(w, t), (400,)),
    _shape("a NUL in a header", lambda w, m, t: _first(w, m, "X: \0") + _second(w, t), (400,)),
    _shape(
        "a carriage return in a header",
        lambda w, m, t: _first(w, m, f"X: a\r{vault(m.token)}") + _second(w, t),
        (400,),
    ),
    _shape("two hosts", lambda w, m, _: _first(w, m, "Host: attacker.example"), (400,)),
    _shape(
        "no host", lambda _w, _m, t: f"GET /v1/{t.secret} HTTP/1.1\n{vault(t.token)}\n\n", (400,)
    ),
    _shape("HTTP/2's preface", lambda *_: "PRI * HTTP/2.0\n\nSM\n\n", (400,)),
    _shape(
        "HTTP/0.9",
        lambda _w, _m, t: f"GET /v1/{t.secret}\n\n",
        (400,),
        denied("this is not HTTP/1.1"),
    ),
    _shape("a version of our own", lambda w, m, _: _first(w, m).replace("1.1", "1.2", 1), (400,)),
    _shape(
        "an upgrade",
        lambda w, m, t: _first(w, m, "Connection: Upgrade", "Upgrade: h2c") + _second(w, t),
        (200,),
        _MINE,
    ),
    _shape(
        "a hundred headers", lambda w, m, t: _first(w, m, *["X: y"] * 100) + _second(w, t), (400,)
    ),
)

ATTACKS: Final = (*HOSTS, *MARKS, *SHAPES)
