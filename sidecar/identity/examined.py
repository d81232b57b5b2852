"""Reading an identity together with what is wrong with it, alike at start and at every reload."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sidecar.errors import IdentityError
from sidecar.identity.checks import Finding, Severity, check_identity, check_key_file
from sidecar.identity.identity import Identity
from sidecar.identity.key_file_checks import check_password_file
from sidecar.identity.load import load_identity
from sidecar.identity.places import IdentityPlaces, file_of
from sidecar.identity.signing_key import SigningKey, SoftwareKey

# It begins as nothing that AWS takes for a request, so that the signature is good for nothing.
_PROOF: Final = b"proof that the device signs"


@dataclass(frozen=True, slots=True)
class Examined:
    """An identity whose key and certificate match, and the findings about it."""

    identity: Identity
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What forbids its use."""
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What somebody should hear of."""
        return tuple(each for each in self.findings if each.severity is not Severity.ERROR)


def examine(places: IdentityPlaces, now: datetime) -> Examined:
    """Read an identity and check it; a device signs once, which proves password and key.

    Raises:
        IdentityError: it cannot be read, key and certificate do not match, or the device does not
            sign.

    """
    identity = load_identity(places, now)
    _prove(identity.key)
    key_file = file_of(places.key_locator)
    of_file = [] if key_file is None else check_key_file(key_file)
    password_file = getattr(places.password, "path", None)
    of_file += [] if password_file is None else check_password_file(password_file)
    return Examined(identity, (*check_identity(identity, now), *of_file))


def _prove(key: SigningKey) -> None:
    """Have a device sign, since its public half says nothing of its private one.

    Keys of devices verify what their devices sign.
    """
    if not isinstance(key, SoftwareKey):
        key.sign(_PROOF)


def refusal(errors: tuple[Finding, ...]) -> IdentityError:
    """Make one error of the findings that forbid an identity's use."""
    sentence = "; ".join(told(each) for each in errors)
    return IdentityError(sentence, hint=errors[0].hint)


def told(finding: Finding) -> str:
    """Write a finding with its code, by which the documentation is searched."""
    return f"{finding.sentence} [{finding.code}]"
