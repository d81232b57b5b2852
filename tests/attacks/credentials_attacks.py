"""Attacks on the credentials door: another app's role by every spelling, and wrong tokens."""

import base64
from collections.abc import Callable
from typing import Final

from tests.attacks.attack import (
    ANY,
    SEPARATE,
    SHARED,
    Attack,
    Build,
    Seen,
    Twin,
    denied,
    granted,
    near,
)
from tests.attacks.requests import ask, authorization, credentials, everything_quoted
from tests.attacks.world import Actor, World

DOOR: Final = "credentials"
HONEST: Final = Twin(DOOR, lambda w, _, them: credentials(w, them.token, them.role))
_NOT_ITS_ROLE: Final = denied("apps.{me.name}.roles does not have the role", "me")
_NO_ROLE: Final = denied("there is no such role", "me")
_NO_PATH: Final = denied("there is nothing at this path", "me")

Spelling = Callable[[Actor, Actor], str]


def _path(name: str, spelling: Spelling, status: int, seen: tuple[Seen, ...]) -> Attack:
    def build(w: World, me: Actor, them: Actor) -> bytes:
        return ask(w, DOOR, spelling(me, them), authorization(me.token))

    return Attack(name, DOOR, build, (status,), seen, pairs=SEPARATE)


# The same role in another spelling: its owner gets it so as well.
SAME_ROLE: Final = tuple(
    _path(name, spelling, 403, _NOT_ITS_ROLE)
    for name, spelling in (
        ("the role's own path", lambda _, them: f"/credentials/{them.role}"),
        ("a slash at the end", lambda _, them: f"/credentials/{them.role}/"),
        ("slashes at the beginning", lambda _, them: f"///credentials/{them.role}"),
        ("every letter encoded", lambda _, them: f"/credentials/{everything_quoted(them.role)}"),
        (
            "one letter encoded",
            lambda _, them: f"/credentials/%{ord(them.role[0]):X}{them.role[1:]}",
        ),
    )
)

# What only looks like it.
OTHER_ROLE: Final = near(
    HONEST,
    tuple(
        _path(name, spelling, 404, seen)
        for name, spelling, seen in (
            (
                "encoded twice",
                lambda _, t: f"/credentials/%25{ord(t.role[0]):x}{t.role[1:]}",
                _NO_ROLE,
            ),
            ("capitals", lambda _, t: f"/credentials/{t.role.upper()}", _NO_ROLE),
            ("a NUL at the end", lambda _, t: f"/credentials/{t.role}%00", _NO_ROLE),
            ("a NUL before it", lambda m, t: f"/credentials/{m.role}%00{t.role}", _NO_ROLE),
            ("a blank at the end", lambda _, t: f"/credentials/{t.role}%20", _NO_ROLE),
            ("a newline", lambda m, t: f"/credentials/{m.role}%0a{t.role}", _NO_ROLE),
            ("a path parameter", lambda _, t: f"/credentials/{t.role};x=1", _NO_ROLE),
            ("an encoded slash at the end", lambda _, t: f"/credentials/{t.role}%2f", _NO_ROLE),
            ("encoded dots", lambda m, t: f"/credentials/{m.role}%2f..%2f{t.role}", _NO_ROLE),
            ("an encoded question mark", lambda _, t: f"/credentials/{t.role}%3f", _NO_ROLE),
            ("full-width letters", lambda _, t: f"/credentials/{_wide(t.role)}", _NO_ROLE),
            ("an overlong letter", lambda _, t: f"/credentials/%c1%b7{t.role[1:]}", _NO_ROLE),
            ("a combining mark", lambda _, t: f"/credentials/{t.role}%cc%81", _NO_ROLE),
            ("a star", lambda _, _t: "/credentials/*", _NO_ROLE),
            ("two roles", lambda m, t: f"/credentials/{m.role},{t.role}", _NO_ROLE),
            ("the IAM role's name", lambda _, t: f"/credentials/attacks-{t.role}", _NO_ROLE),
            (
                "the IAM role's ARN",
                lambda _, t: f"/credentials/{everything_quoted(t.role_arn)}",
                _NO_ROLE,
            ),
            ("an ARN with its slash", lambda _, t: f"/credentials/{t.role_arn}", _NO_PATH),
            (
                "the app's name below the role",
                lambda m, t: f"/credentials/{m.role}/{t.name}",
                _NO_PATH,
            ),
            ("dots", lambda m, t: f"/credentials/{m.role}/../{t.role}", _NO_PATH),
            ("dots, encoded", lambda m, t: f"/credentials/{m.role}/%2e%2e/{t.role}", _NO_PATH),
            ("dots with a semicolon", lambda _, t: f"/credentials/..;/{t.role}", _NO_PATH),
            ("one dot", lambda _, t: f"/credentials/./{t.role}", _NO_PATH),
            ("out and in again", lambda _, t: f"/credentials/../credentials/{t.role}", _NO_PATH),
            ("an empty part", lambda _, t: f"/credentials//{t.role}", _NO_PATH),
            ("two slashes at the end", lambda _, t: f"/credentials/{t.role}//", _NO_PATH),
            ("a backslash", lambda _, t: f"/credentials\\{t.role}", _NO_PATH),
            ("the path in capitals", lambda _, t: f"/CREDENTIALS/{t.role}", _NO_PATH),
            ("another door's path", lambda _, t: f"/v1/{t.secret}", _NO_PATH),
            ("another protocol's path", lambda _, t: f"/latest/meta-data/iam/{t.role}", _NO_PATH),
        )
    ),
)


