"""What the caches are told of a write that was sent on: it is done, or it may be."""

from http import HTTPStatus

from sidecar.clock import Clock
from sidecar.secret_cache.freshness import Bucket
from sidecar.web.aws_api.caller import Caller
from sidecar.web.aws_api.reads import CachedReads
from sidecar.web.aws_api.writes import Write


class OwnWrites:
    """Has what an app wrote read again, without letting it do so to what it cannot write.

    Only AWS knows who may write what. Until AWS has said yes, a write is no more than a claim: it
    may concern what the caller may name, and each role may make so many claims.

    Args:
        reads: what is held.
        clock: the clock.

    """

    def __init__(self, reads: CachedReads, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def note(self, write: Write, caller: Caller, status: int | None) -> None:
        """Take in what became of a write that was sent.

        Args:
            write: what it may have changed.
            caller: who sent it.
            status: AWS's answer; None when there was none.

        """
        if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._claim(write, caller)
        elif HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            self._reads.written(write, certain=True)

    def _claim(self, write: Write, caller: Caller) -> None:
        holders = caller.holders
        may_name = holders.may_name_parameter if write.service == "ssm" else holders.may_name_secret
        claimed = write.limited_to(may_name)
        role = caller.session.role
        bucket = self._buckets.get(role, Bucket()).take(self._clock.elapsed())
        if claimed.names and bucket is not None:
            self._buckets[role] = bucket
            self._reads.written(claimed, certain=False)
