"""Tokens that somebody else signs: what proves something, and every way in which one does not."""

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sidecar.access.key_set import KeySet, UnknownKey, parse_key_set
from sidecar.access.outside_token import (
    IssuerRules,
    OutsideClaims,
    verify_outside,
)
from sidecar.access.refused import TokenNotAccepted

if TYPE_CHECKING:
    from tests.access.conftest import Jwks, Signer

ISSUER, AUDIENCE = "https://cluster.example", "credential-sidecar"
SUBJECT = "system:serviceaccount:prod:web"
RULES = IssuerRules("cluster", ISSUER, (AUDIENCE, "other-name"), ("RS256", "ES256"))
NOT_PINNED = "its algorithm is not one of those configured: RS256, ES256"
NO_SIGNATURE = "its signature is wrong"
ANOTHER_KEY = "its algorithm is not one of the key that its kid names"
SAME_TOKEN = "sha256:"

Judge = Callable[..., OutsideClaims]


@pytest.fixture(scope="module")
def keys(signer: "Signer", jwks: "Jwks") -> KeySet:
    return parse_key_set(jwks(signer))


@pytest.fixture(scope="module")
def claims(now: datetime) -> dict[str, Any]:
    """Give the claims of a token that is accepted."""
    at = int(now.timestamp())
    return {
        "iss": ISSUER,
        "aud": [AUDIENCE, "https://elsewhere.example"],
        "sub": SUBJECT,
        "jti": "7f1d4e0e",
        "iat": at - 60,
        "nbf": at - 60,
        "exp": at + 600,
        "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "web"}},
    }


@pytest.fixture
def judge(keys: KeySet, now: datetime) -> Judge:
    def run(token: str, rules: IssuerRules = RULES, held: KeySet = keys) -> OutsideClaims:
        return verify_outside(token, rules, held, now)

    return run


@pytest.fixture
def reason(judge: Judge) -> Callable[..., str]:
    """Give a function that says why a token is refused, which must be for the audit alone."""

    def run(token: str, rules: IssuerRules = RULES, **held: KeySet) -> str:
        with pytest.raises(TokenNotAccepted) as caught:
            judge(token, rules, **held)
        assert "canary" not in caught.value.reason
        assert caught.value.reason == str(caught.value)
        return caught.value.reason

    return run


def test_a_token_made_by_hand_proves_what_it_says(
    judge: Judge, signer: "Signer", claims: dict[str, Any], now: datetime
) -> None:
    said = judge(signer.token(claims))
    assert (said.subject, said.token_id, said.claims) == (SUBJECT, "7f1d4e0e", claims)
    assert said.expires_at == now + timedelta(seconds=600)
    assert said.issued_at == now - timedelta(seconds=60)


def test_a_token_made_by_pyjwt_proves_the_same(
    judge: Judge, signer: "Signer", claims: dict[str, Any]
) -> None:
    pem = signer.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    token = jwt.encode(claims, pem, algorithm="RS256", headers={"kid": "first"})
    assert judge(token) == judge(signer.token(claims))


def test_a_token_signed_by_openssl_proves_the_same(
    judge: Judge,
    signer: "Signer",
    claims: dict[str, Any],
    openssl: Callable[..., Any],
    tmp_path: Path,
) -> None:
    token = signer.token(claims)
    content, signature = tmp_path / "content", tmp_path / "signature"
    content.write_text(token.rpartition(".")[0])
    key = Path(__file__).parents[1] / "vectors/create_session_rsa/private_key.pem"
    assert openssl("dgst", "-sha256", "-sign", key, "-out", signature, content).returncode == 0
    encoded = base64.urlsafe_b64encode(signature.read_bytes()).decode().rstrip("=")
    assert judge(f"{content.read_text()}.{encoded}") == judge(token)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
