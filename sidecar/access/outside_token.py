"""Whether a JWT that somebody else signed proves what it says: pure, `now` is an argument.

PyJWT verifies the signature alone. Everything around it is decided here: what may be read at all,
which algorithm (the configuration's choice, never the token's), and the claims, by our own `now`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from jwt import PyJWTError
from jwt.api_jws import PyJWS

from sidecar.access.base64url import decode_base64url
from sidecar.access.key_set import MAX_KID_LENGTH, OUTSIDE_ALGORITHMS, KeySet, PublicKey
from sidecar.access.refused import TokenNotAccepted
from sidecar.clock import iso_seconds
from sidecar.strict_json import read_object

# The line of the head that a token stands in may have 8190 bytes.
MAX_OUTSIDE_TOKEN_LENGTH: Final = 8000

_PARTS: Final = 3
_LONGEST_SUBJECT: Final = 1024
_LONGEST_TOKEN_ID: Final = 128
_FINGERPRINT_LENGTH: Final = 16
# JWTs for other purposes (logout tokens, proofs of possession, …) say so here (RFC 8725, 3.11).
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
# Extensions that a reader must understand (RFC 7515, 4.1.11), and one of them (RFC 7797).
_EXTENSIONS: Final = ("crit", "b64")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH).total_seconds()

_SIGNATURES: Final = PyJWS(algorithms=sorted(OUTSIDE_ALGORITHMS))


@dataclass(frozen=True, slots=True)
class IssuerRules:
    """What a token of one issuer must be like.

    Args:
        name: what the issuer is called in the configuration.
        issuer: the claim ``iss``, to the letter.
        audience: one of these must be in the claim ``aud``.
        algorithms: those that it may be signed with; asymmetric ones only.
        leeway_seconds: how far the issuer's clock may be from ours.
        max_lifetime_seconds: how long a token may live at the most; it must tell ``iat`` then.

    """

    name: str
    issuer: str
    audience: tuple[str, ...]
    algorithms: tuple[str, ...]
    leeway_seconds: int = 30
    max_lifetime_seconds: int | None = None

    def __post_init__(self) -> None:
        if not self.algorithms or not OUTSIDE_ALGORITHMS.issuperset(self.algorithms):
            raise ValueError(f"issuer {self.name}: an outside issuer signs with a private key")
        if not self.audience:
            raise ValueError(f"issuer {self.name}: tokens for anybody prove nothing here")


@dataclass(frozen=True, slots=True)
class OutsideClaims:
    """What a verified token says.

    Args:
        subject: its claim ``sub``.
        token_id: its ``jti``; without one, what always stands for the same token.
        expires_at: when it ends, without any leeway.
        issued_at: when it was made, if it tells.
        claims: all of its claims.

    """

    subject: str
    token_id: str
    expires_at: datetime
    issued_at: datetime | None
    claims: Mapping[str, object] = field(repr=False)


def verify_outside(token: str, rules: IssuerRules, keys: KeySet, now: datetime) -> OutsideClaims:
    """Check everything about a token but whom its subject stands for (RFC 7519, RFC 8725).

    A key or an address in its header (``jwk``, ``jku``, ``x5u``, ``x5c``) means nothing.

    Args:
        token: what the caller presented.
        rules: what the configuration says of the issuer.
        keys: the issuer's keys, from where the configuration says.
        now: the moment to judge it at.

    Raises:
        UnknownKey: it is signed with a key that is not among these.
        TokenNotAccepted: anything else.

    """
    header, claims = _read(token)
    algorithm = _algorithm(header, rules)
    # Before a key is looked for: a stranger's token is no reason to ask the issuer for new keys.
    if claims.get("iss") != rules.issuer:
        raise TokenNotAccepted("it is of another issuer")
    _check_signature(token, keys.find(_kid(header), algorithm), algorithm)
    _check_audience(claims, rules)
    expires_at, issued_at = _checked_times(claims, rules, now)
    return OutsideClaims(_subject(claims), _token_id(claims, token), expires_at, issued_at, claims)


def claims_match(required: Mapping[str, str], claims: Mapping[str, object]) -> bool:
    """Whether the claims say everything that is required.

    A name that begins with a slash is a JSON Pointer (RFC 6901) to a claim within claims, such as
    ``/kubernetes.io/namespace``; any other is a claim's name as it is, dots and slashes included.
    A text must be equal; true, false and whole numbers are written as in JSON; of a list one entry
    must be equal.
    """
    return all(_says(_claim(path, claims), wanted) for path, wanted in required.items())


def _claim(path: str, claims: Mapping[str, object]) -> object:
    if not path.startswith("/"):
        return claims.get(path)
    found: object = claims
    for part in path[1:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _says(claim: object, wanted: str) -> bool:
    if isinstance(claim, list):
        return any(_says(each, wanted) for each in claim if not isinstance(each, list))
    if isinstance(claim, bool):
        return wanted == str(claim).lower()
    return wanted == (str(claim) if isinstance(claim, int) else claim)


def _read(token: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Take a token apart into its header and its claims."""
    if len(token) > MAX_OUTSIDE_TOKEN_LENGTH:
        raise TokenNotAccepted(f"it has more than {MAX_OUTSIDE_TOKEN_LENGTH} characters")
    if not token.isascii():
        raise TokenNotAccepted("it has characters outside ASCII")
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise TokenNotAccepted("it is no JWT: it does not have three parts")
    _part("signature", parts[2])
    return _object("header", parts[0]), _object("claims part", parts[1])


