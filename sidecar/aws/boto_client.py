"""boto3 clients in which only the sidecar's own configuration has a say."""

import logging
import os
import ssl
from typing import Any, Final

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config as BotoConfig
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from sidecar.aws.service_models import shipped_models
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamUnavailable

# botocore writes whole responses to its debug log, secret values included: no logger of the AWS
# stack may go below this level, whatever ours is set to.
for _name in ("botocore", "boto3", "urllib3", "s3transfer"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# How a call through a client says that there was no answer in time.
TIMEOUTS: Final = (ConnectTimeoutError, ReadTimeoutError, TimeoutError)

# Every setting of botocore's at its default: no variable, profile or file of AWS's tools has a say.
_OWN_SETTINGS: Final = {
    name: (None, None, default, convert)
    for name, (_, _, default, convert) in botocore.session.Session.SESSION_VARIABLES.items()
} | dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))


def boto_client(
    service: str,
    *,
    region: str,
    endpoint_url: str,
    credentials: Credentials | None,
    ca_bundle: str | None,
    boto_config: BotoConfig,
) -> Any:
    """Make a client of boto3's; the proxy is the one that the environment wants.

    The address must be given: those in variables are for applications, and point at this program.

    Args:
        service: boto3's name of the service.
        region: the region that requests are signed for.
        endpoint_url: the service's address.
        credentials: what requests are signed with; None for a service call without signature.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.
        boto_config: timeouts and retries.

    Raises:
        UpstreamUnavailable: botocore cannot make one.

    """
    signed: dict[str, str] = {}
    if credentials is None:
        boto_config = boto_config.merge(BotoConfig(signature_version=UNSIGNED))
    else:
        signed = {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key.reveal(),
            "aws_session_token": credentials.session_token.reveal(),
        }
    try:
        session = boto3.session.Session(botocore_session=_core_session(), **signed)
        connect: Any = session.client
        return connect(
            service,
            region_name=region,
            endpoint_url=endpoint_url,
            verify=ca_bundle or system_cas(),
            config=boto_config,
        )
    except Exception as exc:  # noqa: BLE001 - whatever damaged data of botocore's leads to
        # Only its kind: botocore's sentences quote values.
        raise UpstreamUnavailable(
            f"no client for {service} could be made: {type(exc).__name__}",
            hint="AWS was not asked: the sidecar's libraries are damaged; install it again",
        ) from None


def _core_session() -> botocore.session.Session:
    core = botocore.session.Session(session_vars=_OWN_SETTINGS)
    core.register_component("data_loader", shipped_models())
    return core


def system_cas() -> str | None:
    """Find the file with the CAs that this machine trusts; None leaves botocore its own.

    Without this boto3 would trust certifi's CAs, and CreateSession the system's: a company's own
    CA, added to the system, must count for both.
    """
    return ssl.get_default_verify_paths().cafile
