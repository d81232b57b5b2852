"""What CreateSession leaves behind about whom a certificate was issued to.

Source: Roles Anywhere API reference, SubjectDetail, CredentialSummary and InstanceProperty.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.emulator.roles_anywhere.entities import Home, SeenCredential, SeenProperties, Subject


@dataclass(frozen=True, slots=True)
class Sighting:
    """A certificate that was presented and trusted, and how the request ended."""

    leaf: x509.Certificate
    instance_properties: Mapping[str, str]
    seen_at: datetime
    failed: bool

    @property
    def subject_name(self) -> str:
        """The certificate's subject, as the API writes it."""
        return self.leaf.subject.rfc4514_string()

    def of(self, subject: Subject | None, home: Home) -> Subject:
        """The subject after this sighting; made when this is the first."""
        before = subject or self._new_subject(home)
        return replace(
            before,
            updated_at=self.seen_at,
            credentials=self._credentials(before),
            instance_properties=self._properties(before),
        )

    def _new_subject(self, home: Home) -> Subject:
        identifier = str(uuid.uuid4())
        arn = home.arn("subject", identifier)
        return Subject(identifier, arn, self.subject_name, self.seen_at, self.seen_at)

    def _credentials(self, subject: Subject) -> tuple[SeenCredential, ...]:
        """One record a certificate, the latest seen last."""
        seen = SeenCredential(
            serial_number=str(self.leaf.serial_number),
            issuer=self.leaf.issuer.rfc4514_string(),
            pem=self.leaf.public_bytes(Encoding.PEM).decode(),
            seen_at=self.seen_at,
            failed=self.failed,
        )
        others = (each for each in subject.credentials if each.pem != seen.pem)
        return (*others, seen)

    def _properties(self, subject: Subject) -> tuple[SeenProperties, ...]:
        """One record for each set of properties, the latest seen last."""
        if not self.instance_properties:
            return subject.instance_properties
        seen = SeenProperties(self.instance_properties, self.seen_at, self.failed)
        others = (
            each for each in subject.instance_properties if each.properties != seen.properties
        )
        return (*others, seen)
