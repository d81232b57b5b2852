"""Clients of the services that an access key's rotation asks, in threads that may wait."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.config import Config as BotoConfig

from sidecar.aws.boto_client import boto_client
from sidecar.aws.endpoints import signing_region
from sidecar.aws.kept_clients import KeptClients
from sidecar.credentials import Credentials
from sidecar.redaction import Secret

_KEPT: Final = 8
_TRIED_AGAIN: Final = BotoConfig(
    connect_timeout=5,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    user_agent_extra="credential-sidecar",
)
# For CreateAccessKey, which makes another key each time, and for the trial of a key.
_ONCE: Final = _TRIED_AGAIN.merge(BotoConfig(retries={"mode": "standard", "total_max_attempts": 1}))


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask.

    Args:
        region: the secret's region.
        endpoint_of: from a service's name in botocore and a region to its address.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.

    """

    region: str
    endpoint_of: Callable[[str, str], str]
    ca_bundle: str | None = None


class KeyClients:
    """Makes clients as they are wanted, with whatever credentials are in force.

    Args:
        place: where to ask.
        credentials: gives the credentials of the moment; never the key that is rotated.

    """

    def __init__(self, place: Place, credentials: Callable[[], Credentials]) -> None:
        self._place = place
        self._credentials = credentials
        self._kept = {
            (service, again): KeptClients(_maker(place, service, again), _KEPT)
            for service in ("secretsmanager", "iam")
            for again in (True, False)
        }

    def client(self, service: str, *, again: bool = True) -> Any:
        """Give a client of boto3's; `again` says whether botocore may try again.

        Raises:
            NotReady: there are no credentials.
            UpstreamUnavailable: botocore cannot make one.

        """
        return self._kept[service, again].get(self._credentials(), self._place.region)

    def sts_as(self, access_key_id: str, secret_access_key: Secret, now: datetime) -> Any:
        """Give a client of STS that signs with a user's key; it tries each call once."""
        # A user's key has no token and no end; the moments are there because the type has them.
        key = Credentials(
            access_key_id, secret_access_key, Secret(""), now, now + timedelta(hours=1), "", ""
        )
        return _maker(self._place, "sts", False)(key, self._place.region)


def _maker(place: Place, service: str, again: bool) -> Callable[[Credentials, str], Any]:
    def make(credentials: Credentials, region: str) -> Any:
        return boto_client(
            service,
            region=signing_region(service, region),
            endpoint_url=place.endpoint_of(service, region),
            credentials=credentials,
            ca_bundle=place.ca_bundle,
            boto_config=_TRIED_AGAIN if again else _ONCE,
        )

    return make