@pytest.mark.parametrize("library", [False, True])
def test_every_rsa_algorithm_is_verified_when_it_is_configured(
    judge: Judge,
    make_signer: "type[Signer]",
    signer: "Signer",
    claims: dict[str, Any],
    algorithm: str,
    *,
    library: bool,
) -> None:
    rules = IssuerRules("cluster", ISSUER, (AUDIENCE,), (algorithm,))
    by_hand = make_signer(signer.key, algorithm).token(claims)
    key: Any = signer.key
    by_library = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "first"})
    assert judge(by_library if library else by_hand, rules).subject == SUBJECT


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_so_is_every_other_algorithm(
    judge: Judge,
    make_signer: "type[Signer]",
    jwks: "Jwks",
    claims: dict[str, Any],
    key: Any,
    algorithm: str,
) -> None:
    signer = make_signer(key, algorithm)
    rules = IssuerRules("cluster", ISSUER, (AUDIENCE,), (algorithm,))
    held = parse_key_set(jwks(signer))
    by_library = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "first"})
    for token in (signer.token(claims), by_library):
        assert judge(token, rules, held).subject == SUBJECT
        with pytest.raises(TokenNotAccepted, match=NO_SIGNATURE):
            judge(_with_another_signature(token), rules, held)


def _with_another_signature(token: str) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _moved(claims: dict[str, Any], **change: Any) -> dict[str, Any]:
    """Change claims; one given as None is left out, and times are seconds from now."""
    moved = {
        name: int(claims["exp"]) - 600 + value
        if name in ("exp", "nbf", "iat") and type(value) is int
        else value
        for name, value in change.items()
    }
    return {name: value for name, value in {**claims, **moved}.items() if value is not None}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"aud": AUDIENCE}, id="an audience that is no list"),
        pytest.param({"aud": ["other-name"]}, id="another name of ours"),
        pytest.param({"exp": -29}, id="expired within the leeway"),
        pytest.param({"nbf": 30}, id="not yet valid, within the leeway"),
        pytest.param({"iat": 30}, id="issued in the future, within the leeway"),
        pytest.param({"nbf": None, "iat": None}, id="with exp alone"),
        pytest.param({"sub": "é ü"}, id="a subject outside ASCII"),
    ],
)
def test_a_token_that_is_good_enough_is_accepted(
    judge: Judge, signer: "Signer", claims: dict[str, Any], change: dict[str, Any]
) -> None:
    changed = _moved(claims, **change)
    assert judge(signer.token(changed)).claims == changed


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"exp": -30}, "it expired at 2026-03-01T11:59:30Z", id="expired"),
        pytest.param({"exp": None}, "it tells no exp: it would be good for ever", id="no exp"),
        pytest.param({"exp": "1772366400"}, "its exp is no number", id="exp as text"),
        pytest.param({"exp": True}, "its exp is no number", id="exp as a bool"),
        pytest.param({"exp": [1]}, "its exp is no number", id="exp as a list"),
        pytest.param(
            {"exp": 10**12}, "its exp is no moment between 1970 and 9999", id="exp far away"
        ),
        pytest.param(
            {"exp": 10**400}, "its exp is no moment between 1970 and 9999", id="a huge exp"
        ),
        pytest.param(
            {"exp": -(10**10)}, "its exp is no moment between 1970 and 9999", id="exp < 0"
        ),
        pytest.param({"nbf": 31}, "it is not valid before 2026-03-01T12:00:31Z", id="not yet"),
        pytest.param({"nbf": "x"}, "its nbf is no number", id="nbf as text"),
        pytest.param(
            {"iat": 31}, "it was issued in the future, at 2026-03-01T12:00:31Z", id="future"
        ),
        pytest.param({"iat": False}, "its iat is no number", id="iat as a bool"),
        pytest.param({"aud": "canary"}, "it is for another audience", id="another audience"),
        pytest.param({"aud": ["canary"]}, "it is for another audience", id="other audiences"),
        pytest.param({"aud": []}, "it is for another audience", id="an empty audience"),
        pytest.param({"aud": None}, "it tells no audience", id="no audience"),
        pytest.param({"aud": [AUDIENCE, 1]}, "it tells no audience", id="an odd audience"),
        pytest.param({"aud": {AUDIENCE: 1}}, "it tells no audience", id="an audience in a table"),
        pytest.param({"aud": f"{AUDIENCE}x"}, "it is for another audience", id="a longer audience"),
        pytest.param({"iss": f"{ISSUER}/"}, "it is of another issuer", id="a longer issuer"),
        pytest.param({"iss": None}, "it is of another issuer", id="no issuer"),
        pytest.param({"iss": [ISSUER]}, "it is of another issuer", id="a list of issuers"),
        pytest.param({"sub": None}, "it tells no subject", id="no subject"),
        pytest.param({"sub": " "}, "it tells no subject", id="a blank subject"),
        pytest.param({"sub": 7}, "it tells no subject", id="a subject that is a number"),
        pytest.param(
            {"sub": "a\nb"}, "its subject is too long, or cannot be printed", id="a newline in it"
        ),
        pytest.param(
            {"sub": "\ud800"}, "its subject is too long, or cannot be printed", id="half a letter"
        ),
        pytest.param(
            {"sub": "a" * 1025}, "its subject is too long, or cannot be printed", id="a long one"
        ),
    ],
)
def test_claims_that_do_not_hold_are_refused(
    reason: Callable[..., str],
    signer: "Signer",
    claims: dict[str, Any],
    change: dict[str, Any],
    why: str,
) -> None:
    assert reason(signer.token(_moved(claims, **change))) == why


