"""Going back: applications get the previous key again, as long as it is there."""

from collections.abc import Callable

from sidecar.rotation.calls import Calls
from sidecar.rotation.goal import Target
from sidecar.rotation.observing import observe
from sidecar.rotation.retirement import RECORD_TAG, Record
from sidecar.rotation.seen import CURRENT, Seen, StoredKey, UserKey
from sidecar.rotation.stuck import RotationNotYet, RotationStuck
from sidecar.rotation.trial import Pace, try_key


def restore(calls: Calls, target: Target, pace: Pace, may_act: Callable[[], None]) -> str:
    """Make the previous key active, see that it works, and move ``AWSCURRENT`` back to it.

    The key that was current becomes the previous one and is retired in its turn.

    Returns:
        The version that is current then.

    Raises:
        RotationStuck: there is no previous key any more, or a rotation is under way.
        RotationNotYet: the key does not work again in time, or something changed meanwhile.
        UpstreamError: AWS did not answer, or said no.

    """
    seen = observe(calls, target)
    key, previous = _to_go_back_to(seen)
    if not key.active:
        may_act()
        calls.set_active(target.user_name, key.access_key_id, active=True)
    try_key(calls, previous.content, pace)
    # The trial takes time, in which somebody without a lease may have changed anything.
    again = observe(calls, target)
    key, previous = _to_go_back_to(again)
    if not key.active or _versions(again) != _versions(seen):
        raise RotationNotYet(
            "the secret or the previous key was changed meanwhile", hint="see --status, and repeat"
        )
    # The key that is replaced now has its whole grace, whatever its version's age.
    may_act()
    calls.tag(seen.facts.arn, RECORD_TAG, str(Record(previous.version_id, pace.now())))
    may_act()
    calls.move_label(
        seen.facts.arn, CURRENT, to=previous.version_id, taken_from=seen.current.version_id
    )
    return previous.version_id


def _versions(seen: Seen) -> tuple[StoredKey, StoredKey | None]:
    return seen.current, seen.previous


def _to_go_back_to(seen: Seen) -> tuple[UserKey, StoredKey]:
    """Give the previous key and its version, where there is a way back."""
    if seen.facts.under_way is not None:
        raise RotationStuck(
            "a rotation is under way", hint="bring it to its end first: sidecar rotate SECRET"
        )
    key = seen.previous_key
    if key is None or seen.previous is None:
        raise RotationStuck(
            "there is no previous key to go back to",
            hint="there is none yet, or it was deleted after its recovery; rotate to get a new key",
        )
    return key, seen.previous
