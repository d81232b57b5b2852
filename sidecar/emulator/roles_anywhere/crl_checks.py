"""What a certificate revocation list must be to be imported.

Rules: Roles Anywhere API reference, ImportCrl ("a CRL must be in PEM format"); RFC 5280, sections
5.2 and 6.3.3. AWS does not say more, so the words are ours.
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from sidecar.emulator.error_shapes import AwsError
from sidecar.emulator.roles_anywhere.certificates import has_strong_signature, may_sign_crls
from sidecar.emulator.roles_anywhere.revocation import is_signed_by

_BEGIN = b"-----BEGIN X509 CRL-----"


def check_crl(data: bytes, anchor_pem: bytes) -> None:
    """Insist on one complete list in PEM that the emulator can judge certificates by.

    One that names a certificate of the trust anchor as its issuer must be signed by it. The issuer
    of any other is an intermediate that nobody has shown yet; CreateSession verifies those.
    Does not check the dates: a list that has expired is refused when it is used.

    Raises:
        AwsError: ValidationException.
    """
    crl = _parsed(data)
    if not has_strong_signature(crl):
        raise _invalid("CRL has a signature weaker than SHA-256")
    if any(extension.critical for extension in _extensions(crl)):
        # "MUST NOT use that CRL" (RFC 5280, 5.2): deltas, parts of lists, lists of other issuers.
        raise _invalid("CRL has a critical extension that is not supported")
    anchors = x509.load_pem_x509_certificates(anchor_pem)
    issuers = [each for each in anchors if each.subject == crl.issuer]
    if issuers and not any(is_signed_by(crl, each) for each in issuers):
        raise _invalid("CRL is not signed by the trust anchor that it names as its issuer")
    if issuers and not any(may_sign_crls(each) for each in issuers):
        raise _invalid("CRL is issued by a trust anchor without cRLSign in its key usage")


def _parsed(data: bytes) -> x509.CertificateRevocationList:
    if data.count(_BEGIN) != 1:
        raise _invalid("CRL must be one X509 CRL in PEM format")
    try:
        return x509.load_pem_x509_crl(data)
    except ValueError:
        raise _invalid("Unable to parse the CRL as PEM") from None


def _extensions(crl: x509.CertificateRevocationList) -> x509.Extensions:
    try:
        return crl.extensions
    except (ValueError, UnsupportedAlgorithm):
        raise _invalid("Unable to parse the CRL as PEM") from None


def _invalid(message: str) -> AwsError:
    return AwsError(400, "ValidationException", message)
