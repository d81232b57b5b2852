"""Print one session as JSON for ``credential_process`` in ~/.aws/config.

The flags and the output are those of ``aws_signing_helper credential-process``: replace the
program's name and the line works.
"""

import argparse
import asyncio
import json
import logging
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from sidecar.arn import Arn, profile_arn, role_arn, trust_anchor_arn
from sidecar.aws.http import http_client
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.cli.log_setup import set_up_logging
from sidecar.clock import Clock, SystemClock, iso_seconds
from sidecar.config.option import base_url, whole_number
from sidecar.config.schema import region_name, role_session_name
from sidecar.credentials import Credentials
from sidecar.errors import OperatorError, UpstreamUnavailable
from sidecar.identity.checks import Severity, check_identity
from sidecar.identity.identity import Identity
from sidecar.identity.pem import load_identity
from sidecar.providers.refresh_policy import back_off
from sidecar.redaction import Secret
from sidecar.signing.create_session import (
    MAX_DURATION_SECONDS,
    MIN_DURATION_SECONDS,
    SERVICE,
    SessionParameters,
)

EXAMPLE: Final = (
    "sidecar credential-process --certificate workload.pem --private-key workload.key \\\n"
    "      --trust-anchor-arn ARN --profile-arn ARN --role-arn ARN"
)

_Value = TypeVar("_Value")

log = logging.getLogger("sidecar.credential_process")

_ATTEMPTS: Final = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the signing helper that concern keys in files."""
    where = parser.add_argument
    where("--certificate", type=Path, required=True, metavar="FILE", help="PEM certificate")
    where(
        "--private-key",
        type=Path,
        metavar="FILE",
        help="PEM private key (default: in the certificate's file)",
    )
    where("--intermediates", type=Path, metavar="FILE", help="PEM intermediate certificates")
    where("--trust-anchor-arn", type=_reader(trust_anchor_arn), required=True, metavar="ARN")
    where("--profile-arn", type=_reader(profile_arn), required=True, metavar="ARN")
    where("--role-arn", type=_reader(role_arn), required=True, metavar="ARN")
    where(
        "--session-duration",
        type=_duration,
        default=3600,
        metavar="SECONDS",
        help="900 to 43200 (default: 3600)",
    )
    where(
        "--role-session-name",
        type=_reader(role_session_name),
        metavar="NAME",
        help="where the profile accepts one",
    )
    where("--region", type=_reader(region_name), help="default: the trust anchor's")
    where("--endpoint", type=_reader(base_url), metavar="URL", help="in place of AWS's own")
    where("--pkcs8-password", metavar="PASSWORD", help="visible to every user of the machine")
    where("--no-verify-ssl", action="store_true", help="do not check the endpoint's certificate")
    where("--with-proxy", action="store_true", help="no effect: proxy variables are always used")
    where("--debug", action="store_true", help="log to stderr; never a secret")


def run(arguments: argparse.Namespace) -> int:
    """Get one session and print it."""
    set_up_logging("debug" if arguments.debug else "warning")
    anchor: Arn = arguments.trust_anchor_arn
    if anchor.region != arguments.profile_arn.region:
        raise OperatorError(
            f"the profile is in {arguments.profile_arn.region}, the trust anchor in "
            f"{anchor.region}",
            hint="CreateSession needs both in one region",
        )
    identity = _identity(arguments)
    print(_as_json(asyncio.run(_session(arguments, identity, SystemClock()))), end="")
    return 0


def _identity(arguments: argparse.Namespace) -> Identity:
    identity = load_identity(
        arguments.certificate,
        arguments.private_key or arguments.certificate,
        chain=arguments.intermediates,
        password=Secret(arguments.pkcs8_password) if arguments.pkcs8_password else None,
    )
    for finding in check_identity(identity, SystemClock().now()):
        if finding.severity is Severity.ERROR:
            raise OperatorError(finding.sentence, hint=finding.hint)
        log.warning("%s; %s", finding.sentence, finding.hint)
    return identity


async def _session(arguments: argparse.Namespace, identity: Identity, clock: Clock) -> Credentials:
    """Ask for the session, a few times where asking again may help."""
    region = arguments.region or arguments.trust_anchor_arn.region
    parameters = SessionParameters(
        trust_anchor_arn=arguments.trust_anchor_arn,
        profile_arn=arguments.profile_arn,
        role_arn=arguments.role_arn,
        duration_seconds=arguments.session_duration,
        role_session_name=arguments.role_session_name,
    )
    endpoint = arguments.endpoint or _endpoint(region, os.environ.get("AWS_ENDPOINT_URL"))
    bundle = os.environ.get("AWS_CA_BUNDLE")
    async with http_client(
        Path(bundle) if bundle else None, verify=not arguments.no_verify_ssl
    ) as http:
        client = RolesAnywhere(http, endpoint=endpoint, region=region, clock=clock)
        for attempt in range(1, _ATTEMPTS):
            try:
                return await client.create_session(parameters, identity.certified_key())
            except UpstreamUnavailable as exc:
                wait = back_off(attempt, jitter=random.random())  # noqa: S311 - no secret
                log.warning("attempt %d of %d: %s", attempt, _ATTEMPTS, exc.message)
                await clock.sleep(wait.total_seconds())
        return await client.create_session(parameters, identity.certified_key())


def _endpoint(region: str, configured: str | None) -> str:
    """Take the endpoint that the environment names, or look up AWS's own."""
    from sidecar.aws.endpoints import service_endpoint  # noqa: PLC0415 - loads botocore's data

    try:
        return base_url(configured) if configured else service_endpoint(SERVICE, region)
    except ValueError as exc:
        what = f"variable AWS_ENDPOINT_URL {exc} (got {configured!a})" if configured else str(exc)
        raise OperatorError(what, hint="give --endpoint or another --region") from exc


def _as_json(credentials: Credentials) -> str:
    """Write what credential_process wants, as the signing helper does: one line, no newline."""
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key.reveal(),
            "SessionToken": credentials.session_token.reveal(),
            "Expiration": iso_seconds(credentials.expires_at),
        }
    )


def _duration(text: str) -> int:
    return _reader(whole_number(MIN_DURATION_SECONDS, MAX_DURATION_SECONDS))(text)


def _reader(read: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Let argparse show our own sentence for a value that is refused."""

    def convert(text: str) -> _Value:
        try:
            return read(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(f"{exc} (got {text!a})") from None

    return convert