@pytest.mark.parametrize(
    ("header", "why"),
    [
        pytest.param({"alg": "none"}, NOT_PINNED, id="none"),
        pytest.param({"alg": "None"}, NOT_PINNED, id="None"),
        pytest.param({"alg": "HS256"}, NOT_PINNED, id="a symmetric one"),
        pytest.param({"alg": "RS384"}, NOT_PINNED, id="one that is not configured"),
        pytest.param({"alg": "rs256"}, NOT_PINNED, id="in small letters"),
        pytest.param({"alg": ["RS256"]}, NOT_PINNED, id="a list"),
        pytest.param({"alg": None}, NOT_PINNED, id="no algorithm"),
        pytest.param({"alg": "ES256"}, ANOTHER_KEY, id="one for another kind of key"),
        pytest.param({"kid": "canary"}, "its kid is that of no key of its issuer", id="unknown"),
        pytest.param({"kid": ""}, "its kid is that of no key of its issuer", id="an empty kid"),
        pytest.param({"kid": 1}, "its kid is no text of up to 256 characters", id="a number"),
        pytest.param({"kid": "a" * 257}, "its kid is no text of up to 256 characters", id="long"),
        pytest.param(
            {"crit": ["exp"]},
            "its header has crit, an extension that is not used here",
            id="crit",
        ),
        pytest.param(
            {"crit": []}, "its header has crit, an extension that is not used here", id="empty crit"
        ),
        pytest.param(
            {"b64": True}, "its header has b64, an extension that is not used here", id="b64"
        ),
        pytest.param(
            {"typ": "logout+jwt"}, "its typ is that of a JWT for another purpose", id="a logout"
        ),
        pytest.param({"typ": 1}, "its typ is that of a JWT for another purpose", id="an odd typ"),
    ],
)
def test_headers_that_do_not_hold_are_refused(
    reason: Callable[..., str],
    signer: "Signer",
    claims: dict[str, Any],
    header: dict[str, Any],
    why: str,
) -> None:
    assert reason(signer.token(claims, **header)) == why


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "application/at+JWT"])
def test_what_a_token_for_this_purpose_calls_itself_is_accepted(
    judge: Judge, signer: "Signer", claims: dict[str, Any], typ: str | None
) -> None:
    assert judge(signer.token(claims, typ=typ)).subject == SUBJECT


def test_without_a_kid_the_only_key_is_meant(
    judge: Judge,
    reason: Callable[..., str],
    signer: "Signer",
    other: "Signer",
    jwks: "Jwks",
    claims: dict[str, Any],
) -> None:
    token = signer.token(claims, kid=None)
    assert judge(token).subject == SUBJECT
    both = parse_key_set(jwks(signer, other))
    assert reason(token, held=both) == "it has no kid, and its issuer has several keys"
    assert reason(other.token(claims, kid=None)) == ANOTHER_KEY


def test_a_key_that_may_be_new_is_told_from_every_other_reason(
    judge: Judge, other: "Signer", claims: dict[str, Any]
) -> None:
    with pytest.raises(UnknownKey):
        judge(other.token(claims))


def test_a_stranger_s_token_is_no_reason_to_ask_for_new_keys(
    reason: Callable[..., str], other: "Signer", claims: dict[str, Any]
) -> None:
    assert reason(other.token(_moved(claims, iss="https://canary.example"))) == (
        "it is of another issuer"
    )


