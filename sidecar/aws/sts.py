"""Asking AWS STS for a role's session, through boto3 in threads."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import botocore.exceptions
from botocore.config import Config as BotoConfig

from sidecar.arn import Arn
from sidecar.aws.asker import asker
from sidecar.aws.boto_client import TIMEOUTS, boto_client
from sidecar.aws.daemon_threads import run_in_daemon_thread
from sidecar.aws.fair_places import FairPlaces
from sidecar.aws.sts_refusals import refusal, reply_of
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamUnavailable
from sidecar.redaction import Secret
from sidecar.signing.clock_skew import ahead_of_us

_Result = TypeVar("_Result")

# Calls at a time; those for one app alone get half of them.
PLACES: Final = 8
# Calls for one app that wait: each is the first that names a role, as all that a door works on may.
_MOST_WAITING: Final = 1024
BOTO_CONFIG: Final = BotoConfig(
    connect_timeout=5,
    read_timeout=10,
    # One attempt a call, as CreateSession: whoever calls decides on trying again.
    retries={"mode": "standard", "total_max_attempts": 1},
    # AWS is to judge, in its own words.
    parameter_validation=False,
    user_agent_extra="credential-sidecar",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """What a session is asked for, within STS's limits.

    ``policy`` is a JSON document, ``policy_arns`` name managed policies: the session may do what
    they and the role allow. What follows goes with AssumeRole only.
    """

    role_arn: Arn
    session_name: str
    duration_seconds: int
    policy: str | None = None
    policy_arns: tuple[Arn, ...] = ()
    external_id: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()


class Sts:
    """AssumeRole and AssumeRoleWithWebIdentity, one attempt a call.

    However many roles one app names, those that another names have their turn.

    Args:
        region: the region that is asked.
        endpoint_url: its address.
        clock: the wall clock that answers are judged by.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.
        boto_config: botocore's timeouts and retries.

    """

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str,
        clock: Clock,
        ca_bundle: str | None = None,
        boto_config: BotoConfig = BOTO_CONFIG,
    ) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._clock = clock
        self._ca_bundle = ca_bundle
        self._boto_config = boto_config
        self._places = FairPlaces(PLACES, _MOST_WAITING)

    async def assume_role(self, asked: SessionRequest, credentials: Credentials) -> Credentials:
        """Assume a role with the credentials of another.

        Raises:
            UpstreamRefused: AWS said no, with the likely cause as hint.
            UpstreamUnavailable: no answer, 5xx, throttling, or `credentials` are no longer good.

        """
        chained: dict[str, Any] = {
            "ExternalId": asked.external_id,
            "Tags": [{"Key": key, "Value": value} for key, value in asked.tags],
            "TransitiveTagKeys": list(asked.transitive_tag_keys),
        }
        parameters = _parameters(asked) | {key: each for key, each in chained.items() if each}
        return await self._ask(asked, credentials, lambda client: client.assume_role(**parameters))

    async def assume_role_with_web_identity(
        self, asked: SessionRequest, token: Secret
    ) -> Credentials:
        """Assume a role with a token; the call is not signed.

        Raises:
            UpstreamRefused: AWS said no, with the likely cause as hint.
            UpstreamUnavailable: no answer, 5xx, throttling, or a token that has expired.

        """
        parameters = _parameters(asked)
        return await self._ask(
            asked,
            None,
            lambda client: client.assume_role_with_web_identity(
                **parameters, WebIdentityToken=token.reveal()
            ),
        )

    async def _ask(
        self,
        asked: SessionRequest,
        credentials: Credentials | None,
        call: Callable[[Any], Mapping[str, Any]],
    ) -> Credentials:
        def in_thread() -> tuple[datetime, Mapping[str, Any]]:
            # A session lasts for minutes at least: a client is not worth keeping for the next one.
            client = boto_client(
                "sts",
                region=self._region,
                endpoint_url=self._endpoint_url,
                credentials=credentials,
                ca_bundle=self._ca_bundle,
                boto_config=self._boto_config,
            )
            try:
                return self._clock.now(), call(client)
            finally:
                client.close()

        try:
            asked_at, reply = await self._in_turn(in_thread)
        except UpstreamError:  # there is no client
            raise
        except botocore.exceptions.ClientError as exc:
            now = self._clock.now()
            raise refusal(exc.response, asked.role_arn, credentials, now=now) from None
        except (botocore.exceptions.BotoCoreError, OSError) as exc:
            raise _no_answer(self._endpoint_url, exc) from exc
        except Exception as exc:  # noqa: BLE001 - whatever a body that is not AWS's leads to
            raise _unusable(type(exc).__name__) from None
        return self._received(reply, asked, asked_at)

    async def _in_turn(self, call: Callable[[], _Result]) -> _Result:
        who = asker()
        try:
            await self._places.take(who)
        except asyncio.QueueFull:
            raise UpstreamUnavailable("too many calls to STS wait already") from None
        return await run_in_daemon_thread(call, lambda: self._places.give_back(who))

    def _received(
        self, reply: Mapping[str, Any], asked: SessionRequest, asked_at: datetime
    ) -> Credentials:
        """Check that the answer is for the session that was asked for, and can be used.

        Its end is told by this machine's clock, as for CreateSession. The answer's date needs no
        more trust than the end that it corrects: both come from the same server.
        """
        now, longest = self._clock.now(), timedelta(seconds=asked.duration_seconds)
        ahead = ahead_of_us(reply_of(reply), asked_at) or timedelta(0)
        try:
            if reply["AssumedRoleUser"]["Arn"] != _session_arn(asked):
                raise _unusable("it is for another session")
            parts = reply["Credentials"]
            credentials = Credentials.received(
                parts,
                role=asked.role_arn,
                expires_at=parts["Expiration"].astimezone(UTC) - ahead,
                longest=longest,
                now=now,
            )
        except ValueError as exc:
            raise _unusable(str(exc)) from None
        except (KeyError, TypeError, AttributeError, OverflowError) as exc:
            raise _unusable(type(exc).__name__) from None
        # A clock that was corrected, or a date that lies, never makes a life longer than was asked.
        end = min(credentials.expires_at, now + longest) if ahead else credentials.expires_at
        return replace(credentials, expires_at=end)


def _parameters(asked: SessionRequest) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "RoleArn": str(asked.role_arn),
        "RoleSessionName": asked.session_name,
        "DurationSeconds": asked.duration_seconds,
    }
    if asked.policy is not None:
        parameters["Policy"] = asked.policy
    if asked.policy_arns:
        parameters["PolicyArns"] = [{"arn": str(each)} for each in asked.policy_arns]
    return parameters


def _session_arn(asked: SessionRequest) -> str:
    """Give the ARN of the session (user guide, "IAM identifiers"): without the role's path."""
    role = asked.role_arn
    name = f"{role.resource_name}/{asked.session_name}"
    return f"arn:{role.partition}:sts::{role.account}:assumed-role/{name}"


def _unusable(why: str) -> UpstreamUnavailable:
    return UpstreamUnavailable(
        f"STS answered without usable credentials ({why})",
        hint="the clock there may differ from this machine's, or something between here and AWS "
        "may have rewritten the answer",
    )


def _no_answer(endpoint: str, exc: Exception) -> UpstreamUnavailable:
    if isinstance(exc, botocore.exceptions.SSLError):
        hint = "set AWS_CA_BUNDLE to the CA that signs this endpoint or a proxy in between"
    else:
        hint = "check the network, the proxy and the endpoint"
    return UpstreamUnavailable(f"no answer from {endpoint}: {_reason(exc)}", hint=hint)


def _reason(exc: Exception) -> str:
    """Say what happened in words that quote neither the request nor a proxy's address."""
    if isinstance(exc, TIMEOUTS):
        return "it did not answer in time"
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
        cause = cause.__cause__ or cause.__context__
    return type(exc).__name__
