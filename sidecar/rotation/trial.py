"""The trial of a key: it must work several times in a row, since IAM spreads a key slowly."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sidecar.access_key_secret import AccessKeySecret
from sidecar.errors import UpstreamError
from sidecar.redaction import Secret, masked_tail
from sidecar.rotation.calls import Calls
from sidecar.rotation.stuck import RotationNotYet, RotationStuck, wrong_user

log = logging.getLogger(__name__)

# Pauses of one length: reports of how long a key takes to work go from 3 to 15 seconds.
_PAUSE: Final = timedelta(seconds=1.5)
_IN_A_ROW: Final = 3
# How services say that they do not know a key (yet).
NOT_KNOWN: Final = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class KeyNotWorking(RotationNotYet):
    """AWS did not take a key in the time that its trial had."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The runner's time.

    Args:
        now: tells the moment.
        sleep: waits so many seconds.
        deadline: when whatever is done must be over.

    """

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    deadline: datetime


def try_key(calls: Calls, key: AccessKeySecret, pace: Pace) -> None:
    """Use a key for GetCallerIdentity, which no policy can deny, until it works.

    Does not check what the key may do.

    Raises:
        KeyNotWorking: it does not work before the deadline.
        RotationStuck: it is another user's, or there is no key.
        UpstreamError: STS said no for another reason.

    """
    if key.access_key_id is None or key.secret_access_key is None:
        raise RotationStuck(
            "the secret holds no access key to test", hint="rotate the secret, or adopt a key"
        )
    in_a_row = 0
    while in_a_row < _IN_A_ROW:
        worked = _works(calls, key.access_key_id, key.secret_access_key, key.user_name)
        in_a_row = in_a_row + 1 if worked else 0
        if in_a_row == _IN_A_ROW:
            return
        if pace.now() + _PAUSE >= pace.deadline:
            raise KeyNotWorking(
                f"key {masked_tail(key.access_key_id)} does not work yet",
                hint="IAM takes seconds to spread a new key; the rotation is tried again",
            )
        pace.sleep(_PAUSE.total_seconds())


def _works(calls: Calls, access_key_id: str, secret: Secret, user_name: str) -> bool:
    try:
        arn = calls.user_of(access_key_id, secret)
    except UpstreamError as exc:
        if exc.code in NOT_KNOWN or exc.retryable:
            log.info("the new key does not work yet: %s", exc.code or exc.message)
            return False
        raise
    named = arn.rpartition("/")[2]
    if named != user_name:
        raise wrong_user("tested", named, user_name)
    return True
