"""A token that does not count: the same words to whoever sent it, the reason to the audit."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidecar.audit.event import Result
from tests.attacks.requests import (
    ask,
    authorization,
    claims_of,
    encoded,
    header_of,
    jwt_of,
    resigned,
    vault,
)

if TYPE_CHECKING:
    from tests.attacks.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

VICTIM = "web"
# By default a token counts for a day, and for seven days after its end.
LONG_AGO = timedelta(days=9)
HOUR = 3600
STRANGER = Ed25519PrivateKey.generate()

NO_APP = "the token belongs to no app"
NO_JWT = "the token is no well-formed JWT"
ALGORITHM = "the token's algorithm is not EdDSA"
KEY = "the token was signed with a key that is not the sidecar's of now"
SIGNATURE = "the token's signature does not match"
AUDIENCE = "the token is for another audience"
TYPE = "a claim of the token is of the wrong type"

Make = Callable[["World", str], str]


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _expired(world: "World", token: str) -> str:
    issued = _seconds(datetime.now(UTC) - LONG_AGO)
    return resigned(world, token, iat=issued, exp=issued + 24 * HOUR)


def _of_the_future(world: "World", token: str) -> str:
    issued = _seconds(datetime.now(UTC)) + HOUR
    return resigned(world, token, iat=issued, exp=issued + HOUR)


def _with(**claims: object) -> Make:
    """Sign other claims with the sidecar's own key: what only it could do."""
    return lambda world, token: resigned(world, token, **claims)


def _lacking(claim: str) -> Make:
    def make(world: "World", token: str) -> str:
        said = {key: each for key, each in claims_of(token).items() if key != claim}
        return jwt_of(header_of(token), said, world.token_key)

    return make


def _headed(key: Ed25519PrivateKey | bytes | None = None, **header: object) -> Make:
    """Claim to be the victim, under another header, signed with another key or none."""
    return lambda _, token: jwt_of({**header_of(token), **header}, claims_of(token), key)


def _confused(form: Callable[["World"], bytes]) -> Make:
    """Take the public key for a secret one: whoever verifies by the token's word accepts it."""

    def make(world: "World", token: str) -> str:
        header = {**header_of(token), "alg": "HS256"}
        return jwt_of(header, claims_of(token), form(world))

    return make


def _public_pem(world: "World") -> bytes:
    public = world.token_key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _public_raw(world: "World") -> bytes:
    return world.token_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _issuer(_: "World", token: str) -> str:
    said = {**claims_of(token), "iss": "https://issuer.example"}
    return jwt_of({"alg": "EdDSA", "kid": "1", "typ": "JWT"}, said, STRANGER)


def _swapped(world: "World", token: str) -> str:
    """Put the victim's name into a token of another app's, and keep that one's signature."""
    header, _, signature = world.actors["south"].token.split(".")
    said = {**claims_of(world.actors["south"].token), "sub": VICTIM}
    return f"{header}.{encoded(json.dumps(said).encode())}.{signature}"


def _own_key_inside(_: "World", token: str) -> str:
    public = STRANGER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encoded(public)}
    return jwt_of({**header_of(token), "jwk": jwk}, claims_of(token), STRANGER)


def _parts(change: Callable[[list[str]], list[str]]) -> Make:
    return lambda _, token: ".".join(change(token.split(".")))


def _doubled_keys(_: "World", token: str) -> str:
    """Name two apps: the real one first, and the victim last."""
    said = json.dumps(claims_of(token))[1:-1]
    return jwt_of(header_of(token), f'{{"sub": "south", {said}}}', STRANGER)


def _doubled_algorithm(_: "World", token: str) -> str:
    kid = json.dumps(header_of(token)["kid"])
    return jwt_of(f'{{"alg": "EdDSA", "kid": {kid}, "alg": "none"}}', claims_of(token), None)


def _unencoded(_: "World", token: str) -> str:
    header = {**header_of(token), "b64": False, "crit": ["b64"]}
    return jwt_of(header, claims_of(token), STRANGER)


