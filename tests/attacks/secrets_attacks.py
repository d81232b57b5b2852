"""Attacks on the secrets door: another app's secret by every id, and tokens out of place."""

from collections.abc import Callable
from typing import Final

from tests.attacks.attack import (
    ANY,
    OF_WEB,
    Attack,
    Build,
    Seen,
    Twin,
    denied,
    failed,
    granted,
    near,
)
from tests.attacks.requests import (
    ask,
    everything_quoted,
    parameter,
    quoted,
    secret,
    vault,
)
from tests.attacks.world import Actor, World

DOOR: Final = "secrets"
HONEST: Final = Twin(DOOR, lambda w, _, them: secret(w, them.token, them.secret))
HONEST_PARAMETER: Final = Twin(
    DOOR, lambda w, _, them: parameter(w, them.token, them.parameter, "&withDecryption=true")
)
_DENIED: Final = denied("no pattern of apps.{me.name}.secrets covers it", "me")
_NO_PARAMETER: Final = denied("no pattern of apps.{me.name}.parameters covers it", "me")
_ODD: Final = denied("not spelled as AWS gives it back", "me")
_REFERENCE: Final = "/aws/reference/secretsmanager/"

Spelling = Callable[[Actor, Actor], str]
Row = tuple[str, Spelling, int, tuple[Seen, ...]]


def _asked(rows: tuple[Row, ...]) -> tuple[Attack, ...]:
    """Ask with one's own token for what the target says."""
    return tuple(
        Attack(name, DOOR, _target(spelling), (status,), seen)
        for name, spelling, status, seen in rows
    )


def _target(spelling: Spelling) -> Build:
    def build(w: World, me: Actor, them: Actor) -> bytes:
        return ask(w, DOOR, spelling(me, them), vault(me.token))

    return build


def _get(secret_id: str, more: str = "") -> str:
    return f"/secretsmanager/get?secretId={secret_id}{more}"


def _other_region(them: Actor) -> str:
    return them.secret_arn.replace("us-east-1", "eu-west-1")


# The same secret by another id: its owner gets it so as well.
SAME_SECRET: Final = _asked(
    (
        ("the name", lambda _, t: _get(t.secret), 403, _DENIED),
        ("the name, encoded", lambda _, t: _get(everything_quoted(t.secret)), 403, _DENIED),
        ("the ARN", lambda _, t: _get(t.secret_arn), 403, _DENIED),
        ("the ARN, encoded", lambda _, t: _get(quoted(t.secret_arn)), 403, _DENIED),
        ("the ARN without its end", lambda _, t: _get(t.partial_arn), 403, _DENIED),
        ("the path", lambda _, t: f"/v1/{t.secret}", 403, _DENIED),
        ("the path with the ARN", lambda _, t: f"/v1/{t.secret_arn}", 403, _DENIED),
        ("dots in the path", lambda m, t: f"/v1/{m.secret}/../../../{t.secret}", 403, _DENIED),
        ("encoded dots", lambda _, t: f"/v1/x/%2e%2E/{t.secret}", 403, _DENIED),
        ("half encoded dots", lambda _, t: f"/v1/x/.%2e/./{t.secret}", 403, _DENIED),
        ("backslashes", lambda _, t: "/v1/" + t.secret.replace("/", "\\"), 403, _DENIED),
        (
            "the current version",
            lambda _, t: _get(t.secret, "&versionStage=AWSCURRENT"),
            403,
            _DENIED,
        ),
        ("asked of AWS anew", lambda _, t: _get(t.secret, "&refreshNow=true"), 403, _DENIED),
        (
            "secretId twice, mine first",
            lambda m, t: f"{_get(m.secret)}&secretId={t.secret}",
            403,
            _DENIED,
        ),
        ("a fragment behind it", lambda _, t: f"{_get(t.secret)}#{t.name}", 403, _DENIED),
    )
)