@pytest.mark.parametrize("kid", ["first", None])
def test_another_s_key_under_the_issuer_s_name_signs_nothing(
    reason: Callable[..., str],
    make_signer: "type[Signer]",
    other: "Signer",
    jwks: "Jwks",
    claims: dict[str, Any],
    kid: str | None,
) -> None:
    thief = make_signer(ec.generate_private_key(ec.SECP256R1()), "ES256")
    held = parse_key_set(jwks(make_signer(other.key, "ES256", "first")))
    assert reason(thief.token(claims, kid=kid), held=held) == NO_SIGNATURE


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_a_token_brings_along_means_nothing(
    reason: Callable[..., str],
    judge: Judge,
    signer: "Signer",
    claims: dict[str, Any],
    member: str,
) -> None:
    thief = type(signer)(rsa.generate_private_key(65537, 2048), "RS256")
    assert reason(thief.token(claims, **{member: thief.jwk})) == NO_SIGNATURE
    assert judge(signer.token(claims, **{member: thief.jwk})).claims == claims


@pytest.mark.parametrize("form", ["PEM", "DER", "JWK"])
def test_the_public_key_is_no_shared_secret(
    reason: Callable[..., str],
    base64url: Callable[[bytes], str],
    signer: "Signer",
    claims: dict[str, Any],
    form: str,
) -> None:
    public, spki = signer.key.public_key(), serialization.PublicFormat.SubjectPublicKeyInfo
    secret = {
        "PEM": public.public_bytes(serialization.Encoding.PEM, spki),
        "DER": public.public_bytes(serialization.Encoding.DER, spki),
        "JWK": json.dumps(signer.jwk).encode(),
    }[form]
    header = json.dumps({"alg": "HS256", "kid": "first"}).encode()
    content = f"{base64url(header)}.{base64url(json.dumps(claims).encode())}"
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(content.encode())
    assert reason(f"{content}.{base64url(mac.finalize())}") == NOT_PINNED


@pytest.mark.parametrize("algorithms", [(), ("HS256",), ("RS256", "HS512"), ("none",), ("ES256K",)])
def test_no_rules_can_be_made_that_allow_what_anybody_can_sign(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="signs with a private key"):
        IssuerRules("cluster", ISSUER, (AUDIENCE,), algorithms)


def test_no_rules_can_be_made_without_an_audience() -> None:
    with pytest.raises(ValueError, match="tokens for anybody"):
        IssuerRules("cluster", ISSUER, (), ("RS256",))


HEADER, PAYLOAD = "its header", "its claims part"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(b"{", "is not JSON", id="no JSON"),
        pytest.param(b"\xff\xfe", "is not JSON", id="no UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", "is not JSON", id="a byte order mark"),
        pytest.param(b"[]", "is not a JSON object", id="a list"),
        pytest.param(b"null", "is not a JSON object", id="null"),
        pytest.param(b'{"a":1,"a":1}', "has a key twice", id="a key twice"),
        pytest.param(b'{"b":{"a":1,"\\u0061":2}}', "has a key twice", id="a key twice, within"),
        pytest.param(b'{"exp":NaN}', "has a number that JSON does not know", id="NaN"),
        pytest.param(b'{"exp":-Infinity}', "has a number that JSON does not know", id="infinity"),
        pytest.param(b'{"exp":1e999}', "has a number that is too large", id="1e999"),
        pytest.param(b'{"exp":' + b"9" * 5000 + b"}", "is not JSON", id="5000 digits"),
        pytest.param(b'{"a":' * 900 + b"1" + b"}" * 900, "is nested too deeply", id="an abyss"),
        pytest.param(b'{"a":' * 17 + b"1" + b"}" * 17, "is nested too deeply", id="17 levels"),
        pytest.param(b'{"a":' + b"[" * 16 + b"]" * 16 + b"}", "is nested too deeply", id="lists"),
    ],
)
def test_json_that_could_mean_two_things_is_refused_even_when_it_is_signed(
    reason: Callable[..., str], signer: "Signer", claims: dict[str, Any], content: bytes, why: str
) -> None:
    header = json.dumps({"alg": "RS256", "kid": "first"}).encode()
    assert reason(signer.signed(header, content)) == f"{PAYLOAD} {why}"
    assert reason(signer.signed(content, json.dumps(claims).encode())) == f"{HEADER} {why}"


