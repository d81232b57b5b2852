"""Attacks on the metadata door, which serves the app ``box``, and on the admin door."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

from sidecar.access.imds_token import NONCE_BYTES, issue
from tests.attacks.attack import Attack, Build, Twin, denied, near
from tests.attacks.credentials_attacks import HONEST as HONEST_CREDENTIALS
from tests.attacks.requests import ask, authorization, everything_quoted, imds
from tests.attacks.secrets_attacks import HONEST as HONEST_SECRET
from tests.attacks.world import Actor, World

DOOR: Final = "metadata"
_ROLES: Final = "/latest/meta-data/iam/security-credentials"
HONEST: Final = Twin(DOOR, lambda w, *_: imds(w, f"{_ROLES}/box", w.imds_token))
# Whoever reaches the door is box; and strangers want what box has.
_FROM_BOX: Final = (("box", "web"), ("box", "north"))
_ON_BOX: Final = (("web", "box"),)
_NOT_ITS_ROLE: Final = "apps.box.roles does not have the role"

Spelling = Callable[[Actor], str]


def _role(name: str, spelling: Spelling, words: str = _NOT_ITS_ROLE, who: str = "me") -> Attack:
    """Ask with a good token for a role that is another app's."""

    def build(w: World, _me: Actor, them: Actor) -> bytes:
        return imds(w, spelling(them), w.imds_token)

    seen = denied(words, who) if words else ()
    return Attack(name, DOOR, build, (404,), seen, HONEST, _FROM_BOX)


ROLES: Final = (
    _role("another app's role", lambda t: f"{_ROLES}/{t.role}"),
    _role("with its account", lambda t: f"{_ROLES}-extended/{t.role}"),
    _role("with a slash at the end", lambda t: f"{_ROLES}/{t.role}/"),
    _role("encoded", lambda t: f"{_ROLES}/{everything_quoted(t.role)}"),
    _role("a comma and another", lambda t: f"{_ROLES}/box,{t.role}"),
    _role("a role of the sidecar's own", lambda _: f"{_ROLES}/reader"),
    _role("dots", lambda t: f"{_ROLES}/box/../{t.role}", ""),
    _role("dots with a semicolon", lambda t: f"{_ROLES}/..;/{t.role}", ""),
    _role("the credentials door's path", lambda t: f"/credentials/{t.role}", ""),
    _role("the secrets door's path", lambda t: f"/v1/{t.secret}", ""),
    _role("another version of the tree", lambda t: f"/2021-07-15/meta-data/iam/{t.role}", ""),
    _role("user data", lambda _: "/latest/user-data", ""),
)


def _shown(*lines: Callable[[World, Actor], str], method: str = "GET") -> Build:
    def build(w: World, me: Actor, _them: Actor) -> bytes:
        return ask(w, DOOR, f"{_ROLES}/box", *[each(w, me) for each in lines], method=method)

    return build


def _token(token: Callable[[World], str]) -> Callable[[World, Actor], str]:
    return lambda w, _: f"X-aws-ec2-metadata-token: {token(w)}"


def _later(token: str) -> str:
    """Let a token end later, and keep its seal."""
    held = bytearray(urlsafe_b64decode(token))
    held[3] ^= 1
    return urlsafe_b64encode(held).decode()


def _of_another_process(_: World) -> str:
    return issue(b"k" * 32, b"n" * NONCE_BYTES, 21600, 1e9)


TOKENS: Final = tuple(
    Attack(name, DOOR, build, (status,), denied(words), HONEST, _ON_BOX)
    for name, build, status, words in (
        ("IMDSv1", _shown(), 401, "there is no token"),
        (
            "another process's token",
            _shown(_token(_of_another_process)),
            401,
            "not made by this process",
        ),
        (
            "a token that ends later",
            _shown(_token(lambda w: _later(w.imds_token))),
            401,
            "not made by this process",
        ),
        ("a token cut short", _shown(_token(lambda w: w.imds_token[:-1])), 401, "malformed"),
        ("a token of zeros", _shown(_token(lambda _: "A" * 56)), 401, "not made by this process"),
        (
            "an app's token",
            _shown(lambda _, me: f"X-aws-ec2-metadata-token: {me.token}"),
            401,
            "malformed",
        ),
        (
            "an app's token in its header",
            _shown(lambda _, me: authorization(me.token)),
            401,
            "no token",
        ),
        (
            "the token in Authorization",
            _shown(lambda w, _: authorization(w.imds_token)),
            401,
            "no token",
        ),
        ("two tokens", _shown(*[_token(lambda w: w.imds_token)] * 2), 401, "several tokens"),
        (
            "a proxy before it",
            _shown(_token(lambda w: w.imds_token), lambda *_: "X-Forwarded-For: 127.0.0.1"),
            403,
            "Forwarded",
        ),
        ("Via", _shown(_token(lambda w: w.imds_token), lambda *_: "Via: 1.1 x"), 403, "Forwarded"),
        (
            "a web page",
            _shown(_token(lambda w: w.imds_token), lambda *_: "Origin: http://x"),
            403,
            "web pages",
        ),
        ("POST", _shown(_token(lambda w: w.imds_token), method="POST"), 405, "Not allowed"),
        ("PUT", _shown(_token(lambda w: w.imds_token), method="PUT"), 405, "Not allowed"),
    )
)


def _query(w: World, _me: Actor, _them: Actor) -> bytes:
    return imds(w, f"{_ROLES}/box?x", w.imds_token)


def _token_by_get(w: World, _me: Actor, _them: Actor) -> bytes:
    return ask(w, DOOR, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60")


ELSEWHERE: Final = (
    Attack("a query", DOOR, _query, (400,), (), HONEST, _ON_BOX),
    Attack("a token by GET", DOOR, _token_by_get, (405,), denied("Not allowed"), HONEST, _ON_BOX),
)


def _admin(name: str, path: Spelling, status: int, words: str = "", method: str = "GET") -> Attack:
    """Ask the door that nobody needs a token for."""

    def build(w: World, _me: Actor, them: Actor) -> bytes:
        lines = (authorization(them.token), f"X-Vault-Token: {them.token}")
        return ask(w, "admin", path(them), *lines, method=method)

    seen = denied(words) if words else ()
    return Attack(name, "admin", build, (status,), seen, HONEST_SECRET)


ADMIN: Final = (
    _admin("is it alive", lambda _: "/healthz", 200),
    _admin("is it ready", lambda _: "/readyz", 200),
    _admin("the secrets door's path", lambda t: f"/v1/{t.secret}", 404),
    _admin("its query", lambda t: f"/secretsmanager/get?secretId={t.secret}", 404),
    *near(
        HONEST_CREDENTIALS,
        (_admin("the credentials door's path", lambda t: f"/credentials/{t.role}", 404),),
    ),
    _admin("behind a path that there is", lambda t: f"/readyz/../v1/{t.secret}", 404),
    _admin("the root", lambda _: "/", 404),
    _admin("another method", lambda _: "/readyz", 405, method="PUT"),
    _admin("an invalidation by GET", lambda t: f"/invalidate?secretId={t.secret}", 405),
    _admin("an invalidation of nothing", lambda _: "/invalidate?all=false", 400, method="POST"),
)

ATTACKS: Final = (*ROLES, *TOKENS, *ELSEWHERE, *ADMIN)
