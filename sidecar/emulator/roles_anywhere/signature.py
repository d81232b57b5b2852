"""AWS4-X509 signatures, the verifying side.

Source: IAM Roles Anywhere user guide, "Signing process". Written for the emulator alone,
independently of the sidecar's signer.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sidecar.emulator.canonical_request import CanonicalForm, string_to_sign
from sidecar.emulator.request import Request
from sidecar.emulator.roles_anywhere.certificate_path import MAX_CHAIN
from sidecar.emulator.roles_anywhere.certificates import certificate_from_header

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
    """Who signed, proven: the end-entity certificate, and the chain that it brought along."""

    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]


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
    signer = _signer(request)
    _check_claims(authorization, signer, request, strict=strict)
    _check_signature(authorization, signer, request)
    return signer


def _parse(request: Request) -> Authorization:
    text = request.header("Authorization")
    if not text:
        raise BadSignature("Missing Authentication Token")
    found = _AUTHORIZATION.fullmatch(text)
    if found is None:
        raise BadSignature("Authorization header is malformed")
    fields = found.groupdict()
    if fields["algorithm"] == ML_DSA:
        raise BadSignature(f"{ML_DSA} is not supported by this emulator")
    if fields["algorithm"] not in {RSA, ECDSA}:
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


def _signer(request: Request) -> Signer:
    return Signer(_leaf(request.header("X-Amz-X509")), _chain(request.header("X-Amz-X509-Chain")))


def _leaf(text: str) -> x509.Certificate:
    if not text:
        raise BadSignature("X-Amz-X509 header is missing")
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


def _check_claims(
    authorization: Authorization, signer: Signer, request: Request, *, strict: bool
) -> None:
    if authorization.serial != str(signer.leaf.serial_number):
        raise BadSignature("Credential is not the decimal serial number of the certificate")
    if not strict:
        return
    required = (*_REQUIRED, _CHAIN) if request.header_values(_CHAIN) else _REQUIRED
    for name in required:
        if name not in authorization.signed_headers:
            raise BadSignature(f"Header {name} must be signed")
    if authorization.algorithm != _algorithm_of(signer.leaf):
        raise BadSignature("Signing algorithm does not match the certificate's key")


def _algorithm_of(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return RSA
    return ECDSA if isinstance(key, ec.EllipticCurvePublicKey) else ""


def _check_signature(authorization: Authorization, signer: Signer, request: Request) -> None:
    form = CanonicalForm(authorization.signed_headers, request.body_sha256)
    text = string_to_sign(
        authorization.algorithm,
        request.header("X-Amz-Date"),
        authorization.scope,
        form.of(request),
    ).encode()
    key = signer.leaf.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(authorization.signature, text, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(authorization.signature, text, ec.ECDSA(hashes.SHA256()))
        else:
            raise BadSignature("The certificate's key is neither RSA nor elliptic curve")
    except InvalidSignature:
        raise BadSignature(
            "The request signature we calculated does not match the signature you provided"
        ) from None
