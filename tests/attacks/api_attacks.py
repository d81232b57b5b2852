"""Attacks on the aws-api door: other signatures, other tokens, other spellings of what is asked."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from tests.attacks.attack import (
    ANY,
    Attack,
    Build,
    Seen,
    Twin,
    denied,
    granted,
    near,
)
from tests.attacks.requests import Signature, api, ask, authorization, quoted
from tests.attacks.world import Actor, World

DOOR: Final = "aws_api"
GET: Final = "secretsmanager.GetSecretValue"
BATCH: Final = "secretsmanager.BatchGetSecretValue"
_SECRET: Final = denied("no pattern of apps.{me.name}.secrets covers it", "me")
_PARAMETER: Final = denied("no pattern of apps.{me.name}.parameters covers it", "me")
_REFERENCE: Final = "/aws/reference/secretsmanager/"
_PATH: Final = "AmazonSSM.GetParametersByPath"
_HISTORY: Final = "AmazonSSM.GetParameterHistory"

Members = Callable[[Actor, Actor], Any]
HONEST: Final = Twin(DOOR, lambda w, _, them: api(w, them, GET, {"SecretId": them.secret}))


def _call(
    name: str, operation: str, members: Members, seen: tuple[Seen, ...], status: int = 400
) -> Attack:
    """Call an operation, rightly signed by the attacker."""

    def build(w: World, me: Actor, them: Actor) -> bytes:
        return api(w, me, operation, members(me, them))

    return Attack(name, DOOR, build, (status,), seen)


def _by_path(path: str) -> dict[str, Any]:
    return {"Path": path, "Recursive": True, "WithDecryption": True}


# Rightly asked, by somebody who may not: its owner gets it so as well.
SAME_CALL: Final = (
    _call("GetSecretValue", GET, lambda _, t: {"SecretId": t.secret}, _SECRET),
    _call("GetSecretValue by ARN", GET, lambda _, t: {"SecretId": t.secret_arn}, _SECRET),
    _call("by partial ARN", GET, lambda _, t: {"SecretId": t.partial_arn}, _SECRET),
    _call(
        "a key twice, theirs last",
        GET,
        lambda m, t: _twice("SecretId", m.secret, t.secret),
        _SECRET,
    ),
    _call(
        "in UTF-16", GET, lambda _, t: json.dumps({"SecretId": t.secret}).encode("utf-16"), _SECRET
    ),
    _call("with escapes", GET, lambda _, t: _escaped("SecretId", t.secret), _SECRET),
    _call("BatchGetSecretValue by filter", BATCH, lambda _, t: _filter(t), _SECRET, 200),
    _call(
        "BatchGetSecretValue, mine and theirs",
        BATCH,
        lambda m, t: {"SecretIdList": list(dict.fromkeys((m.secret, t.secret)))},
        (*granted("{me.secret}"), *_SECRET),
        200,
    ),
    _call(
        "GetParameter",
        "AmazonSSM.GetParameter",
        lambda _, t: {"Name": t.parameter, "WithDecryption": True},
        _PARAMETER,
    ),
    _call(
        "GetParameter by ARN",
        "AmazonSSM.GetParameter",
        lambda _, t: {"Name": t.parameter_arn, "WithDecryption": True},
        _PARAMETER,
    ),
    _call(
        "a reference",
        "AmazonSSM.GetParameter",
        lambda _, t: {"Name": f"{_REFERENCE}{t.secret}", "WithDecryption": True},
        _SECRET,
    ),
    _call(
        "GetParameters, mine and theirs",
        "AmazonSSM.GetParameters",
        lambda m, t: {
            "Names": list(dict.fromkeys((m.parameter, t.parameter))),
            "WithDecryption": True,
        },
        (*granted("{me.parameter}"), *_PARAMETER),
    ),
    _call("GetParametersByPath", _PATH, lambda _, t: _by_path(f"/attacks/{t.name}"), _PARAMETER),
    _call(
        "GetParameterHistory",
        _HISTORY,
        lambda _, t: {"Name": t.parameter, "WithDecryption": True},
        _PARAMETER,
    ),
    _call(
        "history, theirs last",
        _HISTORY,
        lambda m, t: _twice("Name", m.parameter, t.parameter),
        _PARAMETER,
    ),
)


def _twice(key: str, first: str, second: str) -> bytes:
    """Write a JSON object in which a key stands twice."""
    pairs = f'"{key}": {json.dumps(first)}, "{key}": {json.dumps(second)}'
    return f'{{{pairs}, "WithDecryption": true}}'.encode()


def _escaped(key: str, value: str) -> bytes:
    escapes = "".join(f"\\u{ord(each):04x}" for each in value)
    return f'{{"{key}": "{escapes}"}}'.encode()


def _filter(them: Actor) -> dict[str, Any]:
    return {"Filters": [{"Key": "name", "Values": [them.secret]}]}


OTHER_CALL: Final = near(
    HONEST,
    (
        _call(
            "a key twice, mine last",
            GET,
            lambda m, t: _twice("SecretId", t.secret, m.secret),
            granted("{me.secret}"),
            200,
        ),
        _call(
            "history, mine last",
            _HISTORY,
            lambda m, t: _twice("Name", t.parameter, m.parameter),
            granted("{me.parameter}"),
            200,
        ),
        _call(
            "the key in small letters",
            GET,
            lambda _, t: {"secretId": t.secret},
            denied("secretId", "me"),
        ),
        _call(
            "a list of ids",
            GET,
            lambda _, t: {"SecretId": [t.secret]},
            denied("not a string", "me"),
        ),
        _call("no object", GET, lambda _, t: [t.secret], denied("not a JSON object", "me")),
        _call(
            "DescribeSecret",
            "secretsmanager.DescribeSecret",
            lambda _, t: {"SecretId": t.secret},
            _SECRET,
        ),
        _call("the path of everything", _PATH, lambda *_: _by_path("/"), _PARAMETER),
        _call("the path above", _PATH, lambda *_: _by_path("/attacks"), _PARAMETER),
        _call(
            "the path behind dots",
            _PATH,
            lambda m, t: _by_path(f"/attacks/{m.name}/../{t.name}"),
            granted("{me.name}"),
            200,
        ),
        _call("the path of references", _PATH, lambda *_: _by_path(_REFERENCE), _PARAMETER),
        _call(
            "the operation in small letters",
            "secretsmanager.getsecretvalue",
            lambda _, t: {"SecretId": t.secret},
            denied("as AWS spells it", "me"),
        ),
        _call(
            "the operation in camel case",
            "secretsmanager.getSecretValue",
            lambda _, t: {"SecretId": t.secret},
            denied("as AWS spells it", "me"),
        ),
        _call(
            "the batch in camel case",
            "secretsmanager.batchGetSecretValue",
            lambda _, t: _filter(t),
            denied("as AWS spells it", "me"),
        ),
        _call(
            "a parameter's operation in capitals",
            "AmazonSSM.GETPARAMETER",
            lambda _, t: {"Name": t.parameter, "WithDecryption": True},
            denied("as AWS spells it", "me"),
        ),
        _call(
            "no operation",
            "GetSecretValue",
            lambda _, t: {"SecretId": t.secret},
            denied("must name one operation", "me"),
        ),
    ),
)


Change = Callable[[Signature, Actor, Actor], None]


def _signed(name: str, change: Change, words: str, who: str = "") -> Attack:
    """Sign a request for their secret as oneself, with something changed before it is signed."""

    def build(w: World, me: Actor, them: Actor) -> bytes:
        signature = Signature(w, me, GET, {"SecretId": them.secret})
        change(signature, me, them)
        return signature.sent()

    return Attack(name, DOOR, build, (400,), denied(words, who), HONEST)


def _their_key(signature: Signature, _me: Actor, them: Actor) -> None:
    signature.key_id = them.session().access_key_id


def _their_token(signature: Signature, _me: Actor, them: Actor) -> None:
    signature.token = them.session().session_token.reveal()


def _their_key_and_token(signature: Signature, me: Actor, them: Actor) -> None:
    _their_key(signature, me, them)
    _their_token(signature, me, them)


def _the_readers(signature: Signature, _me: Actor, _them: Actor) -> None:
    """Sign with the session that reads: no app was given it."""
    held = signature.world.sidecar.roles["reader"].current()
    signature.key_id = held.access_key_id
    signature.secret_key = held.secret_access_key.reveal()
    signature.token = held.session_token.reveal()


def _set(**values: Any) -> Change:
    def change(signature: Signature, _me: Actor, _them: Actor) -> None:
        for name, value in values.items():
            setattr(signature, name, value)

    return change


def _header(name: str, value: str) -> Change:
    def change(signature: Signature, _me: Actor, _them: Actor) -> None:
        signature.headers[name] = value

    return change


def _form(signature: Signature, _me: Actor, them: Actor) -> None:
    """Ask by AWS's query protocol, behind the name of an operation that tells no value."""
    signature.operation = "secretsmanager.ListSecrets"
    signature.headers["Content-Type"] = "application/x-www-form-urlencoded"
    signature.body = f"Action=GetSecretValue&SecretId={quoted(them.secret)}".encode()


