"""What happens in a running sidecar, made into notices: when it begins and when it ends."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretValue
from sidecar.clock import Clock, iso_seconds
from sidecar.errors import IdentityError
from sidecar.identity.checks import Finding, check_identity
from sidecar.identity.checks import Severity as FindingSeverity
from sidecar.identity.held import HeldIdentity
from sidecar.identity.identity import Identity
from sidecar.notice import Kind, Notice, Severity, Tell
from sidecar.secret_cache.version_changes import VersionChanges

# Findings that are about the end of a certificate.
_ENDINGS: Final = frozenset({"expired", "expires-soon", "chain-validity", "chain-expires-soon"})


@dataclass(frozen=True, slots=True)
class IdentityNotices:
    """Tells of the certificate: one that ends, one that is new, one that is not used.

    Args:
        held: the identity in use.
        tell: takes notices.
        clock: the wall clock.

    """

    held: HeldIdentity
    tell: Tell
    clock: Clock

    def watch(self) -> None:
        """Begin to listen, and tell what is to be told already."""
        self.held.on_change(self._reloaded)
        self.held.on_refusal(self._refused)
        self.held.on_finding(self._found)
        for finding in check_identity(self.held.current, self.clock.now()):
            self._found(finding)

    def _found(self, finding: Finding) -> None:
        if finding.code not in _ENDINGS:
            return
        severe = finding.severity is FindingSeverity.ERROR
        severity = Severity.ERROR if severe else Severity.WARNING
        self._say(Kind.CERTIFICATE_EXPIRING, severity, finding.sentence, hint=finding.hint)

    def _reloaded(self, identity: Identity) -> None:
        ends = iso_seconds(identity.certificate.not_valid_after_utc)
        sentence = f"a new certificate is in use, valid until {ends}"
        self._say(Kind.CERTIFICATE_RELOADED, Severity.INFO, sentence)

    def _refused(self, problem: IdentityError) -> None:
        sentence = f"a new certificate or key is not used: {problem.message}; the old one stays"
        self._say(Kind.CERTIFICATE_REFUSED, Severity.WARNING, sentence, hint=problem.hint)

    def _say(self, kind: Kind, severity: Severity, sentence: str, hint: str = "") -> None:
        certificate = self.held.current.certificate
        facts = {
            "subject": certificate.subject.rfc4514_string(),
            "serial": f"{certificate.serial_number:x}",
            "expires": iso_seconds(certificate.not_valid_after_utc),
            **({"hint": hint} if hint else {}),
        }
        self.tell(Notice(kind, severity, sentence, self.clock.now(), facts, "certificate"))


def secret_notices(tell: Tell, clock: Clock) -> Callable[[Reader, SecretValue], None]:
    """Make what looks at every value that AWS gives, and tells of those that are new."""
    changes = VersionChanges()

    def saw(reader: Reader, value: SecretValue) -> None:
        del reader  # whoever read it
        if changes.changed(value):
            sentence = f"secret {value.name} has a new value, which is served from now on"
            facts = {"secret": value.arn, "version": value.version_id}
            kind, thread = Kind.SECRET_CHANGED, f"{value.name} {value.version_id}"
            tell(Notice(kind, Severity.INFO, sentence, clock.now(), facts, thread))

    return saw
