"""Reading secrets from AWS Secrets Manager, through boto3 in threads."""

import base64
import logging
from typing import TYPE_CHECKING, Any, Final

import botocore.exceptions
from botocore.config import Config as BotoConfig

from sidecar.aws.boto_client import TIMEOUTS, boto_client
from sidecar.aws.daemon_threads import DaemonThreads
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.credentials import Credentials
from sidecar.errors import (
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from sidecar.redaction import Secret
from sidecar.signing.throttling import THROTTLING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

log = logging.getLogger(__name__)

_WORKERS: Final = 8
BOTO_CONFIG: Final = BotoConfig(
    connect_timeout=3,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=_WORKERS,
    # AWS is to judge a version id, in its own words.
    parameter_validation=False,
    user_agent_extra="credential-sidecar",
)

# Codes that a later attempt may not meet again; AWS sends most of them with status 400. Those about
# a signature's date are among them, since a clock may be set.
_PASSING_CODES: Final = (
    THROTTLING
    | CREDENTIALS_REFUSED
    | {
        "InternalFailure",
        "InternalServiceError",
        "InvalidSignatureException",
        "RequestExpired",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
_SERVER_ERROR: Final = 500


class SecretsManager:
    """GetSecretValue with whatever credentials are in force at the moment of the call.

    Args:
        region: the region to ask.
        endpoint_url: the address to ask.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.
        boto_config: botocore's timeouts and retries.

    """

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str,
        ca_bundle: str | None = None,
        boto_config: BotoConfig = BOTO_CONFIG,
    ) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._ca_bundle = ca_bundle
        self._boto_config = boto_config
        self._threads = DaemonThreads(_WORKERS)
        self._client: tuple[Credentials, SecretsManagerClient] | None = None

    async def get_secret_value(self, query: SecretQuery, credentials: Credentials) -> SecretValue:
        """Ask AWS once (botocore tries up to three times within).

        Raises:
            UpstreamRefused: AWS said no, with its code and status.
            UpstreamUnavailable: no client, no answer, 5xx, throttling or credentials that just
                expired.

        """
        return await self._threads.run(lambda: self._ask(query, credentials))

    def _ask(self, query: SecretQuery, credentials: Credentials) -> SecretValue:
        version = {"VersionId": query.version_id, "VersionStage": query.version_stage}
        if query.version_id is None and query.version_stage is None:
            version["VersionStage"] = "AWSCURRENT"
        wanted: Any = {name: value for name, value in version.items() if value is not None}
        client = self._client_for(credentials)
        try:
            return _value(client.get_secret_value(SecretId=query.secret_id, **wanted))
        except botocore.exceptions.ClientError as exc:
            raise _service_error(exc) from None
        except Exception as exc:  # noqa: BLE001 - whatever a body that is not AWS's leads to
            raise _no_answer(exc) from None

    def _client_for(self, credentials: Credentials) -> "SecretsManagerClient":
        """Return a client for this set; a new one only after the role has been renewed.

        Two threads may make one at the same time: the later assignment wins and both work.
        """
        held = self._client
        if held is not None and held[0] is credentials:
            return held[1]
        client = self._make_client(credentials)
        self._client = (credentials, client)
        return client

    def _make_client(self, credentials: Credentials) -> "SecretsManagerClient":
        client: SecretsManagerClient = boto_client(
            "secretsmanager",
            region=self._region,
            endpoint_url=self._endpoint_url,
            credentials=credentials,
            ca_bundle=self._ca_bundle,
            boto_config=self._boto_config,
        )
        return client


def _value(reply: Any) -> SecretValue:
    binary = reply.get("SecretBinary")
    text = reply.get("SecretString")
    names = [reply["ARN"], reply["Name"], reply["VersionId"], *reply.get("VersionStages", ())]
    if not all(isinstance(each, str) for each in (*names, text or "")):
        raise TypeError("not an answer of GetSecretValue")
    return SecretValue(
        arn=reply["ARN"],
        name=reply["Name"],
        version_id=reply["VersionId"],
        text=None if text is None else Secret(text),
        binary=None if binary is None else Secret(base64.b64encode(binary).decode()),
        version_stages=tuple(reply.get("VersionStages", ())),
        created_at=reply.get("CreatedDate"),
    )


def _service_error(exc: botocore.exceptions.ClientError) -> UpstreamError:
    code = exc.response.get("Error", {}).get("Code", "")
    message = exc.response.get("Error", {}).get("Message", "")
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if not code or code.isdecimal():  # botocore's stand-in for a body that is not AWS's
        log.warning("no answer of AWS from Secrets Manager: status %d", status)
        return UpstreamUnreachable("Response Error", code="ConnectionError")
    passing = status >= _SERVER_ERROR or code in _PASSING_CODES
    kind = UpstreamUnavailable if passing else UpstreamRefused
    return kind(message, status=status, code=code)


def _no_answer(exc: Exception) -> UpstreamUnavailable:
    failures = (
        botocore.exceptions.HTTPClientError,
        botocore.exceptions.ConnectionError,
        OSError,
    )
    # What says how a connection failed is safe to log; the rest may quote the answer's body.
    no_connection = isinstance(exc, failures)
    log.warning("no answer from Secrets Manager: %s", exc if no_connection else type(exc).__name__)
    if isinstance(exc, TIMEOUTS):
        return UpstreamTimeout("Timeout", code="TimeoutError")
    if no_connection:
        return UpstreamUnreachable("Read Error", code="ConnectionError")
    return UpstreamUnreachable("Response Error", code="ConnectionError")