_INVALID: Final = "security token included in the request is invalid"
_MISMATCH: Final = "signature we calculated does not match"
SIGNATURES: Final = (
    _signed("their key id, my key and token", _their_key, _INVALID),
    _signed("my key, their session's token", _their_token, _INVALID),
    _signed("their key id and token, my key", _their_key_and_token, _MISMATCH),
    _signed("the reader's own session", _the_readers, _INVALID),
    _signed("no session's token", _set(token="none"), _INVALID),
    _signed("a key id that is none", _set(key_id="ASIAAAAAAAAAAAAAAAAA"), _INVALID),
    _signed("another key", _set(secret_key="x" * 40), _MISMATCH),
    _signed("another service", _set(service="s3"), "correct service"),
    _signed("the other service", _set(service="ssm"), "must name one operation of ssm", "me"),
    _signed("a region that is none", _set(region="mars-north-1"), "apps.{me.name}.secrets", "me"),
    _signed("another region", _set(region="eu-west-1"), "apps.{me.name}.secrets", "me"),
    _signed("a region with a slash", _set(region="us-east-1/x"), "exactly 5"),
    _signed("six minutes ago", _set(moved=-timedelta(minutes=6)), "Signature expired"),
    _signed("in six minutes", _set(moved=timedelta(minutes=6)), "not yet current"),
    _signed(
        "an unsigned payload", _header("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"), "does not match"
    ),
    _signed(
        "a streaming payload",
        _header("X-Amz-Content-SHA256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        "does not match",
    ),
    _signed("a form with an operation of its own", _form, "Content-Type must be", "me"),
    _signed(
        "a body of no known kind",
        _header("Content-Type", "application/cbor"),
        "Content-Type must be",
        "me",
    ),
)

Send = Callable[[Signature], bytes]


def _replayed(
    name: str, send: Send, words: str, *, operation: str = GET, status: int = 400
) -> Attack:
    """Change what its owner has signed on the way: the attacker has seen the request."""

    def build(w: World, _me: Actor, them: Actor) -> bytes:
        return send(Signature(w, them, operation, {"SecretId": "attacks/nothing/here"}))

    def again(w: World, _me: Actor, them: Actor) -> bytes:
        return Signature(w, them, GET, {"SecretId": them.secret}).sent()

    return Attack(
        name, DOOR, build, (status,), denied(words) if words else (), Twin(DOOR, again), ANY
    )


def _another_id(signature: Signature) -> bytes:
    body = b'{"SecretId": "attacks/another/one"}'
    return signature.sent(body=body)


def _authorization(old: str, new: str) -> Send:
    def send(signature: Signature) -> bytes:
        signed = signature.signed()["Authorization"]
        assert old in signed
        return signature.sent(instead={"Authorization": signed.replace(old, new)})

    return send


def _capitals(signature: Signature) -> bytes:
    start, equals, digits = signature.signed()["Authorization"].rpartition("=")
    return signature.sent(instead={"Authorization": f"{start}{equals}{digits.upper()}"})


def _presigned(signature: Signature) -> bytes:
    key_id = signature.key_id
    query = f"/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key_id}&X-Amz-Signature=00"
    return signature.sent(path=query, without="Authorization")


CHANGED_ON_THE_WAY: Final = (
    _replayed("another body", _another_id, _MISMATCH),
    _replayed("a longer body", lambda s: s.sent(body=s.body + b" "), _MISMATCH),
    _replayed(
        "another operation",
        lambda s: s.sent(instead={"X-Amz-Target": GET}),
        _MISMATCH,
        operation="secretsmanager.DescribeSecret",
    ),
    _replayed("a second operation", lambda s: s.sent(f"X-Amz-Target: {GET}"), _MISMATCH),
    _replayed(
        "a second Authorization",
        lambda s: s.sent("Authorization: x"),
        "More than one Authorization",
    ),
    _replayed(
        "a second token", lambda s: s.sent(f"X-Amz-Security-Token: {s.token}"), "More than one"
    ),
    _replayed("a second date", lambda s: s.sent("X-Amz-Date: 20260101T000000Z"), "More than one"),
    _replayed(
        "another date",
        lambda s: s.sent(instead={"X-Amz-Date": "20260101T000000Z"}),
        "Date in Credential scope",
    ),
    _replayed(
        "an unsigned header of AWS's",
        lambda s: s.sent("X-Amz-Extra: 1"),
        "must be a 'SignedHeader'",
    ),
    _replayed(
        "the operation no longer covered",
        _authorization(";x-amz-target", ""),
        "'x-amz-target' must be",
    ),
    _replayed("the host no longer covered", _authorization("host;", ""), "'host' must be"),
    _replayed(
        "a covered header that is not there",
        _authorization("host;", "host;x;"),
        "is not in the request",
    ),
    _replayed(
        "another algorithm",
        _authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        "Unsupported",
    ),
    _replayed(
        "an algorithm that is none", _authorization("AWS4-HMAC-SHA256", "none"), "Unsupported"
    ),
    _replayed("another scope's service", _authorization("/secretsmanager/", "/ssm/"), _MISMATCH),
    _replayed("another scope's region", _authorization("/us-east-1/", "/us-west-2/"), _MISMATCH),
    _replayed(
        "another end of the scope", _authorization("aws4_request", "aws5_request"), "terminator"
    ),
    _replayed("a signature in capitals", _capitals, "64 lower-case"),
    _replayed(
        "a signature cut short",
        lambda s: s.sent(instead={"Authorization": s.signed()["Authorization"][:-1]}),
        "64 lower-case",
    ),
    _replayed(
        "no Authorization",
        lambda s: s.sent(without="Authorization"),
        "Missing Authentication Token",
    ),
    _replayed(
        "no session's token at all", lambda s: s.sent(without="X-Amz-Security-Token"), _INVALID
    ),
    _replayed("presigned", _presigned, "must be in the headers"),
    _replayed("another path", lambda s: s.sent(path="/x"), "POST /", status=404),
    _replayed("a path of two slashes", lambda s: s.sent(path="//"), "POST /", status=404),
    _replayed("a query", lambda s: s.sent(path="/?Action=GetSecretValue"), "POST /", status=404),
)


def _app_token(w: World, _me: Actor, them: Actor) -> bytes:
    lines = (authorization(f"Bearer {them.token}"), f"X-Vault-Token: {them.token}")
    target = ("X-Amz-Target: secretsmanager.GetSecretValue", "Content-Length: 2")
    return ask(w, DOOR, "/", *lines, *target, method="POST") + b"{}"


def _get(w: World, _me: Actor, them: Actor) -> bytes:
    return ask(w, DOOR, f"/v1/{them.secret}", f"X-Vault-Token: {them.token}")


def _build(path: str, method: str) -> Build:
    def build(w: World, _me: Actor, them: Actor) -> bytes:
        return ask(w, DOOR, path, authorization(them.token), method=method)

    return build


TOKENS: Final = (
    Attack("an app's token", DOOR, _app_token, (400,), denied("Unsupported"), HONEST),
    Attack("the secrets door's request", DOOR, _get, (405,), denied("Not allowed"), HONEST),
    Attack(
        "the credentials door's request",
        DOOR,
        _build("/credentials", "GET"),
        (405,),
        denied("Not allowed"),
        HONEST,
    ),
    Attack("PUT", DOOR, _build("/", "PUT"), (405,), denied("Not allowed"), HONEST),
)

ATTACKS: Final = (*SAME_CALL, *OTHER_CALL, *SIGNATURES, *CHANGED_ON_THE_WAY, *TOKENS)
