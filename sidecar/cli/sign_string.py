"""Sign a fixed text with the private key, to see that the key can be used.

Flags and output are those of ``aws_signing_helper sign-string``. The text names its purpose, so
that the signature is good for nothing else, and ends with a digest of the public key. If a
certificate is named, it must belong to the key.
"""

import argparse
import hashlib
import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from sidecar.cli.flag_values import add_switch
from sidecar.cli.identity_flags import (
    add_identity_arguments,
    identity_places,
    identity_told_by_flag,
)
from sidecar.cli.log_setup import set_up_logging
from sidecar.errors import OperatorError
from sidecar.identity.places import IdentityPlaces

if TYPE_CHECKING:
    from sidecar.identity.signing_key import PublicKey, SigningKey

EXAMPLE: Final = "sidecar sign-string --private-key workload.key --format text"

log = logging.getLogger("sidecar.sign_string")

_TEXT: Final = b"AWS Roles Anywhere Credential Helper Signing Test"
_VERSION: Final = b"1"
_KEY_PREFIX: Final = b"IAM RA"
_DIGESTS: Final = ("SHA256", "SHA384", "SHA512")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the signing helper's flags and our own."""
    add_identity_arguments(parser, chain=False)
    parser.add_argument(
        "--format",
        choices=("json", "text", "bin"),
        default="json",
        help="print hex in quotes, hex, or the signature's bytes (default: json)",
    )
    parser.add_argument(
        "--digest",
        choices=_DIGESTS,
        default=_DIGESTS[0],
        help="hash that is signed; CreateSession takes SHA256 only (default: SHA256)",
    )
    add_switch(parser, "--debug", help_text="log to stderr; never a secret")


def run(arguments: argparse.Namespace) -> int:
    """Sign, and print the signature without a newline."""
    set_up_logging("debug" if arguments.debug else "warning")
    places = identity_places(arguments, os.environ)
    key = _key(places, certified=arguments.certificate is not None)
    from sidecar.identity.signing_key import algorithm_of  # noqa: PLC0415 - not for --help

    log.debug("private key: opened, for %s", algorithm_of(key.public_key))
    signature = _signature(key, text_to_sign(key.public_key), arguments.digest)
    if arguments.format == "bin":
        sys.stdout.buffer.write(signature)
    else:
        hexadecimal = signature.hex()
        print(json.dumps(hexadecimal) if arguments.format == "json" else hexadecimal, end="")
    return 0


def _key(places: IdentityPlaces, *, certified: bool) -> "SigningKey":
    from sidecar.identity.load import load_identity, load_signing_key  # noqa: PLC0415 - as above

    with identity_told_by_flag():
        if not certified:
            return load_signing_key(places)
        identity = load_identity(places)
    subject = identity.certificate.subject.rfc4514_string()
    log.debug("certificate: %s, serial %x", subject, identity.certificate.serial_number)
    return identity.key


def text_to_sign(public_key: "PublicKey") -> bytes:
    """Make the signing helper's text for a key; for ML-DSA it names no key."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - not for --help
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 - same

    if isinstance(public_key, rsa.RSAPublicKey):
        encoded = public_key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        )
    elif isinstance(public_key, ec.EllipticCurvePublicKey):
        encoded = public_key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
    else:
        return _TEXT + _VERSION
    return _TEXT + _VERSION + hashlib.sha256(_KEY_PREFIX + encoded).digest()


def _signature(key: "SigningKey", text: bytes, digest: str) -> bytes:
    if digest == _DIGESTS[0]:
        return key.sign(text)
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - not for --help
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa  # noqa: PLC0415 - same

    from sidecar.identity.signing_key import SoftwareKey  # noqa: PLC0415 - same

    algorithm = hashes.SHA384() if digest == _DIGESTS[1] else hashes.SHA512()
    private = key.private if isinstance(key, SoftwareKey) else None
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(text, padding.PKCS1v15(), algorithm)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(text, ec.ECDSA(algorithm))
    raise OperatorError(
        f"{digest} is for RSA and EC keys in files only",
        hint="leave --digest out: CreateSession takes SHA256, and ML-DSA has no digest",
    )