def _other_last_letter(_: "World", token: str) -> str:
    """Change the bits of the last letter that stand for nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


REFUSED: list[tuple[str, Make, str]] = [
    ("expired", _expired, "the token has expired"),
    (
        "not yet valid",
        _of_the_future,
        "the token is not yet valid: it was issued in the future",
    ),
    ("wrong audience", _with(aud="another-sidecar"), AUDIENCE),
    ("several audiences", _with(aud=["credential-sidecar", "x"]), AUDIENCE),
    ("wrong issuer", _issuer, KEY),
    ("no such app", _with(sub="nobody"), "the token's app is not configured"),
    ("an app in capitals", _with(sub="WEB"), "the token's app is not configured"),
    ("an app that is no text", _with(sub=["web"]), TYPE),
    ("an end that is no number", _with(exp="9999999999"), TYPE),
    ("an end without end", _with(exp=10**30), TYPE),
    ("an end that is true", _with(exp=True), TYPE),
    ("a beginning before all", _with(iat=-(10**20)), TYPE),
    ("without end", _lacking("exp"), "the token has no claim exp"),
    ("without beginning", _lacking("iat"), "the token has no claim iat"),
    ("without audience", _lacking("aud"), "the token has no claim aud"),
    ("without app", _lacking("sub"), "the token has no claim sub"),
    ("without id", _lacking("jti"), "the token has no claim jti"),
    ("alg none", _headed(alg="none"), ALGORITHM),
    ("alg None", _headed(alg="None"), ALGORITHM),
    ("no alg", _headed(alg=None), ALGORITHM),
    ("alg twice", _doubled_algorithm, ALGORITHM),
    ("HS256 with the public key", _confused(_public_pem), ALGORITHM),
    ("HS256 with its bytes", _confused(_public_raw), ALGORITHM),
    ("HS256 with nothing", _confused(lambda _: b""), ALGORITHM),
    ("HS512", _headed(b"x" * 64, alg="HS512"), ALGORITHM),
    ("RS256", _headed(STRANGER, alg="RS256"), ALGORITHM),
    ("another kid", _headed(STRANGER, kid="x"), KEY),
    ("a kid that is a path", _headed(b"", alg="EdDSA", kid="../../../../dev/null"), KEY),
    ("a kid that is a query", _headed(STRANGER, kid="' UNION SELECT 'x"), KEY),
    ("a kid that is no text", _headed(STRANGER, kid=["x"]), NO_JWT),
    ("no kid", _headed(STRANGER, kid=None), NO_JWT),
    ("a stranger's key under our kid", _headed(STRANGER), SIGNATURE),
    ("a stranger's key inside", _own_key_inside, SIGNATURE),
    ("a stranger's key at an address", _headed(STRANGER, jku="http://127.0.0.1/"), SIGNATURE),
    ("another app's signature", _swapped, SIGNATURE),
    ("two apps in it", _doubled_keys, SIGNATURE),
    ("a payload that is not encoded", _unencoded, NO_JWT),
    ("no signature", _parts(lambda p: [*p[:2], ""]), SIGNATURE),
    ("two parts", _parts(lambda p: p[:2]), NO_APP),
    ("four parts", _parts(lambda p: [*p, ""]), NO_APP),
    ("truncated", lambda _, token: token[:-10], SIGNATURE),
    ("cut in half", lambda _, token: token[: len(token) // 2], NO_APP),
    ("padded", lambda _, token: f"{token}==", NO_JWT),
    ("its last bits", _other_last_letter, NO_JWT),
    ("a letter of no alphabet", lambda _, token: f"{token[:-4]}!{token[-4:]}", NO_JWT),
    ("two of them with a comma", lambda _, token: f"{token},{token}", NO_APP),
    ("two of them with a blank", lambda _, token: f"{token} {token}", NO_APP),
    ("dots alone", lambda *_: "..", NO_JWT),
    ("nested", lambda _, token: encoded(token.encode()), NO_APP),
    ("base64 of base64", lambda _, t: base64.b64encode(t.encode()).decode(), NO_APP),
    ("longer than tokens are", lambda *_: "a.b." + "c" * 4096, "more than 4096 characters"),
    ("as long as a line", lambda *_: "x" * 8050, "the token has more than 8000 bytes"),
    ("not ASCII", lambda _, token: f"{token}\xe9", NO_APP),
]
DOORS: dict[str, tuple[str, Callable[[str], str], int]] = {
    "credentials": ("/credentials/web", authorization, 401),
    "secrets": ("/v1/attacks/web/database", vault, 403),
}


async def _answer(world: "World", door: str, token: str) -> tuple[int, bytes]:
    path, header, _ = DOORS[door]
    stream = await world.exchange(door, ask(world, door, path, header(token)))
    head, _, body = stream.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("make", "reason"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
async def test_a_token_that_does_not_count_is_told_nothing_and_the_audit_why(
    make: Make, reason: str, door: str, world: "World"
) -> None:
    token = make(world, world.actors[VICTIM].token)
    unknown = await _answer(world, door, "a-token-that-is-nobodys")
    world.audit.taken()
    assert await _answer(world, door, token) == unknown
    assert unknown[0] == DOORS[door][2]
    (event,) = world.audit.taken()
    assert event.result is Result.DENIED
    assert reason in event.reason
    assert event.door == door


@pytest.mark.parametrize("door", DOORS)
async def test_a_token_of_100_kb_is_refused_with_the_head_that_holds_it(
    door: str, world: "World"
) -> None:
    world.audit.taken()
    status, body = await _answer(world, door, "x" * 100_000)
    assert (status, b"malformed request" in body) == (400, True)
    (event,) = world.audit.taken()
    assert (event.result, event.door, event.app) == (Result.DENIED, door, "")
    assert "a head that is too long" in event.reason


def _just(world: "World", token: str) -> Any:
    """Sign the victim's own claims by hand: the way in which all others are made."""
    return jwt_of(header_of(token), claims_of(token), world.token_key)


GOOD: list[tuple[str, Make]] = [
    ("its own", lambda _, token: token),
    ("signed by hand", _just),
    ("with a claim more", _with(more="x")),
    ("an hour old", _with(iat=_seconds(datetime.now(UTC)) - HOUR)),
    ("at its end, in its grace", _with(exp=_seconds(datetime.now(UTC)) - HOUR)),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("make", [each[1] for each in GOOD], ids=[each[0] for each in GOOD])
async def test_a_token_that_is_made_alike_and_counts_is_accepted(
    make: Make, door: str, world: "World"
) -> None:
    world.audit.taken()
    token = make(world, world.actors[VICTIM].token)
    assert (await _answer(world, door, token))[0] == 200
    (event,) = world.audit.taken()
    assert (event.result, event.app) == (Result.GRANTED, VICTIM)
    assert event.token_id == claims_of(token)["jti"]


async def test_the_order_of_good_and_bad_makes_no_difference(world: "World") -> None:
    good = world.actors[VICTIM].token
    bad = _headed(STRANGER)(world, good)
    tokens = (bad, good, bad, good, good, bad)
    statuses = [(await _answer(world, "credentials", each))[0] for each in tokens]
    assert statuses == [401, 200, 401, 200, 200, 401]
