"""Asking STS about an IAM user's access key: whose it is, and for a session in its place."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from botocore.config import Config as BotoConfig

from sidecar.arn import Arn
from sidecar.aws.boto_service import ONE_ATTEMPT, BotoService, Call, EndpointOf
from sidecar.aws.sts_refusals import reply_of
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.signing.clock_skew import ahead_of_us


class UserKeys:
    """GetCallerIdentity and GetSessionToken, one attempt a call, signed with the key in question.

    Both raise UpstreamRefused when AWS says no, and UpstreamUnavailable for want of an answer,
    after 5xx or throttling, and when AWS does not know the key (yet).

    Args:
        endpoint_of: from ``sts`` and a region to the address to ask; ValueError where AWS has none.
        clock: the wall clock that answers are judged by.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.
        boto_config: botocore's timeouts and retries.

    """

    def __init__(
        self,
        endpoint_of: EndpointOf,
        clock: Clock,
        *,
        ca_bundle: str | None = None,
        boto_config: BotoConfig = ONE_ATTEMPT,
    ) -> None:
        self._clock = clock
        self._service = BotoService(
            "sts", endpoint_of, ca_bundle=ca_bundle, boto_config=boto_config
        )

    async def owner(self, key: Credentials, *, region: str) -> Arn:
        """Tell whose a key is; no policy can deny this call (API reference, GetCallerIdentity)."""
        call = Call("GetCallerIdentity", key.role_arn, {})
        return await self._service.ask(
            call, lambda reply: Arn.parse(reply["Arn"]), key, region=region
        )

    async def session(self, key: Credentials, lifetime: timedelta, *, region: str) -> Credentials:
        """Get a session of the key's user, for up to 36 hours (API reference, GetSessionToken)."""
        asked_at = self._clock.now()

        def read(reply: Mapping[str, Any]) -> Credentials:
            """Make a set of the answer, whose end is told by this machine's clock."""
            parts = reply["Credentials"]
            ahead = ahead_of_us(reply_of(reply), asked_at) or timedelta(0)
            now = self._clock.now()
            return Credentials.received(
                parts,
                role=Arn.parse(key.role_arn),
                expires_at=parts["Expiration"].astimezone(UTC) - ahead,
                longest=lifetime,
                now=now,
            )

        seconds = int(lifetime.total_seconds())
        call = Call("GetSessionToken", key.role_arn, {"DurationSeconds": seconds})
        return await self._service.ask(call, read, key, region=region)
