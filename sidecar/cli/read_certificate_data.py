"""Print what the signing helper prints of a certificate: kind of key, DER, serial number.

For a file, one line of JSON about its first certificate; for a ``pkcs11:`` URI, every certificate
that it names.
"""

import argparse
import base64
import json
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sidecar.cli.flag_values import add_switch, optional
from sidecar.cli.identity_flags import (
    add_library_argument,
    add_password_arguments,
    add_store_arguments,
    identity_told_by_flag,
    password_source,
)
from sidecar.cli.log_setup import set_up_logging
from sidecar.cli.one_line import one_line
from sidecar.errors import OperatorError
from sidecar.identity.places import IdentityPlaces, is_pkcs11

if TYPE_CHECKING:
    from cryptography import x509

EXAMPLE: Final = "sidecar read-certificate-data --certificate workload.pem"

log = logging.getLogger("sidecar.read_certificate_data")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the signing helper's flags."""
    parser.add_argument(
        "--certificate", type=optional(str), metavar="PLACE", help="file or pkcs11: URI"
    )
    add_password_arguments(parser)
    add_library_argument(parser)
    add_store_arguments(parser)
    add_switch(parser, "--debug", help_text="log to stderr; never a secret")


def run(arguments: argparse.Namespace) -> int:
    """Read and print."""
    set_up_logging("debug" if arguments.debug else "warning")
    place: str | None = arguments.certificate
    if place is None:
        raise OperatorError("--certificate is not given", hint="give a file or a pkcs11: URI")
    from sidecar.identity.load import load_certificates  # noqa: PLC0415 - not for --help

    places = IdentityPlaces(
        certificate=place,
        password=password_source(arguments, os.environ),
        pkcs11_module=arguments.pkcs11_lib,
    )
    with identity_told_by_flag():
        certificates = load_certificates(places)
    log.debug("certificates that were found: %d", len(certificates))
    if is_pkcs11(place):
        print(_matching(certificates))
    else:
        print(json.dumps(_data(certificates[0]), separators=(",", ":")), end="")
    return 0


def _data(certificate: "x509.Certificate") -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as above

    kind, algorithms = _key_kind(certificate)
    return {
        "keyType": kind,
        "certificateData": base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
        "serialNumber": str(certificate.serial_number),
        "supportedAlgorithms": algorithms,
    }


def _key_kind(certificate: "x509.Certificate") -> tuple[str, list[str]]:
    """Name the kind of key and what it could sign with; Roles Anywhere takes SHA-256 only."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415 - as above

    from sidecar.identity.signing_key import MLDSA_PUBLIC  # noqa: PLC0415 - same

    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "EC"
        return kind, [f"{kind}SHA{bits}" for bits in (256, 384, 512)]
    for size, public in zip((44, 65, 87), MLDSA_PUBLIC, strict=True):
        if isinstance(key, public):
            return f"ML-DSA-{size}", [f"ML-DSA-{size}"]
    raise OperatorError(
        f"the certificate's key is of a kind that Roles Anywhere does not take: {_name(key)}",
        hint="RSA, EC and ML-DSA it takes",
    )


def _name(key: object) -> str:
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")


def _matching(certificates: Sequence["x509.Certificate"]) -> str:
    blocks = [_block(number, each) for number, each in enumerate(certificates, start=1)]
    return "\n".join(["Matching identities", *blocks])


def _block(number: int, certificate: "x509.Certificate") -> str:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above

    # A name for people, as the helper gives it; nothing is trusted by it.
    fingerprint = certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303
    return "\n".join(
        (
            f"{number}) Hex Fingerprint: {fingerprint}",
            f"\tSubject: {one_line(certificate.subject.rfc4514_string())}",
            f"\tIssuer: {one_line(certificate.issuer.rfc4514_string())}",
            f"\tSerial Number: {certificate.serial_number:X}",
        )
    )