OTHER_SECRET: Final = near(
    HONEST,
    _asked(
        (
            ("encoded twice", lambda _, t: _get(quoted(quoted(t.secret))), 403, _DENIED),
            ("the path, encoded", lambda _, t: f"/v1/{quoted(t.secret)}", 403, _DENIED),
            ("capitals", lambda _, t: _get(t.secret.upper()), 403, _DENIED),
            ("a slash in front", lambda _, t: _get(f"/{t.secret}"), 403, _DENIED),
            ("a slash at the end", lambda _, t: _get(f"{t.secret}/"), 403, _DENIED),
            ("a blank in front", lambda _, t: _get(f"+{t.secret}"), 403, _DENIED),
            ("a NUL at the end", lambda _, t: _get(f"{t.secret}%00"), 403, _DENIED),
            ("a star", lambda _, _t: _get("*"), 403, _DENIED),
            ("a pattern", lambda _, _t: _get("attacks/*"), 403, _DENIED),
            (
                "full-width letters",
                lambda _, t: _get(everything_quoted(t.secret.replace("a", "\uff41"))),
                403,
                _DENIED,
            ),
            ("another region's ARN", lambda _, t: _get(_other_region(t)), 403, _DENIED),
            (
                "another account's ARN",
                lambda _, t: _get(t.secret_arn.replace("123456789012", "210987654321")),
                403,
                _DENIED,
            ),
            (
                "another partition's ARN",
                lambda _, t: _get(t.secret_arn.replace("arn:aws:", "arn:aws-cn:")),
                403,
                _DENIED,
            ),
            (
                "another service's ARN",
                lambda _, t: _get(t.secret_arn.replace(":secretsmanager:", ":ssm:")),
                403,
                _DENIED,
            ),
            (
                "an ARN in capitals",
                lambda _, t: _get(t.secret_arn.replace("arn:", "ARN:")),
                403,
                _DENIED,
            ),
            ("an ARN with another end", lambda _, t: _get(f"{t.partial_arn}-AbCdEf"), 403, _DENIED),
            ("an ARN with two ends", lambda _, t: _get(f"{t.secret_arn}-AbCdEf"), 403, _DENIED),
            (
                "an ARN of mine and theirs",
                lambda m, t: _get(f"{m.partial_arn}:{t.secret}"),
                400,
                failed(""),
            ),
            (
                "mine, with theirs behind dots",
                lambda m, t: _get(f"{m.secret}/../../../{t.secret}"),
                400,
                failed(""),
            ),
            (
                "mine, with theirs behind a newline",
                lambda m, t: _get(f"{m.secret}%0a{t.secret}"),
                400,
                failed(""),
            ),
            (
                "mine, with theirs behind a NUL",
                lambda m, t: _get(f"{m.secret}%00{t.secret}"),
                400,
                failed(""),
            ),
            (
                "secretId twice, mine last",
                lambda m, t: f"{_get(t.secret)}&secretId={m.secret}",
                200,
                granted("{me.secret}"),
            ),
            (
                "a version of mine, the name of theirs",
                lambda _, t: _get(t.secret, "&versionId=" + "0" * 32),
                403,
                _DENIED,
            ),
            (
                "their name as my version",
                lambda m, t: _get(m.secret, f"&versionStage={t.secret}"),
                400,
                failed(""),
            ),
            (
                "secretid in small letters",
                lambda _, t: f"/secretsmanager/get?secretid={t.secret}",
                400,
                denied("unknown parameter", "me"),
            ),
            (
                "a list of ids",
                lambda _, t: f"/secretsmanager/get?secretId[]={t.secret}",
                400,
                denied("unknown parameter", "me"),
            ),
            (
                "a semicolon between fields",
                lambda m, t: f"{_get(m.secret)};secretId={t.secret}",
                400,
                failed(""),
            ),
            (
                "an id in the path and the query",
                lambda m, t: f"/v1/{m.secret}?secretId={t.secret}",
                400,
                denied("unknown parameter", "me"),
            ),
            ("nothing below the path", lambda _, _t: "/v1/..", 400, denied("missing", "me")),
            (
                "out of the path",
                lambda _, t: f"/secretsmanager/../v1/{t.secret}",
                404,
                denied("Not found", "me"),
            ),
            (
                "a slash before the query",
                lambda _, t: f"/secretsmanager/get/?secretId={t.secret}",
                404,
                denied("Not found", "me"),
            ),
            (
                "the door's path encoded",
                lambda _, t: f"/%76%31/{t.secret}",
                404,
                denied("Not found", "me"),
            ),
            ("two slashes", lambda _, t: f"//v1/{t.secret}", 404, denied("Not found", "me")),
            (
                "ping, and a path",
                lambda _, t: f"/ping/../v1/{t.secret}",
                404,
                denied("Not found", "me"),
            ),
            ("an empty id", lambda _, _t: _get(""), 400, denied("missing parameter", "me")),
            (
                "an endless id",
                lambda m, _: _get(f"{m.secret}{'a' * 2100}"),
                403,
                denied("more than 2048", "me"),
            ),
        )
    ),
)


