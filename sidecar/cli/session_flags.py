"""The flags that say which session is wanted of which endpoint."""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.arn import Arn, profile_arn, role_arn, trust_anchor_arn
from sidecar.cli.flag_values import add_switch, optional, reader
from sidecar.config.option import base_url, flag, region_name, whole_number
from sidecar.errors import OperatorError
from sidecar.signing.create_session import (
    MAX_DURATION_SECONDS,
    MIN_DURATION_SECONDS,
    SERVICE,
    SessionParameters,
)

_ENDPOINT_VARIABLES: Final = ("AWS_ENDPOINT_URL_ROLESANYWHERE", "AWS_ENDPOINT_URL")
_SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_CHECK_ENDPOINT: Final = "give --endpoint, or check the region in the ARNs"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """Which session is wanted, and how AWS is reached.

    Args:
        parameters: what to ask for.
        region: of the trust anchor.
        own_endpoint: address in place of AWS's own; None for AWS's.
        fips: whether AWS's endpoint must be FIPS-validated.
        dual_stack: whether it must have IPv6 addresses.
        ca_bundle: the CAs to trust; None for the system's.
        verify: whether to check the endpoint's certificate at all.

    """

    parameters: SessionParameters
    region: str
    own_endpoint: str | None
    fips: bool
    dual_stack: bool
    ca_bundle: Path | None
    verify: bool

    def endpoint(self) -> str:
        """Give the endpoint's address; OperatorError when AWS has none there."""
        if self.own_endpoint is not None:
            return self.own_endpoint
        from sidecar.aws.endpoints import service_endpoint  # noqa: PLC0415 - loads botocore

        try:
            return service_endpoint(
                SERVICE, self.region, fips=self.fips, dual_stack=self.dual_stack
            )
        except ValueError as exc:
            raise OperatorError(str(exc), hint=_CHECK_ENDPOINT) from None


def add_session_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    where = parser.add_argument
    for name, read, of in (
        ("trust-anchor", trust_anchor_arn, "trust anchor that knows the certificate's authority"),
        ("profile", profile_arn, "Roles Anywhere profile that has the role"),
        ("role", role_arn, "role that the session is of"),
    ):
        text = f"the {of} (required)"
        where(f"--{name}-arn", type=reader(read), required=True, metavar="ARN", help=text)
    where(
        "--session-duration",
        type=reader(whole_number(MIN_DURATION_SECONDS, MAX_DURATION_SECONDS)),
        default=3600,
        metavar="SECONDS",
        help="how long the session lasts, 900 to 43200 (default: 3600)",
    )
    where(
        "--role-session-name",
        type=optional(_session_name),
        metavar="NAME",
        help="the session's name, if the profile accepts one (default: the certificate's serial)",
    )
    where(
        "--region",
        type=optional(region_name),
        help="must be the trust anchor's, which is the default",
    )
    where(
        "--endpoint",
        type=optional(base_url),
        metavar="URL",
        help="address of Roles Anywhere (default: AWS_ENDPOINT_URL_ROLESANYWHERE, "
        "AWS_ENDPOINT_URL, else AWS's own)",
    )
    add_switch(parser, "--use-fips-endpoint", help_text="use AWS's FIPS endpoint")
    add_switch(parser, "--use-dualstack-endpoint", help_text="use AWS's endpoint with IPv6")
    add_switch(parser, "--no-verify-ssl", help_text="do not check the endpoint's certificate")
    add_switch(parser, "--with-proxy", help_text="no effect: proxy variables are always used")
    add_switch(parser, "--debug", help_text="log to stderr; never a secret")


def session_request(
    arguments: argparse.Namespace, environment: Mapping[str, str]
) -> SessionRequest:
    """Say which session is wanted, by the flags and AWS's own variables.

    Args:
        arguments: parsed with `add_session_arguments`.
        environment: AWS_ENDPOINT_URL[_ROLESANYWHERE], AWS_USE_FIPS_ENDPOINT,
            AWS_USE_DUALSTACK_ENDPOINT and AWS_CA_BUNDLE count where no flag speaks.

    Raises:
        OperatorError: regions that differ, a bad variable, or a custom endpoint with a kind of
            AWS's own.

    """
    anchor, profile = arguments.trust_anchor_arn, arguments.profile_arn
    _check_regions(anchor, profile, arguments.region)
    bundle = environment.get("AWS_CA_BUNDLE")
    request = SessionRequest(
        parameters=SessionParameters(
            trust_anchor_arn=anchor,
            profile_arn=profile,
            role_arn=arguments.role_arn,
            duration_seconds=arguments.session_duration,
            role_session_name=arguments.role_session_name,
        ),
        region=anchor.region,
        own_endpoint=arguments.endpoint or _configured_endpoint(environment),
        fips=arguments.use_fips_endpoint or _wanted(environment, "AWS_USE_FIPS_ENDPOINT"),
        dual_stack=(
            arguments.use_dualstack_endpoint or _wanted(environment, "AWS_USE_DUALSTACK_ENDPOINT")
        ),
        ca_bundle=Path(bundle) if bundle else None,
        verify=not arguments.no_verify_ssl,
    )
    # As AWS's SDKs have it.
    if request.own_endpoint is not None and (request.fips or request.dual_stack):
        raise OperatorError(
            f"endpoint {request.own_endpoint} cannot be had with FIPS or dual stack",
            hint="those choose among AWS's own endpoints; AWS_… variables count too",
        )
    return request


def _check_regions(anchor: Arn, profile: Arn, said: str | None) -> None:
    if anchor.region != profile.region:
        raise OperatorError(
            f"the profile is in {profile.region}, the trust anchor in {anchor.region}",
            hint="CreateSession needs both in one region",
        )
    if said not in (None, anchor.region):
        raise OperatorError(
            f"--region is {said}, the trust anchor is in {anchor.region}",
            hint="leave --region out: CreateSession is asked where the trust anchor is",
        )


def _configured_endpoint(environment: Mapping[str, str]) -> str | None:
    for name in _ENDPOINT_VARIABLES:
        if value := environment.get(name):
            try:
                return base_url(value)
            except ValueError as exc:
                raise OperatorError(
                    f"variable {name} {exc} (got {value!a})", hint="correct or unset it"
                ) from None
    return None


def _wanted(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name) or "false"
    try:
        return flag(value)
    except ValueError as exc:
        raise OperatorError(f"variable {name} {exc} (got {value!a})", hint="or unset it") from None


def _session_name(text: str) -> str:
    """Read a name as STS takes it (API reference, "AssumeRole")."""
    if not _SESSION_NAME.fullmatch(text):
        raise ValueError("must be 2 to 64 of letters, digits and _+=,.@-")
    return text
