"""Requests of tpm2-openssl 1.1 and older, which write parameters where ECDSA has none."""

import binascii
import re
from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

_PEM: Final = re.compile(
    rb"-----BEGIN (?P<label>(?:NEW )?CERTIFICATE REQUEST)-----(?P<body>.*?)"
    rb"-----END (?P=label)-----",
    re.DOTALL,
)


@asn1.sequence
class _Algorithm:
    oid: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _Request:
    signed: asn1.TLV
    algorithm: _Algorithm
    signature: asn1.BitString


def without_parameters(pem: bytes) -> bytes | None:
    """Drop the NULL after a request's signature algorithm; ECDSA has none (RFC 5758 section 3.2).

    It stands outside of what is signed, so that the signature is good or bad as it was.
    Not checked: anything else of the request.

    Args:
        pem: the request (RFC 2986).

    Returns:
        It in DER, or None where there is no such NULL to be dropped.

    """
    block = _PEM.search(pem)
    if block is None:
        return None
    try:
        der = binascii.a2b_base64(b"".join(block["body"].split()), strict_mode=True)
        read = asn1.decode_der(_Request, der)
    except ValueError:
        return None
    if read.algorithm.parameters is None:
        return None
    bare = _Algorithm(oid=read.algorithm.oid, parameters=None)
    return asn1.encode_der(_Request(signed=read.signed, algorithm=bare, signature=read.signature))