def _role(them: Actor) -> str:
    return f"&roleArn={quoted(them.role_arn)}"


ROLES: Final = near(
    HONEST,
    (
        Attack(
            "with the role that only web may name",
            DOOR,
            lambda w, me, them: secret(w, me.token, me.secret, more=_role(them)),
            (403,),
            denied("no pattern of apps.{me.name}.assume_roles covers the role", "me"),
            Twin(DOOR, lambda w, _, t: secret(w, t.token, t.secret, more=_role(t))),
            OF_WEB,
        ),
        Attack(
            "their secret with a role that I may name",
            DOOR,
            lambda w, me, them: secret(w, me.token, them.secret, more=_role(me)),
            (403,),
            _DENIED,
            pairs=(("web", "batch"),),
        ),
        *_asked(
            (
                (
                    "a role that is none",
                    lambda m, _: _get(m.secret, "&roleArn=web"),
                    400,
                    denied("invalid roleArn", "me"),
                ),
                (
                    "a pattern as role",
                    lambda m, _: _get(m.secret, "&roleArn=arn:aws:iam::123456789012:role/*"),
                    400,
                    denied("invalid roleArn", "me"),
                ),
                (
                    "a role and a newline",
                    lambda m, t: _get(m.secret, f"&roleArn={t.role_arn}%0a"),
                    400,
                    denied("invalid roleArn", "me"),
                ),
            )
        ),
    ),
)


def _parameter(name: str, more: str = "&withDecryption=true") -> str:
    return f"/systemsmanager/parameters/get?name={name}{more}"


SAME_PARAMETER: Final = _asked(
    (
        ("a parameter's name", lambda _, t: _parameter(t.parameter), 403, _NO_PARAMETER),
        ("a parameter's ARN", lambda _, t: _parameter(t.parameter_arn), 403, _NO_PARAMETER),
        ("a parameter's version", lambda _, t: _parameter(f"{t.parameter}:1"), 403, _NO_PARAMETER),
        (
            "a version in the query",
            lambda _, t: _parameter(t.parameter, "&version=1&withDecryption=1"),
            403,
            _NO_PARAMETER,
        ),
        (
            "a parameter's name, encoded",
            lambda _, t: _parameter(everything_quoted(t.parameter)),
            403,
            _NO_PARAMETER,
        ),
        (
            "a reference to their secret",
            lambda _, t: _parameter(f"{_REFERENCE}{t.secret}"),
            403,
            _DENIED,
        ),
        (
            "a reference with a stage",
            lambda _, t: _parameter(f"{_REFERENCE}{t.secret}:AWSCURRENT"),
            403,
            _DENIED,
        ),
    )
)

