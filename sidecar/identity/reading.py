"""Reading an identity's files while somebody may be writing them."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sidecar.errors import IdentityError
from sidecar.identity.checks import Finding
from sidecar.identity.examined import examine, refusal
from sidecar.identity.identity import Identity
from sidecar.identity.places import IdentityPlaces
from sidecar.identity.reload_policy import Look
from sidecar.regular_file import appearance
from sidecar.signing.x509 import CertifiedKey


@dataclass(frozen=True, slots=True)
class Usable:
    """An identity, and what the signer needs of it: one value, so that they cannot part."""

    identity: Identity
    key: CertifiedKey
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, identity: Identity, findings: tuple[Finding, ...] = ()) -> "Usable":
        """Make it of an identity that was checked."""
        return cls(identity, identity.certified_key(), findings)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of the files came to.

    Args:
        look: what they looked like before and after; None if that was not the same, in which case
            what was found may be of two minds and must not be used.
        found: a good identity, or why there is none.

    """

    look: Look | None
    found: Usable | IdentityError


def read_places(places: IdentityPlaces, now: datetime) -> Reading:
    """Read and check an identity; what is good for nothing is told and never raised."""
    before = look_at(places.files)
    found: Usable | IdentityError
    try:
        found = _checked(places, now)
    except IdentityError as exc:
        found = exc
    except Exception as exc:  # noqa: BLE001 - a bug in a parser must not end the watch
        found = IdentityError(f"unexpected {type(exc).__name__} {_where(exc)}")
    return Reading(before if look_at(places.files) == before else None, found)


def look_at(files: Iterable[Path]) -> Look:
    """See what files look like from outside; a link is followed, however many there are.

    A swapped link, a renamed file, a write in place and new rights all show in this; a file that
    cannot be seen looks like the reason.
    """
    return tuple(_appearance(each) for each in files)


def _appearance(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError as exc:
        return (exc.errno or 0,)
    return appearance(found)


def _checked(places: IdentityPlaces, now: datetime) -> Usable:
    examined = examine(places, now)
    if examined.errors:
        raise refusal(examined.errors)
    return Usable.of(examined.identity, examined.findings)


def _where(exc: Exception) -> str:
    """Name the place in the code; the error's own words may quote what was read."""
    place = traceback.extract_tb(exc.__traceback__)[-1]
    return f"in {Path(place.filename).name}, line {place.lineno}"