def test_sixteen_levels_are_deep_enough(
    judge: Judge, signer: "Signer", claims: dict[str, Any]
) -> None:
    deep: object = 1
    for _ in range(15):
        deep = [deep]
    assert judge(signer.token(claims | {"deep": deep})).subject == SUBJECT


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda t: t[:0], "it is no JWT: it does not have three parts", id="nothing"),
        pytest.param(
            lambda t: t.rpartition(".")[0], "it is no JWT: it does not have three parts", id="two"
        ),
        pytest.param(lambda t: f"{t}.x.y", "it is no JWT: it does not have three parts", id="five"),
        pytest.param(
            lambda t: t.rpartition(".")[0] + ".", "its signature is empty", id="no signature"
        ),
        pytest.param(lambda t: f"{t}=", "its signature is not base64url without padding", id="="),
        pytest.param(lambda t: f"{t}==", "its signature is not base64url without padding", id="=="),
        pytest.param(
            lambda t: f"{t}\n", "its signature is not base64url without padding", id="a newline"
        ),
        pytest.param(
            lambda t: f" {t}", "its header is not base64url without padding", id="a blank"
        ),
        pytest.param(
            lambda t: f"Bearer {t}", "its header is not base64url without padding", id="a scheme"
        ),
        pytest.param(
            lambda t: t[:-1] + chr(ord(t[-1]) + 1),
            "its signature has bits at its end that stand for nothing",
            id="trailing bits",
        ),
        pytest.param(lambda t: t[:-1], "its signature is cut off", id="one character short"),
        pytest.param(lambda t: t[:-2], NO_SIGNATURE, id="a byte short"),
        pytest.param(lambda t: f"{t}AAAA", NO_SIGNATURE, id="bytes too many"),
        pytest.param(
            lambda t: t.replace("e", "é", 1), "it has characters outside ASCII", id="no ASCII"
        ),
        pytest.param(lambda t: t + "A" * 100_000, "it has more than 8000 characters", id="100 kB"),
    ],
)
def test_a_token_in_another_form_is_refused(
    reason: Callable[..., str],
    signer: "Signer",
    claims: dict[str, Any],
    change: Callable[[str], str],
    why: str,
) -> None:
    assert reason(change(signer.token(claims))) == why


def test_another_payload_under_a_good_signature_is_refused(
    reason: Callable[..., str], signer: "Signer", claims: dict[str, Any]
) -> None:
    good, forged = signer.token(claims), signer.token(claims | {"sub": "canary"})
    head, _, tail = good.split(".")
    assert reason(f"{head}.{forged.split('.')[1]}.{tail}") == NO_SIGNATURE


def test_a_token_without_jti_is_called_by_what_is_signed(
    judge: Judge, signer: "Signer", claims: dict[str, Any]
) -> None:
    one = judge(signer.token(_moved(claims, jti=None))).token_id
    assert re.fullmatch(r"sha256:[0-9a-f]{16}", one)
    assert judge(signer.token(_moved(claims, jti=None))).token_id == one
    assert judge(signer.token(_moved(claims, jti=None, exp=601))).token_id != one


@pytest.mark.parametrize("jti", ["", 7, "a\nb", "a" * 129, ["a"]])
def test_so_is_one_whose_jti_is_fit_for_no_log(
    judge: Judge, signer: "Signer", claims: dict[str, Any], jti: object
) -> None:
    assert judge(signer.token(claims | {"jti": jti})).token_id.startswith(SAME_TOKEN)


def test_a_limited_lifetime_is_that_from_iat_to_exp(
    judge: Judge, reason: Callable[..., str], signer: "Signer", claims: dict[str, Any]
) -> None:
    rules = IssuerRules("cluster", ISSUER, (AUDIENCE,), ("RS256",), max_lifetime_seconds=660)
    assert judge(signer.token(claims), rules).subject == SUBJECT
    assert reason(signer.token(_moved(claims, exp=601)), rules) == "it lives longer than 660 s"
    assert reason(signer.token(_moved(claims, iat=None)), rules) == (
        "it tells no iat, and its lifetime is limited"
    )


def test_without_leeway_the_second_counts(
    judge: Judge, reason: Callable[..., str], signer: "Signer", claims: dict[str, Any]
) -> None:
    rules = IssuerRules("cluster", ISSUER, (AUDIENCE,), ("RS256",), leeway_seconds=0)
    assert judge(signer.token(_moved(claims, exp=1)), rules).subject == SUBJECT
    assert (
        reason(signer.token(_moved(claims, exp=0)), rules) == "it expired at 2026-03-01T12:00:00Z"
    )


def test_a_fraction_of_a_second_counts_too(
    judge: Judge, signer: "Signer", claims: dict[str, Any], now: datetime
) -> None:
    said = judge(signer.token(claims | {"exp": now.timestamp() + 0.5}))
    assert said.expires_at == now + timedelta(seconds=0.5)
