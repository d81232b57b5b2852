"""Certificate signing requests: what of them is granted, and what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509

from sidecar.ca.keys import PublicKey, checked_key
from sidecar.ca.leaf import Workload
from sidecar.ca.subject import alternative_names, checked_name
from sidecar.ca.tpm2_request import without_parameters
from sidecar.ca.whole_certificate import MALFORMED

# A workload's certificate has these whatever a request says of them, so nothing is lost.
_GIVEN_ANYWAY = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.SubjectKeyIdentifier,
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose sender has proved to hold the key.

    Attributes:
        public_key: strong enough to be certified.
        asked: the subject that the request names; not yet checked, it may even be empty.
        dns: DNS names that it asks for.
        uris: URIs that it asks for.
        left_out: names of what else it asks for, which no certificate will have.

    """

    public_key: PublicKey
    asked: x509.Name
    dns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def workload(
        self,
        subject: x509.Name | None = None,
        names: x509.SubjectAlternativeName | None = None,
    ) -> Workload:
        """Say what to certify; what the CA's operator gives wins over what the request says.

        Whose operator names the subject has said who it is: no name of the request is added then.

        Raises:
            ValueError: the request's own subject or names cannot stand in a certificate.

        """
        if subject is not None:
            return Workload(subject, self.public_key, names)
        asked = alternative_names(self.dns, self.uris) if names is None else names
        return Workload(checked_name(self.asked), self.public_key, asked)


def read_request(pem: bytes) -> Request:
    """Read a PKCS#10 request (RFC 2986) and check its signature, its key and its extensions.

    Not checked: whether its sender is who the subject says. Only the CA's operator knows.

    Raises:
        ValueError: it is malformed, not signed by its own key, has a key that may not be
            certified, or asks to be a certificate authority.

    """
    try:
        request = _parsed(pem)
        key, extensions = request.public_key(), list(request.extensions)
        signed = request.is_signature_valid
    except MALFORMED as exc:
        why = str(exc).rpartition(". ")[2]  # what stands before is about the library's manual
        raise ValueError(
            f"it is not a PEM certificate signing request that can be read ({why})"
        ) from None
    if not signed:
        raise ValueError("its signature was not made by its own key")
    _refuse_authority(extensions)
    names = _asked_names(extensions)
    return Request(
        checked_key(key),
        request.subject,
        tuple(each.value for each in names if isinstance(each, x509.DNSName)),
        tuple(each.value for each in names if isinstance(each, x509.UniformResourceIdentifier)),
        tuple(_left_out(extensions, names)),
    )


def _parsed(pem: bytes) -> x509.CertificateSigningRequest:
    try:
        return x509.load_pem_x509_csr(pem)
    except ValueError:
        der = without_parameters(pem)
        if der is None:
            raise
    return x509.load_der_x509_csr(der)


def _refuse_authority(extensions: list[x509.Extension[x509.ExtensionType]]) -> None:
    for each in extensions:
        if isinstance(each.value, x509.BasicConstraints) and each.value.ca:
            raise ValueError("it asks to be a certificate authority (CA:true)")
        if isinstance(each.value, x509.KeyUsage) and (
            each.value.key_cert_sign or each.value.crl_sign
        ):
            raise ValueError("it asks for a certificate authority's key usage")


def _asked_names(extensions: list[x509.Extension[x509.ExtensionType]]) -> list[x509.GeneralName]:
    return [
        name
        for each in extensions
        if isinstance(each.value, x509.SubjectAlternativeName)
        for name in each.value
    ]


def _left_out(
    extensions: list[x509.Extension[x509.ExtensionType]], names: list[x509.GeneralName]
) -> Iterator[str]:
    for name in names:
        if not isinstance(name, x509.DNSName | x509.UniformResourceIdentifier):
            yield f"alternative name of kind {type(name).__name__}"
    for each in extensions:
        if not isinstance(each.value, (*_GIVEN_ANYWAY, x509.SubjectAlternativeName)):
            yield f"extension {each.oid.dotted_string}"
