"""One service of AWS, asked through boto3 in threads that apps and roles share fairly."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from botocore import xform_name
from botocore.config import Config as BotoConfig

from sidecar.aws.asker import asker
from sidecar.aws.boto_client import boto_client
from sidecar.aws.daemon_threads import run_in_daemon_thread
from sidecar.aws.failed_calls import failed
from sidecar.aws.fair_places import FairPlaces
from sidecar.aws.kept_clients import KeptClients
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamRefused, UpstreamTimeout, UpstreamUnavailable
from sidecar.signing.remote_text import printable

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")
# From a service's name in botocore and a region to the base URL; ValueError where AWS has none.
EndpointOf = Callable[[str, str], str]

# Calls at a time; those with one role for one app alone get half of them.
PLACES: Final = 32
# Calls with one role for one app that wait. The secrets door's requests in flight, of which none
# may be held yet, must fit in.
MOST_WAITING: Final = 1024
# How long a call waits for its turn behind calls of its own kind that hang.
_LONGEST_WAIT_SECONDS: Final = 10.0
# One role in every region of its partition, and as many more roles as requests may name, fit in.
_KEPT_CLIENTS: Final = 64
BOTO_CONFIG: Final = BotoConfig(
    connect_timeout=3,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=PLACES,
    # AWS is to judge what is asked, in its own words.
    parameter_validation=False,
    user_agent_extra="credential-sidecar",
)
# For services where whoever asks decides on trying again.
ONE_ATTEMPT: Final = BOTO_CONFIG.merge(
    BotoConfig(retries={"mode": "standard", "total_max_attempts": 1})
)
_SHOWN: Final = {
    "secretsmanager": "Secrets Manager",
    "ssm": "Parameter Store",
    "sqs": "SQS",
    "sts": "STS",
    "sns": "SNS",
    "events": "EventBridge",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of AWS's API.

    Args:
        operation: its name in AWS's API.
        about: the id that it is about; for the log.
        parameters: what is sent.

    """

    operation: str
    about: str
    parameters: Mapping[str, Any]


class BotoService:
    """Asks for many readers: whose credentials and which region is said with each call.

    Neither a role whose calls hang, in however many regions, nor an app that asks for very much
    ever takes the places of all others.

    Args:
        name: botocore's name of the service.
        endpoint_of: which address it has in a region.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.
        boto_config: botocore's timeouts and retries.
        longest_wait_seconds: how long a call waits for its turn.

    """

    def __init__(
        self,
        name: str,
        endpoint_of: EndpointOf,
        *,
        ca_bundle: str | None,
        boto_config: BotoConfig,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
    ) -> None:
        self._name = name
        self._endpoint_of = endpoint_of
        self._ca_bundle = ca_bundle
        self._boto_config = boto_config
        self._longest_wait_seconds = longest_wait_seconds
        self._clients = KeptClients(self._make_client, _KEPT_CLIENTS)
        self._places = FairPlaces(PLACES, MOST_WAITING)

    async def ask(
        self, call: Call, read: Callable[[Any], _Result], credentials: Credentials, *, region: str
    ) -> _Result:
        """Ask AWS once (botocore tries again within, if its settings say so).

        Args:
            call: what is asked.
            read: makes a value of the answer; whatever it raises says that it was none.
            credentials: what the request is signed with.
            region: where it goes.

        Raises:
            UpstreamRefused: AWS said no, with its code and status, or there is no such region.
            UpstreamUnavailable: no client, no turn, no answer, 5xx, throttling, or credentials that
                just expired; ThrottlingException also where too many such calls wait.

        """
        who = (credentials.role_arn, asker())
        await self._turn(who, call)
        return await run_in_daemon_thread(
            lambda: self._ask(call, read, self._clients.get(credentials, region)),
            lambda: self._places.give_back(who),
        )

    async def _turn(self, who: tuple[str, str], call: Call) -> None:
        service = _SHOWN[self._name]
        try:
            async with asyncio.timeout(self._longest_wait_seconds):
                await self._places.take(who)
        except asyncio.QueueFull:
            raise UpstreamUnavailable(
                f"Rate exceeded: too many calls to {service} wait already",
                hint="AWS was not asked: ask less at once",
                code="ThrottlingException",
            ) from None
        except TimeoutError:
            asked = f"{call.operation} of {printable(call.about)}"
            log.warning("%s was not asked to %s: earlier calls do not end", service, asked)
            raise UpstreamTimeout("Timeout", code="TimeoutError") from None

    def _ask(self, call: Call, read: Callable[[Any], _Result], client: Any) -> _Result:
        try:
            return read(getattr(client, xform_name(call.operation))(**call.parameters))
        except Exception as exc:  # noqa: BLE001 - whatever a body that is not AWS's leads to
            asked = f"{call.operation} of {printable(call.about)}"
            raise failed(exc, f"{_SHOWN[self._name]} to {asked}") from None

    def _make_client(self, credentials: Credentials, region: str) -> Any:
        return boto_client(
            self._name,
            region=region,
            endpoint_url=self._endpoint(region),
            credentials=credentials,
            ca_bundle=self._ca_bundle,
            boto_config=self._boto_config,
        )

    def _endpoint(self, region: str) -> str:
        try:
            return self._endpoint_of(self._name, region)
        except ValueError as exc:
            raise UpstreamRefused(str(exc), hint="AWS was not asked: check the region") from None
