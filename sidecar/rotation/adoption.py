"""Taking a key that a user already has into the secret, where it is rotated from then on."""

from collections.abc import Callable
from uuid import uuid4

from sidecar.rotation.calls import Calls, NewKey
from sidecar.rotation.goal import Target
from sidecar.rotation.observing import observe
from sidecar.rotation.seen import CURRENT, Seen
from sidecar.rotation.stuck import RotationNotYet, RotationStuck, shown, wrong_user
from sidecar.rotation.trial import Pace, try_key


def adopt(
    calls: Calls, target: Target, key: NewKey, pace: Pace, may_act: Callable[[], None]
) -> str:
    """Store a key as the current version.

    It must be the user's only one: IAM tells of no key's secret half and only late of its use, so
    that with two keys nobody can know which of them applications live on.

    Args:
        calls: AWS.
        target: the secret, which exists and names the user, and the user.
        key: the key, both halves.
        pace: time and its end.
        may_act: raises if this process has lost its right.

    Returns:
        The version that holds it.

    Raises:
        RotationStuck: the key is not the user's only one, or the secret names a live key.
        RotationNotYet: the key does not work, or the secret was changed meanwhile.
        UpstreamError: AWS did not answer, or said no.

    """
    seen = observe(calls, target)
    if seen.current.content.user_name != target.user_name:
        raise wrong_user("current", seen.current.content.user_name, target.user_name)
    _check_keys(seen, key, target.user_name)
    content = seen.current.content.with_key(key.access_key_id, key.secret_access_key)
    if seen.current.content == content:
        return seen.current.version_id
    try_key(calls, content, pace)
    # The trial takes time, in which somebody without a lease may have changed anything.
    again = observe(calls, target)
    _check_keys(again, key, target.user_name)
    if again.current != seen.current:
        raise RotationNotYet("the secret was changed meanwhile", hint="see --status, and repeat")
    version_id = str(uuid4())
    may_act()
    calls.put(seen.facts.arn, version_id, content.to_json(), (CURRENT,))
    return version_id


def _check_keys(seen: Seen, key: NewKey, user_name: str) -> None:
    found = seen.key(key.access_key_id)
    if found is None or not found.active:
        raise RotationStuck(
            f"user {user_name} has no active key with the id that was given",
            hint=f"aws iam list-access-keys --user-name {user_name} shows the keys",
        )
    if seen.current_key is not None and seen.current_key != found:
        raise RotationStuck(
            f"the secret already names key {shown(seen.current_key)} of user {user_name}",
            hint="rotate that one, or delete it first if nobody uses it",
        )
    others = tuple(each for each in seen.keys if each != found)
    if others:
        raise RotationStuck(
            f"user {user_name} also has key {shown(*others)}, and nobody can know which is in use",
            hint="see with `aws iam get-access-key-last-used`, and delete the one that is not",
        )
