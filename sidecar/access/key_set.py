"""An issuer's public keys, parsed from a JWKS (RFC 7517): pure, strict about what may verify."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sidecar.access.base64url import decode_base64url
from sidecar.access.refused import TokenNotAccepted
from sidecar.strict_json import read_object

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

MAX_KEY_SET_BYTES: Final = 256 * 1024
MAX_KID_LENGTH: Final = 256
_MOST_KEYS: Final = 100
_MOST_TOLD: Final = 3

_RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
# NIST SP 800-131A; verifying with larger ones than these takes long.
_RSA_BITS: Final = range(2048, 8192 + 1)
_MAX_EXPONENT: Final = 2**32
# Each curve goes with one algorithm and has coordinates of one length (RFC 7518, 3.4 and 6.2.1.2).
_CURVES: Final = MappingProxyType(
    {
        "P-256": (ec.SECP256R1(), 32, "ES256"),
        "P-384": (ec.SECP384R1(), 48, "ES384"),
        "P-521": (ec.SECP521R1(), 66, "ES512"),
    }
)
_ED25519_BYTES: Final = 32

# Symmetric algorithms and ``none`` are not among them, whatever a configuration says.
OUTSIDE_ALGORITHMS: Final = frozenset(
    {*_RSA_ALGORITHMS, *(algorithm for _, _, algorithm in _CURVES.values()), "EdDSA"}
)


class KeySetRefused(ValueError):
    """A document that is not taken for an issuer's keys; the message quotes no key."""


class UnknownKey(TokenNotAccepted):
    """The issuer may have a new key that is not held yet: worth one more look."""


