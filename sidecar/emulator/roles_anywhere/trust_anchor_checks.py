"""What a certificate must be to become a trust anchor.

Rules: IAM Roles Anywhere user guide, "Trust model", section "Trust anchors".
"""

from typing import Any

from cryptography import x509

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.roles_anywhere.certificates import (
    has_strong_signature,
    is_authority,
    is_version_3,
    may_sign_certificates,
)


def check_source(source: dict[str, Any]) -> None:
    """Insist on a certificate bundle whose every certificate may be an anchor.

    Does not check validity: an expired anchor can be registered and is refused when it is used.

    Raises:
        AwsError: ValidationException.
    """
    if source.get("sourceType") != "CERTIFICATE_BUNDLE":
        raise _invalid("the emulator knows trust anchors of source type CERTIFICATE_BUNDLE only")
    pem = (source.get("sourceData") or {}).get("x509CertificateData")
    if not pem:
        raise _invalid("Certificate bundle is missing")
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise _invalid("Unable to parse the certificate bundle as PEM") from None
    for certificate in certificates:
        if problem := _problem(certificate):
            raise _invalid(problem)


def _problem(certificate: x509.Certificate) -> str:
    checks = (
        (is_version_3(certificate), "CA certificate must be X.509 version 3"),
        (is_authority(certificate), "Incorrect basic constraints for CA certificate"),
        (may_sign_certificates(certificate), "Incorrect key usage for CA certificate"),
        (has_strong_signature(certificate), "CA certificate has a signature weaker than SHA-256"),
    )
    return next((problem for good, problem in checks if not good), "")


def _invalid(message: str) -> AwsError:
    return AwsError(400, "ValidationException", message)
