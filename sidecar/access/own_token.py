"""The sidecar's own app tokens: signed JWTs that say which app their bearer is, and how long."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import jwt

from sidecar.access.refused import TokenNotAccepted
from sidecar.access.token_key import TokenKey
from sidecar.redaction import Secret

MAX_OWN_TOKEN_LENGTH: Final = 4096
# As for AWS's own signatures: by how much this clock may have been set back meanwhile.
CLOCK_SKEW: Final = timedelta(minutes=5)
_FAR: Final = datetime.max.replace(tzinfo=UTC)
REVOKED: Final = "the token is revoked"
TOO_OLD: Final = "the token was issued before not_before"
_REQUIRED: Final = ("sub", "aud", "iat", "exp", "jti")
# Times, and of which type a claim must be, are looked at here, where the reason is told.
_CHECKED_HERE: Final = ("exp", "iat", "nbf", "sub", "jti")
# RFC 7515 §2: without padding, and nothing between. Python's reader passes over both.
_SPELLING: Final = re.compile(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTokenRules:
    """What the sidecar's own tokens say, and which of them count.

    Args:
        audience: whom they are for; two sidecars with one key need two.
        lifetime: from ``iat`` to ``exp``; a token file is renewed at half of it.
        grace: how long a token counts after its ``exp``, since old SDKs read a file only once.
        not_before: tokens issued earlier count no more.
        not_before_of: the same for single apps.
        revoked: ``jti`` of tokens that count no more.

    """

    audience: str
    lifetime: timedelta
    grace: timedelta
    not_before: datetime | None = None
    not_before_of: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    revoked: Collection[str] = frozenset()

    def earliest(self, app: str) -> datetime | None:
        """Tell when a token of an app must have been issued at the earliest."""
        moments = [each for each in (self.not_before, self.not_before_of.get(app)) if each]
        return max(moments, default=None)


@dataclass(frozen=True, slots=True)
class OwnToken:
    """What a token of the sidecar's own says.

    Args:
        app: whose it is.
        token_id: its ``jti``.
        issued_at: when it was made.
        expires_at: its ``exp``, when every SDK should have read a newer one.
        ends_at: until when it is accepted, grace included.

    """

    app: str
    token_id: str
    issued_at: datetime
    expires_at: datetime
    ends_at: datetime

    @property
    def renew_at(self) -> datetime:
        """When a newer one is due: at half its life."""
        return self.issued_at + (self.expires_at - self.issued_at) / 2


def issue(app: str, key: TokenKey, rules: OwnTokenRules, now: datetime, token_id: str) -> Secret:
    """Sign a token.

    Args:
        app: the app's name.
        key: what it is signed with.
        rules: what it says.
        now: when it begins; whole seconds count.
        token_id: its ``jti``, which no other token has.

    """
    issued_at = int(now.timestamp())
    claims = {
        "sub": app,
        "aud": rules.audience,
        "iat": issued_at,
        "exp": issued_at + int(rules.lifetime.total_seconds()),
        "jti": token_id,
    }
    return Secret(
        jwt.encode(claims, key.signing, algorithm=key.algorithm, headers={"kid": key.kid})
    )


def verify(token: str, key: TokenKey, rules: OwnTokenRules, now: datetime) -> OwnToken:
    """Say what a token says, if the sidecar signed it and it counts at this moment.

    The algorithm is the key's, whatever the token calls its own (RFC 8725 §3.1).
    Not checked: whether there is such an app.

    Raises:
        TokenNotAccepted: with the reason.

    """
    if len(token) > MAX_OWN_TOKEN_LENGTH:
        raise TokenNotAccepted(f"the token has more than {MAX_OWN_TOKEN_LENGTH} characters")
    _check_header(token, key)
    _check_spelling(token)
    said = _read(_verified_claims(token, key, rules), rules)
    _check_times(said, rules, now)
    if said.token_id in rules.revoked:
        raise TokenNotAccepted(REVOKED)
    return said


def peek(token: str) -> Mapping[str, Any]:
    """Read the claims of what may be a JWT, believing none of them; empty where it is none."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return {}
    return claims


def _check_header(token: str, key: TokenKey) -> None:
    """Say why the signature cannot be right, before it is looked at: for the reason's sake."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenNotAccepted("the token is no well-formed JWT") from None
    if header.get("alg") != key.algorithm:
        raise TokenNotAccepted(f"the token's algorithm is not {key.algorithm}")
    if header.get("kid") != key.kid:
        raise TokenNotAccepted("the token was signed with a key that is not the sidecar's of now")


def _check_spelling(token: str) -> None:
    """Refuse a second spelling of the same token: the signature does not cover its own letters."""
    padded = f"{token.rpartition('.')[2]}=="
    try:
        one_way = urlsafe_b64encode(urlsafe_b64decode(padded)).rstrip(b"=") == padded[:-2].encode()
    except ValueError:
        one_way = False
    if not one_way or not _SPELLING.fullmatch(token):
        raise TokenNotAccepted("the token is no well-formed JWT")


def _verified_claims(token: str, key: TokenKey, rules: OwnTokenRules) -> Mapping[str, Any]:
    unchecked = {f"verify_{claim}": False for claim in _CHECKED_HERE}
    options: Any = {**unchecked, "require": list(_REQUIRED), "strict_aud": True}
    try:
        return jwt.decode(
            token,
            key.verifying,
            algorithms=[key.algorithm],
            audience=rules.audience,
            options=options,
        )
    except jwt.InvalidSignatureError:
        raise TokenNotAccepted("the token's signature does not match") from None
    except jwt.InvalidAudienceError:
        raise TokenNotAccepted("the token is for another audience") from None
    except jwt.MissingRequiredClaimError as exc:
        raise TokenNotAccepted(f"the token has no claim {exc.claim}") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenNotAccepted("the token is no well-formed JWT") from None


def _read(claims: Mapping[str, Any], rules: OwnTokenRules) -> OwnToken:
    app, token_id = claims["sub"], claims["jti"]
    moments = [_moment(claims[name]) for name in ("iat", "exp")]
    if not isinstance(app, str) or not isinstance(token_id, str) or None in moments:
        raise TokenNotAccepted("a claim of the token is of the wrong type")
    issued_at, expires_at = (each for each in moments if each is not None)
    ends_at = min(expires_at, _FAR - rules.grace) + rules.grace
    return OwnToken(app, token_id, issued_at, expires_at, ends_at)


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _check_times(said: OwnToken, rules: OwnTokenRules, now: datetime) -> None:
    if said.issued_at > now + CLOCK_SKEW:
        raise TokenNotAccepted("the token is not yet valid: it was issued in the future")
    if said.ends_at <= now:
        raise TokenNotAccepted("the token has expired")
    earliest = rules.earliest(said.app)
    if earliest is not None and said.issued_at < earliest:
        raise TokenNotAccepted(TOO_OLD)
