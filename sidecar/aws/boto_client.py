"""boto3 clients in which only the sidecar's own configuration has a say."""

import logging
import os
import ssl
from typing import Any, Final

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config as BotoConfig

from sidecar.credentials import Credentials

# botocore writes whole responses to its debug log, secret values included: no logger of the AWS
# stack may go below this level, whatever ours is set to.
for _name in ("botocore", "boto3", "urllib3", "s3transfer"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# The sidecar's credentials are its own: no profile and no file of AWS's tools has a say in them.
_OWN_SETTINGS: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


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

    The address must be given, so that no other is chosen by variables: those for applications, such
    as AWS_ENDPOINT_URL_SECRETS_MANAGER, point at this very program.

    Args:
        service: boto3's name of the service.
        region: the region that requests are signed for.
        endpoint_url: the service's address.
        credentials: what requests are signed with; None for a service call without signature.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.
        boto_config: timeouts and retries.

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
    session = boto3.session.Session(
        botocore_session=botocore.session.Session(session_vars=_OWN_SETTINGS),
        region_name=region,
        **signed,
    )
    connect: Any = session.client
    return connect(
        service,
        endpoint_url=endpoint_url,
        verify=ca_bundle or system_cas(),
        config=boto_config,
    )


def system_cas() -> str | None:
    """Find the file with the CAs that this machine trusts; None leaves botocore its own.

    Without this boto3 would trust certifi's CAs, and CreateSession the system's: a company's own
    CA, added to the system, must count for both.
    """
    return ssl.get_default_verify_paths().cafile