def _part(name: str, text: str) -> bytes:
    if not text:
        raise TokenNotAccepted(f"its {name} is empty")
    try:
        return decode_base64url(text)
    except ValueError as exc:
        raise TokenNotAccepted(f"its {name} {exc}") from None


def _object(name: str, text: str) -> Mapping[str, object]:
    try:
        return read_object(_part(name, text))
    except ValueError as exc:
        raise TokenNotAccepted(f"its {name} {exc}") from None


def _algorithm(header: Mapping[str, object], rules: IssuerRules) -> str:
    """Give the algorithm, which must be one that the configuration has chosen."""
    for name in _EXTENSIONS:
        if name in header:
            raise TokenNotAccepted(f"its header has {name}, an extension that is not used here")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenNotAccepted("its typ is that of a JWT for another purpose")
    algorithm = header.get("alg")
    # In two steps: what is in the configuration may be said, what is in the token may not.
    pinned = [each for each in rules.algorithms if each == algorithm]
    if not pinned:
        allowed = ", ".join(rules.algorithms)
        raise TokenNotAccepted(f"its algorithm is not one of those configured: {allowed}")
    return pinned[0]


def _kid(header: Mapping[str, object]) -> str | None:
    if "kid" not in header:
        return None
    kid = header["kid"]
    if not isinstance(kid, str) or len(kid) > MAX_KID_LENGTH:
        raise TokenNotAccepted(f"its kid is no text of up to {MAX_KID_LENGTH} characters")
    return kid


def _check_signature(token: str, key: PublicKey, algorithm: str) -> None:
    try:
        _SIGNATURES.decode(token, key, algorithms=[algorithm])
    except PyJWTError:
        raise TokenNotAccepted("its signature is wrong") from None


def _check_audience(claims: Mapping[str, object], rules: IssuerRules) -> None:
    said = claims.get("aud")
    audience = said if isinstance(said, list) else [said]
    if not all(isinstance(each, str) for each in audience):
        raise TokenNotAccepted("it tells no audience")
    if not set(audience) & set(rules.audience):
        raise TokenNotAccepted("it is for another audience")


def _checked_times(
    claims: Mapping[str, object], rules: IssuerRules, now: datetime
) -> tuple[datetime, datetime | None]:
    """Give when the token ends and when it was made."""
    leeway = timedelta(seconds=rules.leeway_seconds)
    expires_at, issued_at = _moment(claims, "exp"), _moment(claims, "iat")
    not_before = _moment(claims, "nbf")
    if expires_at is None:
        raise TokenNotAccepted("it tells no exp: it would be good for ever")
    if now - leeway >= expires_at:
        raise TokenNotAccepted(f"it expired at {iso_seconds(expires_at)}")
    if not_before is not None and now + leeway < not_before:
        raise TokenNotAccepted(f"it is not valid before {iso_seconds(not_before)}")
    if issued_at is not None and now + leeway < issued_at:
        raise TokenNotAccepted(f"it was issued in the future, at {iso_seconds(issued_at)}")
    if rules.max_lifetime_seconds is not None:
        if issued_at is None:
            raise TokenNotAccepted("it tells no iat, and its lifetime is limited")
        if expires_at - issued_at > timedelta(seconds=rules.max_lifetime_seconds):
            raise TokenNotAccepted(f"it lives longer than {rules.max_lifetime_seconds} s")
    return expires_at, issued_at


def _moment(claims: Mapping[str, object], name: str) -> datetime | None:
    """Read a NumericDate (RFC 7519, section 2), which may have a fraction."""
    if name not in claims:
        return None
    seconds = claims[name]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TokenNotAccepted(f"its {name} is no number")
    if not 0 <= seconds <= _LAST_SECOND:
        raise TokenNotAccepted(f"its {name} is no moment between 1970 and 9999")
    return _EPOCH + timedelta(seconds=seconds)


def _subject(claims: Mapping[str, object]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip():
        raise TokenNotAccepted("it tells no subject")
    if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise TokenNotAccepted("its subject is too long, or cannot be printed")
    return subject


def _token_id(claims: Mapping[str, object], token: str) -> str:
    """Give the ``jti``, or a fingerprint of what is signed: one ECDSA signature can be two."""
    given = claims.get("jti")
    token_id = given if isinstance(given, str) and given.isprintable() else ""
    if 0 < len(token_id) <= _LONGEST_TOKEN_ID:
        return token_id
    signed = token.rpartition(".")[0].encode()
    return f"sha256:{hashlib.sha256(signed).hexdigest()[:_FINGERPRINT_LENGTH]}"