OTHER_PARAMETER: Final = near(
    HONEST_PARAMETER,
    _asked(
        (
            (
                "a parameter without its slash",
                lambda _, t: _parameter(t.parameter[1:]),
                403,
                _NO_PARAMETER,
            ),
            (
                "a parameter with two slashes",
                lambda _, t: _parameter(f"/{t.parameter}"),
                403,
                _ODD,
            ),
            (
                "a parameter behind dots",
                lambda m, t: _parameter(f"/attacks/{m.name}/../{t.name}/url"),
                403,
                _ODD,
            ),
            (
                "a parameter with a blank",
                lambda m, t: _parameter(f"/attacks/{m.name}/+/{t.name}/url"),
                403,
                _ODD,
            ),
            (
                "a parameter in capitals",
                lambda _, t: _parameter(t.parameter.upper()),
                403,
                _NO_PARAMETER,
            ),
            (
                "another region's parameter",
                lambda _, t: _parameter(t.parameter_arn.replace("us-east-1", "eu-west-1")),
                403,
                _NO_PARAMETER,
            ),
            (
                "mine with theirs as label",
                lambda m, t: _parameter(f"{m.parameter}:{t.parameter}"),
                400,
                failed(""),
            ),
            (
                "a parameter's pattern",
                lambda _, _t: _parameter("/attacks/*"),
                403,
                _NO_PARAMETER,
            ),
            (
                "a reference by ARN",
                lambda _, t: _parameter(f"{_REFERENCE}{t.secret_arn}"),
                403,
                _DENIED,
            ),
            (
                "a reference without slash",
                lambda _, t: _parameter(f"{_REFERENCE[1:]}{t.secret}"),
                403,
                _DENIED,
            ),
            (
                "a reference with two slashes",
                lambda _, t: _parameter(f"/{_REFERENCE}{t.secret}"),
                403,
                _DENIED,
            ),
            (
                "a reference in capitals",
                lambda _, t: _parameter(f"{_REFERENCE.upper()}{t.secret}"),
                403,
                _DENIED,
            ),
            (
                "a reference with an empty part",
                lambda _, t: _parameter(f"/aws//reference/secretsmanager/{t.secret}"),
                403,
                _ODD,
            ),
            (
                "a reference behind a dot",
                lambda _, t: _parameter(f"/./aws/reference/secretsmanager/{t.secret}"),
                403,
                _ODD,
            ),
            (
                "a reference below mine",
                lambda m, t: _parameter(
                    f"/attacks/{m.name}/../../aws/reference/secretsmanager/{t.secret}"
                ),
                403,
                _ODD,
            ),
            (
                "a reference's ARN",
                lambda _, t: _parameter(
                    f"arn:aws:ssm:us-east-1:123456789012:parameter{_REFERENCE}{t.secret}"
                ),
                403,
                _DENIED,
            ),
            (
                "a reference to mine and theirs",
                lambda m, t: _parameter(f"{_REFERENCE}{m.secret}/../../../{t.secret}"),
                400,
                failed(""),
            ),
            (
                "name twice, mine first",
                lambda m, t: f"{_parameter(m.parameter)}&name={t.parameter}",
                403,
                _NO_PARAMETER,
            ),
        )
    ),
)


def _shown(*lines: Callable[[Actor], str]) -> Build:
    def build(w: World, _me: Actor, them: Actor) -> bytes:
        return ask(w, DOOR, f"/v1/{them.secret}", *[each(them) for each in lines])

    return build


def _both(first: str, second: str) -> Build:
    def build(w: World, me: Actor, them: Actor) -> bytes:
        shown = (f"{first}: {me.token}", f"{second}: {them.name}")
        return ask(w, DOOR, f"/v1/{them.secret}", *shown)

    return build


_AWS, _VAULT = "X-Aws-Parameters-Secrets-Token", "X-Vault-Token"
TOKENS_OUT_OF_PLACE: Final = tuple(
    Attack(name, DOOR, build, (status,), denied(words) if words else (), HONEST, ANY)
    for name, build, status, words in (
        ("no token", _shown(), 403, "no token header"),
        ("in Authorization", _shown(lambda t: f"Authorization: {t.token}"), 403, "no token header"),
        (
            "as Bearer in Authorization",
            _shown(lambda t: f"Authorization: Bearer {t.token}"),
            403,
            "no token header",
        ),
        ("in a cookie", _shown(lambda t: f"Cookie: {_VAULT}={t.token}"), 403, "no token header"),
        (
            "in IMDS's header",
            _shown(lambda t: f"X-aws-ec2-metadata-token: {t.token}"),
            403,
            "no token header",
        ),
        (
            "in a header with underscores",
            _shown(lambda t: f"X_Vault_Token: {t.token}"),
            403,
            "no token header",
        ),
        ("as Bearer", _shown(lambda t: f"{_VAULT}: Bearer {t.token}"), 403, "the token"),
        ("empty", _shown(lambda _: f"{_VAULT}: "), 403, "the token"),
        (
            "the session's token, as Lambda has it",
            _shown(lambda t: f"{_AWS}: {t.session().session_token.reveal()}"),
            403,
            "the token",
        ),
        (
            "twice in one header",
            _shown(*[lambda t: f"{_VAULT}: {t.token}"] * 2),
            403,
            "more than one token",
        ),
        (
            "two joined by a comma",
            _shown(lambda t: f"{_VAULT}: {t.token},{t.token}"),
            403,
            "the token",
        ),
        ("mine first, another second", _both(_AWS, _VAULT), 403, "more than one token"),
        ("another first, mine second", _both(_VAULT, _AWS), 403, "more than one token"),
        ("a blank before the colon", _shown(lambda t: f"{_VAULT} : {t.token}"), 400, ""),
    )
)

ATTACKS: Final = (
    *SAME_SECRET,
    *OTHER_SECRET,
    *ROLES,
    *SAME_PARAMETER,
    *OTHER_PARAMETER,
    *TOKENS_OUT_OF_PLACE,
)