def _wide(text: str) -> str:
    return everything_quoted("".join(chr(ord(each) + 0xFEE0) for each in text))


def _absolute(w: World, me: Actor, them: Actor) -> bytes:
    target = f"http://{w.authority(DOOR)}/credentials/{them.role}"
    return ask(w, DOOR, target, authorization(me.token))


TARGETS: Final = near(
    HONEST,
    (
        _path("a fragment", lambda _, t: f"/credentials/{t.role}#x", 404, _NO_ROLE),
        _path(
            "a query", lambda _, t: f"/credentials?role={t.role}", 400, denied("query string", "me")
        ),
        Attack("absolute form", DOOR, _absolute, (404,), _NO_PATH, pairs=SEPARATE),
        Attack(
            "authority form",
            DOOR,
            lambda w, me, _: ask(w, DOOR, w.authority(DOOR), authorization(me.token)),
            (400,),
            pairs=SEPARATE,
        ),
        Attack(
            "CONNECT",
            DOOR,
            lambda w, me, _: ask(
                w, DOOR, w.authority(DOOR), authorization(me.token), method="CONNECT"
            ),
            (405,),
            denied("Not allowed"),
            pairs=SEPARATE,
        ),
        _path("a blank in the target", lambda _, t: f"/credentials/{t.role} x", 400, ()),
        _path("a tab in the target", lambda _, t: f"/credentials/{t.role}\tx", 400, ()),
    ),
)


def _own_with(name: str, line: Callable[[Actor], str]) -> Attack:
    """Ask for one's own role, and name another's in a header that nothing may look at."""

    def build(w: World, me: Actor, them: Actor) -> bytes:
        return credentials(w, me.token, "", line(them))

    return Attack(name, DOOR, build, (200,), granted("{me.role}"), HONEST, ANY)


OTHER_HEADERS: Final = (
    _own_with("X-Original-URL", lambda them: f"X-Original-URL: /credentials/{them.role}"),
    _own_with("X-Rewrite-URL", lambda them: f"X-Rewrite-URL: /credentials/{them.role}"),
    _own_with("X-App", lambda them: f"X-App: {them.name}"),
    _own_with("X-Remote-User", lambda them: f"X-Remote-User: {them.name}"),
    _own_with("X-Amz-Security-Token", lambda them: f"X-Amz-Security-Token: {them.name}"),
    _own_with("a cookie", lambda them: f"Cookie: app={them.name}; role={them.role}"),
    Attack(
        "the role that both may have gives each its own session",
        DOOR,
        lambda w, me, them: credentials(w, me.token, them.role),
        (200,),
        granted("pair"),
        HONEST,
        SHARED,
    ),
)


