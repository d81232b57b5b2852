"""AWS4-X509 signatures, the verifying side.

Source: IAM Roles Anywhere user guide, "Signing process". Written for the emulator alone,
independently of the sidecar's signer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sidecar.emulator.canonical_request import CanonicalForm, string_to_sign
from sidecar.emulator.request import Request
from sidecar.emulator.roles_anywhere.certificate_path import MAX_CHAIN
from sidecar.emulator.roles_anywhere.certificates import (
    UsableKey,
    certificate_from_header,
    usable_key,
)

RSA: Final = "AWS4-X509-RSA-SHA256"
ECDSA: Final = "AWS4-X509-ECDSA-SHA256"
ML_DSA: Final = "AWS4-X509-MLDSA"
_WINDOW: Final = timedelta(minutes=5)
_AUTHORIZATION: Final = re.compile(
    r"(?P<algorithm>\S+) +Credential=(?P<serial>[0-9A-Za-z]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)"
    r"/(?P<service>[^/,\s]+)/(?P<terminator>[^/,\s]+), *SignedHeaders=(?P<signed_headers>[^,\s]+),"
    r" *Signature=(?P<signature>[0-9a-f]+)"
)
_REQUIRED: Final = ("host", "x-amz-date", "x-amz-x509")
_CHAIN: Final = "x-amz-x509-chain"


# AWS prescriptive guidance gives this as the largest certificate of a client.
_LARGEST_CERTIFICATE_BYTES: Final = 16 * 1024


class BadSignature(Exception):
    """The request is not signed as it must be; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """The Authorization header in its parts."""

    algorithm: str
    serial: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: tuple[str, ...]
    signature: bytes

    @property
    def scope(self) -> str:
        """The credential scope."""
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, proven: the end-entity certificate, and the chain that it brought along.

    `flags` are what AWS would note about the signature without refusing it, such as
    ``{"unsignedHeaders": ("host",)}``.
    """

    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def verify_request(request: Request, *, region: str, now: datetime, strict: bool = True) -> Signer:
    """Verify date, scope, headers and signature of a CreateSession request.

    Does not check: the certificate's validity, constraints or issuer.

    Args:
        request: the request as received.
        region: the region that the credential scope must name.
        now: wire time.
        strict: refuse also what the live service is only documented to flag: required headers that
            the signature does not cover, an algorithm that is not that of the key.

    Raises:
        BadSignature: with the first check that fails.
    """
    authorization = _parse(request)
    _check_scope(authorization, region)
    _check_date(authorization, request.header("X-Amz-Date"), now)
    _check_stated_hash(request)
    leaf = _leaf(request.header("X-Amz-X509"))
    chain = _chain(request.header("X-Amz-X509-Chain"))
    key = _key(leaf)
    if authorization.serial != str(leaf.serial_number):
        raise BadSignature("Credential is not the decimal serial number of the certificate")
    flags = _flags(authorization, key, request)
    if strict and flags:
        raise BadSignature(_sentence(flags))
    _check_signature(authorization, key, request)
    return Signer(leaf, chain, flags)


def _parse(request: Request) -> Authorization:
    text = request.header("Authorization")
    if not text:
        raise BadSignature("Missing Authentication Token")
    found = _AUTHORIZATION.fullmatch(text)
    if found is None:
        raise BadSignature("Authorization header is malformed")
    fields = found.groupdict()
    if fields["algorithm"] not in {RSA, ECDSA, ML_DSA}:
        raise BadSignature(f"Unsupported signing algorithm {fields['algorithm']}")
    signed_headers = tuple(fields.pop("signed_headers").split(";"))
    signature = _unhexed(fields.pop("signature"))
    return Authorization(**fields, signed_headers=signed_headers, signature=signature)


def _unhexed(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadSignature("Authorization header is malformed") from None


def _check_scope(authorization: Authorization, region: str) -> None:
    if authorization.region != region:
        raise BadSignature(f"Credential should be scoped to region {region}")
    if authorization.service != "rolesanywhere":
        raise BadSignature("Credential should be scoped to service rolesanywhere")
    if authorization.terminator != "aws4_request":
        raise BadSignature("Credential should be scoped with a valid terminator: aws4_request")


def _check_date(authorization: Authorization, amz_date: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadSignature("X-Amz-Date must be of the form YYYYMMDDTHHMMSSZ") from None
    if amz_date[:8] != authorization.date:
        raise BadSignature("Date in Credential scope does not match X-Amz-Date")
    if signed_at < now - _WINDOW:
        raise BadSignature(f"Signature expired: {amz_date} is more than 5 minutes ago")
    if signed_at > now + _WINDOW:
        raise BadSignature(f"Signature not yet current: {amz_date} is more than 5 minutes ahead")


def _check_stated_hash(request: Request) -> None:
    """The body's hash may be stated, as Envoy does; the signature covers the body either way."""
    stated = request.header_values("X-Amz-Content-Sha256")
    if stated and stated != [request.body_sha256]:
        raise BadSignature("X-Amz-Content-Sha256 is not the SHA-256 of the body in lower-case hex")


