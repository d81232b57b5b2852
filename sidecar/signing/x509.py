"""Signature Version 4 with an X.509 key in place of a shared secret (AWS4-X509)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sidecar.signing.canonical import Request, Scope, amz_date, canonical_request, string_to_sign

# "MUST NOT exceed the maximum depth of 5 certificates": Roles Anywhere user guide, "Signing
# process", on X-Amz-X509-Chain.
MAX_CHAIN_LENGTH: Final = 5


class Algorithm(StrEnum):
    """The algorithm names.

    The first two hash with SHA-256 whatever the curve or the certificate's own hash; ML-DSA of
    every size signs the string to sign as it is.
    """

    RSA = "AWS4-X509-RSA-SHA256"
    ECDSA = "AWS4-X509-ECDSA-SHA256"
    MLDSA = "AWS4-X509-MLDSA"


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """A certificate with the means to sign by its key.

    Args:
        certificate: base64 of the leaf's DER, on one line.
        chain: base64 of each intermediate's DER, the leaf's issuer first; no root.
        serial_number: the leaf's serial number.
        algorithm: what `sign` does.
        sign: from the bytes to sign to the signature (PKCS#1 v1.5, ECDSA in DER, or ML-DSA), so
            that the key itself never comes here.

    """

    certificate: str
    chain: tuple[str, ...]
    serial_number: int
    algorithm: Algorithm
    sign: Callable[[bytes], bytes] = field(repr=False)


def sign_request(
    request: Request, key: CertifiedKey, *, region: str, service: str, now: datetime
) -> Request:
    """Return the request with the headers that sign it.

    Every header present is signed, so the request must hold Host and all that the HTTP client will
    send, but for those that it may add without harm (User-Agent, Accept …).

    Args:
        request: the request, exactly as it will be sent.
        key: the certificate and how to sign with its key.
        region: the region that the signature is good for.
        service: the service's signing name.
        now: the moment to sign for; AWS accepts a few minutes either way.

    """
    date = amz_date(now)
    scope = Scope(date[:8], region, service)
    headers = (*request.headers, ("X-Amz-Date", date), ("X-Amz-X509", key.certificate))
    if key.chain:
        headers = (*headers, ("X-Amz-X509-Chain", ",".join(key.chain)))
    names = sorted({name.lower() for name, _ in headers})
    canonical = canonical_request(replace(request, headers=headers), names)
    signature = key.sign(string_to_sign(key.algorithm, date, scope, canonical)).hex()
    # The serial number goes in as a decimal here, although AWS shows it in hex elsewhere.
    authorization = (
        f"{key.algorithm} Credential={key.serial_number}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return replace(request, headers=(*headers, ("Authorization", authorization)))
