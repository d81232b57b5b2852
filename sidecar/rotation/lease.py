"""The right to work on a secret's keys, which one of many sidecars has at a time.

It is kept in the secret itself, as a version with two labels: ``SIDECARLEASE`` stays on the newest
lease, ``SIDECARHELD`` is on it while it is held. The id of the next lease follows from the id of
the last, and the value of a version is written once (PutSecretValue, API reference): of two that
take the next lease at the same moment, one is refused.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from sidecar.clock import iso_seconds
from sidecar.errors import SidecarError, UpstreamRefused
from sidecar.redaction import Secret
from sidecar.rotation.calls import Calls
from sidecar.rotation.seen import SecretFacts
from sidecar.rotation.stuck import RotationNotYet

log = logging.getLogger(__name__)

LEASE: Final = "SIDECARLEASE"
HELD: Final = "SIDECARHELD"
# The holder stops in time; whoever comes next waits longer, so that clocks may differ by minutes.
_HELD_FOR: Final = timedelta(minutes=10)
_TAKEN_OVER_AFTER: Final = timedelta(minutes=15)
# More versions than Secrets Manager keeps ("Quotas", user guide: about 100).
_MOST_LEFT_BEHIND: Final = 150
_NAMESPACE: Final = UUID("6f1d4a34-5a0e-5c0e-9c55-6f2f5f0b7a11")


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was taken: its version, and until when its holder may act."""

    secret: str
    version_id: str
    until: datetime

    def check(self, now: datetime) -> None:
        """See that it still holds.

        Raises:
            RotationNotYet: it is over.

        """
        if now >= self.until:
            raise RotationNotYet(
                "the right to rotate was held too long and may be another sidecar's by now",
                hint="the rotation is tried again and goes on where it was left",
            )


def take_lease(calls: Calls, facts: SecretFacts, holder: str, now: datetime) -> Lease:
    """Take the lease of a secret.

    Args:
        calls: AWS.
        facts: the secret.
        holder: who takes it: the host and something that no other process has.
        now: the moment.

    Raises:
        RotationNotYet: another holds it.
        UpstreamError: AWS did not answer, or said no.

    """
    last = _free_lease(calls, facts, now)
    content = Secret(json.dumps({"held_by": holder, "since": iso_seconds(now)}))
    for _ in range(_MOST_LEFT_BEHIND):
        version_id = str(uuid5(_NAMESPACE, f"{facts.arn} {last or 'first'}"))
        try:
            calls.put(facts.arn, version_id, content, (LEASE, HELD))
        except UpstreamRefused as exc:
            if exc.code != "ResourceExistsException":
                raise
            if not _is_over(calls, facts.arn, version_id, now):
                raise _taken("just now") from exc
            last = version_id  # somebody moved the label by hand: go on from what it left behind
        else:
            return Lease(facts.arn, version_id, now + _HELD_FOR)
    raise _taken("again and again")


def release(calls: Calls, lease: Lease) -> None:
    """Give a lease back; one that another has taken over meanwhile stays the other's."""
    try:
        calls.move_label(lease.secret, HELD, to=None, taken_from=lease.version_id)
    except SidecarError as exc:
        log.info("the right to rotate was not given back, it ends by itself: %s", exc.message)


def holder_of(calls: Calls, facts: SecretFacts, now: datetime) -> str | None:
    """Say who holds the lease at this moment, and since when; None where nobody does."""
    version = facts.version_with(HELD)
    if version is None or version != facts.version_with(LEASE):
        return None
    found = calls.text(facts.arn, stage=LEASE)
    if found is None or now >= found[2] + _TAKEN_OVER_AFTER:
        return None
    return f"{_held_by(found[1])} since {iso_seconds(found[2])}"


def _free_lease(calls: Calls, facts: SecretFacts, now: datetime) -> str | None:
    """Give the version of the last lease, which must be free."""
    holder = holder_of(calls, facts, now)
    if holder is not None:
        raise _taken(f"by {holder}")
    return facts.version_with(LEASE)


def _is_over(calls: Calls, arn: str, version_id: str, now: datetime) -> bool:
    """Whether a lease was taken so long ago that nobody can hold it, whatever its labels."""
    found = calls.text(arn, version_id=version_id)
    return found is not None and now >= found[2] + _TAKEN_OVER_AFTER


def _held_by(text: str) -> str:
    try:
        return str(json.loads(text)["held_by"])
    except (ValueError, TypeError, KeyError):
        return "somebody"


def _taken(how: str) -> RotationNotYet:
    minutes = _TAKEN_OVER_AFTER.seconds // 60
    return RotationNotYet(
        f"the right to work on this secret's keys is taken {how}",
        hint=f"it is given back at the end, or ends by itself after {minutes} minutes",
    )