def _leaf(text: str) -> x509.Certificate:
    if not text:
        raise BadSignature("X-Amz-X509 header is missing")
    if len(text) * 3 // 4 > _LARGEST_CERTIFICATE_BYTES:
        raise BadSignature("X-Amz-X509 is larger than 16 KB")
    try:
        return certificate_from_header(text)
    except ValueError:
        raise BadSignature("X-Amz-X509 is not the base64 of one DER certificate") from None


def _chain(text: str) -> tuple[x509.Certificate, ...]:
    parts = text.split(",") if text else []
    if len(parts) > MAX_CHAIN:
        raise BadSignature(f"X-Amz-X509-Chain has more than {MAX_CHAIN} certificates")
    try:
        return tuple(certificate_from_header(part.strip()) for part in parts)
    except ValueError:
        raise BadSignature("X-Amz-X509-Chain is not a list of base64 of DER certificates") from None


def _key(leaf: x509.Certificate) -> UsableKey:
    key = usable_key(leaf)
    if key is None:
        raise BadSignature("The certificate's key is neither RSA nor elliptic curve nor ML-DSA")
    return key


def _flags(
    authorization: Authorization, key: UsableKey, request: Request
) -> dict[str, tuple[str, ...]]:
    """What the live service is only documented to note; the names of the notes are ours."""
    required = (*_REQUIRED, _CHAIN) if request.header_values(_CHAIN) else _REQUIRED
    unsigned = tuple(name for name in required if name not in authorization.signed_headers)
    wrong = () if authorization.algorithm == _algorithm_of(key) else (authorization.algorithm,)
    found = {"unsignedHeaders": unsigned, "algorithmOfAnotherKey": wrong}
    return {name: values for name, values in found.items() if values}


def _sentence(flags: Mapping[str, tuple[str, ...]]) -> str:
    if "unsignedHeaders" in flags:
        return f"Header {flags['unsignedHeaders'][0]} must be signed"
    return "Signing algorithm does not match the certificate's key"


def _algorithm_of(key: UsableKey) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return RSA
    return ECDSA if isinstance(key, ec.EllipticCurvePublicKey) else ML_DSA


def _check_signature(authorization: Authorization, key: UsableKey, request: Request) -> None:
    form = CanonicalForm(authorization.signed_headers, request.body_sha256)
    text = string_to_sign(
        authorization.algorithm,
        request.header("X-Amz-Date"),
        authorization.scope,
        form.of(request),
    ).encode()
    try:
        _verify(key, authorization.signature, text)
    except InvalidSignature:
        raise BadSignature(
            "The request signature we calculated does not match the signature you provided"
        ) from None


def _verify(key: UsableKey, signature: bytes, text: bytes) -> None:
    """By the key's own kind, whatever the request says; ML-DSA signs the text itself."""
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
    else:
        key.verify(signature, text)