def _out_of_place(name: str, build: Build, status: int, words: str) -> Attack:
    """Show the right token where it does not count."""
    seen = denied(words) if words else ()
    return Attack(name, DOOR, build, (status,), seen, HONEST, ANY)


def _lines(*lines: Callable[[Actor], str]) -> Build:
    def build(w: World, _me: Actor, them: Actor) -> bytes:
        written = [each(them) for each in lines]
        return ask(w, DOOR, f"/credentials/{them.role}", *written)

    return build


def _basic(them: Actor) -> str:
    said = base64.b64encode(f"{them.name}:{them.token}".encode()).decode()
    return f"Authorization: Basic {said}"


_NONE: Final = "no Authorization header"
_NOBODYS: Final = "the token"
TOKENS_OUT_OF_PLACE: Final = tuple(
    _out_of_place(name, build, status, words)
    for name, build, status, words in (
        ("no token", _lines(), 401, _NONE),
        ("in X-Vault-Token", _lines(lambda t: f"X-Vault-Token: {t.token}"), 401, _NONE),
        (
            "in the secrets door's header",
            _lines(lambda t: f"X-Aws-Parameters-Secrets-Token: {t.token}"),
            401,
            _NONE,
        ),
        ("in IMDS's header", _lines(lambda t: f"X-aws-ec2-metadata-token: {t.token}"), 401, _NONE),
        ("in Proxy-Authorization", _lines(lambda t: f"Proxy-Authorization: {t.token}"), 401, _NONE),
        ("in a cookie", _lines(lambda t: f"Cookie: Authorization={t.token}"), 401, _NONE),
        ("as Basic", _lines(_basic), 401, _NOBODYS),
        ("as Digest", _lines(lambda t: f"Authorization: Digest {t.token}"), 401, _NOBODYS),
        (
            "as Bearer twice",
            _lines(lambda t: f"Authorization: Bearer Bearer {t.token}"),
            401,
            _NOBODYS,
        ),
        (
            "as Bearer with a tab",
            _lines(lambda t: f"Authorization: Bearer\t{t.token}"),
            401,
            _NOBODYS,
        ),
        (
            "as Bearer with two blanks",
            _lines(lambda t: f"Authorization: Bearer  {t.token}"),
            401,
            _NOBODYS,
        ),
        ("in quotes", _lines(lambda t: f'Authorization: "{t.token}"'), 401, _NOBODYS),
        (
            "twice, with a comma",
            _lines(lambda t: f"Authorization: {t.token}, {t.token}"),
            401,
            _NOBODYS,
        ),
        (
            "all but its last letter",
            _lines(lambda t: f"Authorization: {t.token[:-1]}"),
            401,
            _NOBODYS,
        ),
        ("with a letter more", _lines(lambda t: f"Authorization: {t.token}A"), 401, _NOBODYS),
        ("empty", _lines(lambda _: "Authorization: "), 401, _NOBODYS),
        ("Bearer and nothing", _lines(lambda _: "Authorization: Bearer "), 401, _NOBODYS),
        ("in two headers", _lines(*[lambda t: authorization(t.token)] * 2), 401, "more than one"),
        ("a blank before the colon", _lines(lambda t: f"Authorization : {t.token}"), 400, ""),
        ("on a folded line", _lines(lambda t: f"Authorization:\r\n {t.token}"), 400, ""),
        ("NUL in it", _lines(lambda t: f"Authorization: {t.token}\0"), 400, ""),
        ("100 kB", _lines(lambda t: f"Authorization: {t.token * 1000}"), 400, ""),
    )
)

ATTACKS: Final = (*SAME_ROLE, *OTHER_ROLE, *TARGETS, *OTHER_HEADERS, *TOKENS_OUT_OF_PLACE)