class NoKeysYet(TokenNotAccepted):
    """Keys of the issuer are awaited: the token may well be good a little later."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, the name that tokens call it by, and the algorithms that it may verify."""

    kid: str | None
    algorithms: frozenset[str]
    key: PublicKey


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of one issuer.

    Args:
        keys: those that can be used.
        left_out: why each of the others cannot, as sentences.

    """

    keys: tuple[VerificationKey, ...]
    left_out: tuple[str, ...] = ()

    def find(self, kid: str | None, algorithm: str) -> PublicKey:
        """Give the one key that a token with this header may be verified with.

        Args:
            kid: what the token says, or None; then there must be one key only.
            algorithm: one that the configuration allows.

        Raises:
            UnknownKey: there is no key of that name.
            TokenNotAccepted: the key is of another kind, or it is not clear which one is meant.

        """
        if kid is None and len(self.keys) > 1:
            raise TokenNotAccepted("it has no kid, and its issuer has several keys")
        named = [each for each in self.keys if kid is None or each.kid == kid]
        if not named:
            raise UnknownKey("its kid is that of no key of its issuer")
        fitting = [each.key for each in named if algorithm in each.algorithms]
        if not fitting:
            raise TokenNotAccepted("its algorithm is not one of the key that its kid names")
        if len(fitting) > 1:
            raise TokenNotAccepted("its kid is that of several keys of its issuer")
        return fitting[0]


class _LeftOut(Exception):
    """A key that cannot be used here, beside others that perhaps can."""


def parse_key_set(content: bytes) -> KeySet:
    """Read a JWKS; what is not for verifying signatures here is left out.

    Raises:
        KeySetRefused: no JWKS, too large, without a usable key, or with a private one: whoever
            reads it could sign tokens then.

    """
    if len(content) > MAX_KEY_SET_BYTES:
        raise KeySetRefused(f"has more than {MAX_KEY_SET_BYTES // 1024} KiB")
    try:
        entries = read_object(content).get("keys")
    except ValueError as exc:
        raise KeySetRefused(str(exc)) from None
    if not isinstance(entries, list):
        raise KeySetRefused("is no JWKS: it has no list named keys")
    if len(entries) > _MOST_KEYS:
        raise KeySetRefused(f"has {len(entries)} keys; up to {_MOST_KEYS} are accepted")
    keys: list[VerificationKey] = []
    left_out: list[str] = []
    for place, entry in enumerate(entries, start=1):
        try:
            keys.append(_key(entry, place))
        except _LeftOut as exc:
            left_out.append(f"key {place} {exc}")
    if not keys:
        reasons = "; ".join(left_out[:_MOST_TOLD])
        raise KeySetRefused(f"has no key that can be used{reasons and f': {reasons}'}")
    return KeySet(tuple(keys), tuple(left_out))


def _key(entry: object, place: int) -> VerificationKey:
    if not isinstance(entry, dict):
        raise _LeftOut("is no object")
    kty = entry.get("kty")
    read = _KINDS.get(kty) if isinstance(kty, str) else None
    if read is None:
        raise _LeftOut("is of a kind that is not used here")
    if "d" in entry:
        raise KeySetRefused(f"has a private key, key {place}: only public ones belong there")
    _check_use(entry)
    try:
        key, algorithms = read(entry)
    except ValueError:
        raise _LeftOut("has numbers that make no key") from None
    said = entry.get("alg")
    if said is not None:
        algorithms = frozenset(each for each in algorithms if each == said)
    if not algorithms:
        raise _LeftOut("is for an algorithm that is not used here")
    return VerificationKey(_kid(entry), algorithms, key)


def _check_use(entry: Mapping[str, object]) -> None:
    operations = entry.get("key_ops", ["verify"])
    may_verify = isinstance(operations, list) and "verify" in operations
    if entry.get("use", "sig") != "sig" or not may_verify:
        raise _LeftOut("is not for signatures")


def _kid(entry: Mapping[str, object]) -> str | None:
    kid = entry.get("kid")
    if kid is None or (isinstance(kid, str) and len(kid) <= MAX_KID_LENGTH):
        return kid
    raise _LeftOut(f"has a kid that is no text of up to {MAX_KID_LENGTH} characters")


def _member(entry: Mapping[str, object], name: str) -> bytes:
    value = entry.get(name)
    if not isinstance(value, str):
        raise ValueError("must be text")
    return decode_base64url(value)


def _number(entry: Mapping[str, object], name: str) -> int:
    return int.from_bytes(_member(entry, name), "big")


def _rsa(entry: Mapping[str, object]) -> tuple[PublicKey, frozenset[str]]:
    modulus, exponent = _number(entry, "n"), _number(entry, "e")
    if modulus.bit_length() not in _RSA_BITS:
        least, most = _RSA_BITS[0], _RSA_BITS[-1]
        raise _LeftOut(f"is RSA of {modulus.bit_length()} bits; {least} to {most} are accepted")
    if exponent > _MAX_EXPONENT:
        raise _LeftOut("is RSA with an exponent that is far too large")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key(), _RSA_ALGORITHMS


def _ec(entry: Mapping[str, object]) -> tuple[PublicKey, frozenset[str]]:
    name = entry.get("crv")
    if not isinstance(name, str) or name not in _CURVES:
        raise _LeftOut("is on a curve that is not used here")
    curve, length, algorithm = _CURVES[name]
    x, y = _member(entry, "x"), _member(entry, "y")
    if len(x) != length or len(y) != length:
        raise ValueError("a coordinate of another length")
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve
    )
    return numbers.public_key(), frozenset({algorithm})


def _okp(entry: Mapping[str, object]) -> tuple[PublicKey, frozenset[str]]:
    if entry.get("crv") != "Ed25519":
        raise _LeftOut("is on a curve that is not used here")
    x = _member(entry, "x")
    if len(x) != _ED25519_BYTES:
        raise ValueError("a coordinate of another length")
    return ed25519.Ed25519PublicKey.from_public_bytes(x), frozenset({"EdDSA"})


_KINDS: Final[Mapping[str, Callable[[Mapping[str, object]], tuple[PublicKey, frozenset[str]]]]] = (
    MappingProxyType({"RSA": _rsa, "EC": _ec, "OKP": _okp})
)
