"""What the fields of a session name stand for at the moment of asking."""

import base64
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from sidecar.session_name import CERTIFICATE_FIELDS, SessionName
from sidecar.signing.x509 import CertifiedKey


@dataclass(frozen=True, slots=True)
class SessionNames:
    """Makes one role's session names.

    Args:
        template: the name with its fields.
        role: the role's name in the configuration.
        hostname: this machine's name.

    """

    template: SessionName
    role: str
    hostname: str

    @property
    def need_certificate(self) -> bool:
        """Whether a name holds anything of the certificate."""
        return bool(self.template.fields & CERTIFICATE_FIELDS)

    def name(self, key: CertifiedKey | None) -> str:
        """Give a name that STS accepts.

        Args:
            key: the certificate of the moment; None only where no name needs it.

        """
        values = {"role": self.role, "hostname": self.hostname}
        if key is not None:
            # As Roles Anywhere names sessions itself (user guide, "CreateSession").
            serial = f"{key.serial_number:x}"
            values |= {
                "certificate_serial": serial,
                "certificate_cn": _common_name(key.certificate) or serial,
            }
        return self.template.render(values)


def _common_name(certificate: str) -> str:
    """Read the first common name of a certificate, base64 DER; without one, nothing."""
    subject = x509.load_der_x509_certificate(base64.b64decode(certificate)).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
