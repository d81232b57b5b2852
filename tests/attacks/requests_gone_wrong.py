"""Bytes for doors: requests that are right, then changed in one place or several; and no requests.

Half of them hold the token of one app, ``web``; the other half hold no token that counts.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.attacks.requests import Signature, ask, authorization, imds, vault
from tests.attacks.world import World

APP: Final = "web"
_NOBODYS: Final = "a-token-that-is-nobodys"
_SMALL: Final = 200

_METHODS: Final = ["GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "get", "PRI", "G\0T", ""]
_ODD: Final = [
    b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b"%", b"%00", b"%2e%2e%2f",
    b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"..", b"//", b"?", b"#", b"&", b"=", b"+", b",", b'"',
    b"{", b"[" * 50, b"\\u0000", b"\\ud800", b"a" * 9000,
]  # fmt: skip
_IN_URLS: Final = [
    "%00", "%ff", "%c3%28", "%ed%a0%80", "%F0%9F%98%80", "%0d%0a", "%", "%zz", "%2e%2e%2f", "%25",
    "..", "/", "//", "\\", ";", "+", "&", "&versionId=", "&x=y", "=", "?", "#", "*", ":", "@", "[",
    "%20", "\xe9", "a" * 3000,
]  # fmt: skip
_LINES: Final = [
    "Content-Length: 0", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999",
    "Content-Length: 5, 5", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: x", "Connection: keep-alive", "Connection: upgrade", "Upgrade: websocket",
    "Upgrade: h2c", "Expect: 100-continue", "Expect: x", "Host: x", "Host: 127.0.0.1", " folded",
    "Content-Encoding: gzip", "Content-Encoding: br", "Origin: null", "X-Forwarded-For: x", ":",
    "X-Amz-Target: x", "Cookie: " + "a=b; " * 200, "Range: bytes=0-1", "TE: trailers", "\0: \0",
    "Sec-WebSocket-Key: x", "Content-Type: multipart/form-data", "HTTP2-Settings: AAMAAABkAAQAAP__",
]  # fmt: skip
_OPERATIONS: Final = [
    "secretsmanager.GetSecretValue", "secretsmanager.BatchGetSecretValue",
    "secretsmanager.DescribeSecret", "AmazonSSM.GetParameter", "AmazonSSM.GetParameters",
    "AmazonSSM.GetParametersByPath", "AmazonSSM.GetParameterHistory", "secretsmanager.", "x",
]  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """What is sent to one door, in parts, and whether a token that counts was in it."""

    door: str
    parts: tuple[bytes, ...]
    has_token: bool


def _targets(world: World, door: str) -> list[str]:
    """List targets that the door knows, and that it does not."""
    me, other = world.actors[APP], world.actors["batch"]
    roles = "/latest/meta-data/iam/security-credentials"
    known = {
        "credentials": ["/credentials", f"/credentials/{me.role}", f"/credentials/{other.role}"],
        "secrets": [
            "/ping",
            f"/v1/{me.secret}",
            f"/v1/{other.secret}",
            f"/secretsmanager/get?secretId={me.secret}&versionStage=AWSCURRENT",
            f"/secretsmanager/get?secretId={me.secret}&versionId=x&refreshNow=false",
            f"/systemsmanager/parameters/get?name={me.parameter}&withDecryption=true&version=1",
            f"/systemsmanager/parameters/get?name={other.parameter}&label=x",
        ],
        "aws_api": ["/"],
        "metadata": ["/latest/api/token", roles, f"{roles}/box", f"{roles}/{me.role}", "/latest"],
        "admin": ["/healthz", "/readyz", "/invalidate?name=x", "/invalidate?secretId=x", "/"],
    }
    return [*known[door] * 10, "*", "/", f"http://{world.authority(door)}/x", "//", "/%", "/é"]


_json: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
_keys: Final = st.sampled_from(["SecretId", "Name", "Names", "SecretIdList", "Path", "Filters"])


@st.composite
def _bodies(draw: st.DrawFn, world: World) -> bytes:
    names = [each.secret for each in world.actors.values()]
    values = st.sampled_from([*names, "/attacks/web", "/attacks/web/url", names[:3]]) | _json
    members = draw(st.just({"SecretId": names[0]}) | st.dictionaries(_keys, values, max_size=3))
    return draw(st.just(json.dumps(members).encode()) | st.binary(max_size=40))


@st.composite
def _odd_targets(draw: st.DrawFn, targets: st.SearchStrategy[str]) -> str:
    """Put what a URL may hold into a target, towards its end rather: the request stays HTTP."""
    target = draw(targets)
    for piece in draw(st.lists(st.sampled_from(_IN_URLS), max_size=1)):
        place = len(target) - draw(st.integers(0, min(4, len(target) - 1)))
        target = target[:place] + piece + target[place:]
    return target


@st.composite
def _right(draw: st.DrawFn, world: World, door: str, *, has_token: bool) -> bytes:
    """Draw a request that is right but for its token, perhaps."""
    me = world.actors[APP]
    if door == "aws_api":
        body = draw(_bodies(world))
        signature = Signature(
            world, me, draw(st.sampled_from([_OPERATIONS[0]] * 6 + _OPERATIONS)), body
        )
        if not has_token:
            signature.secret_key = "x" * 40
        return signature.sent()
    token = me.token if has_token else _NOBODYS
    target = draw(_odd_targets(st.sampled_from(_targets(world, door))))
    method = draw(st.sampled_from(["GET"] * 40 + _METHODS))
    if door == "metadata":
        shown = world.imds_token if has_token else "A" * 56
        return imds(world, target, shown, _ttl(draw), method=method)
    header = vault(token) if door == "secrets" else authorization(token)
    return ask(world, door, target, header, method=method, close=draw(st.booleans()))


def _ttl(draw: st.DrawFn) -> str:
    seconds = draw(
        st.sampled_from(["60", "0", "21601", "-1", "x", "\u0661".encode().decode("latin-1")])
    )
    return f"X-aws-ec2-metadata-token-ttl-seconds: {seconds}"


Change = Callable[[bytes, int, bytes], bytes]


def _put_in(data: bytes, place: int, odd: bytes) -> bytes:
    return data[:place] + odd + data[place:]


def _put_over(data: bytes, place: int, odd: bytes) -> bytes:
    return data[:place] + odd + data[place + len(odd) :]


def _cut_out(data: bytes, place: int, odd: bytes) -> bytes:
    return data[:place] + data[place + len(odd) :]


def _cut_off(data: bytes, place: int, _: bytes) -> bytes:
    return data[:place]


def _say_twice(data: bytes, place: int, _: bytes) -> bytes:
    """Repeat the line that a place is in."""
    start, end = data.rfind(b"\n", 0, place) + 1, data.find(b"\n", place) + 1
    return data[:end] + data[start:end] + data[end:]


def _bare_newlines(data: bytes, *_: object) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _flip(data: bytes, place: int, _: bytes) -> bytes:
    return (
        data[:place] + bytes([each ^ 0x20 for each in data[place : place + 1]]) + data[place + 1 :]
    )


_CHANGES: Final[tuple[Change, ...]] = (
    _put_in,
    _put_over,
    _cut_out,
    _cut_off,
    _say_twice,
    _bare_newlines,
    _flip,
)


def _add_line(data: bytes, line: str) -> bytes:
    """Put a header line behind the first line."""
    first, newline, rest = data.partition(b"\r\n")
    return first + newline + line.encode("latin-1") + newline + rest


@st.composite
def _gone_wrong(draw: st.DrawFn, world: World, door: str, *, has_token: bool) -> bytes:
    data = draw(_right(world, door, has_token=has_token))
    if draw(st.booleans()):
        return data
    for line in draw(st.lists(st.sampled_from(_LINES), max_size=1)):
        data = _add_line(data, line)
    for change in draw(st.lists(st.sampled_from(_CHANGES), max_size=2)):
        place = draw(st.integers(0, max(0, len(data))))
        data = change(data, place, draw(st.sampled_from(_ODD) | st.binary(min_size=1, max_size=4)))
    return data


@st.composite
def to_door(draw: st.DrawFn, world: World, door: str) -> Sent:
    """Draw what one connection to a door gets to hear."""
    has_token = draw(st.booleans())
    one = _gone_wrong(world, door, has_token=has_token)
    pipelined = st.lists(one, min_size=1, max_size=3).map(b"".join)
    noise = st.binary(max_size=_SMALL)
    data = draw(st.one_of(one, one, one, one, pipelined, pipelined, noise))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=2)))
    ends = [*cuts, len(data)]
    parts = [data[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
    return Sent(door, tuple(parts), has_token)
