"""Calls with the credentials of whoever sets things up: the one place that takes ambient ones."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config as BotoConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InvalidRegionError,
    NoCredentialsError,
    ParamValidationError,
)

from sidecar.aws.boto_client import system_cas
from sidecar.aws.failed_calls import failed
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.errors import OperatorError, UpstreamError, UpstreamRefused, UpstreamUnreachable

# Roles Anywhere takes one call a second of most of its operations.
_CONFIG: Final = BotoConfig(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 5},
    user_agent_extra="credential-sidecar",
    s3={"addressing_style": "path"},
)
# Chat channels are the account's; the service answers in four regions only, this one among them.
# https://github.com/aws/aws-cli/issues/8658
_REGIONS: Final = {"chatbot": "us-east-2"}
# Nothing renews these credentials, so it does not pass by itself that AWS refuses them.
_REFUSED: Final = CREDENTIALS_REFUSED | {"InvalidSignatureException", "SignatureDoesNotMatch"}


class AdministratorCalls:
    """AWS as boto3's own chain of credentials, profiles and variables reaches it.

    Args:
        region: the region to work in; None takes the one of the environment or the profile.
        endpoint_url: the address of every service; None leaves it to ``AWS_ENDPOINT_URL`` and AWS.

    Raises:
        OperatorError: no region is known, or the profile cannot be read.

    """

    def __init__(self, region: str | None = None, endpoint_url: str | None = None) -> None:
        try:
            core = botocore.session.Session()
            session = boto3.session.Session(botocore_session=core, region_name=region)
            self._ca_bundle = core.get_config_variable("ca_bundle") or system_cas()
        except BotoCoreError as exc:
            raise OperatorError(str(exc), hint="see AWS_PROFILE and ~/.aws/config") from exc
        if session.region_name is None:
            raise OperatorError("no region is known", hint="give --region, or set AWS_REGION")
        self.region: str = session.region_name
        self._session, self._endpoint_url = session, endpoint_url
        self._clients: dict[str, Any] = {}

    def ask(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Make one call.

        Args:
            service: boto3's name of the service.
            operation: the name of its method, such as ``create_role``.
            arguments: as boto3 has them.

        Raises:
            UpstreamError: AWS refused it or did not answer; its `code` is AWS's.
            OperatorError: there are no credentials, or a value cannot be sent at all.

        """
        client = self._client(service)
        reply: Mapping[str, Any] = self._asked(
            service, operation, lambda: getattr(client, operation)(**arguments)
        )
        return reply

    def listed(self, service: str, operation: str, member: str, **arguments: Any) -> list[Any]:
        """Give the members of every page of a listing; raises as `ask` does."""
        pages = self._client(service).get_paginator(operation).paginate(**arguments)

        def members() -> Iterator[Any]:
            for page in pages:
                yield from page.get(member, ())

        return list(self._asked(service, operation, lambda: list(members())))

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            connect: Any = self._session.client
            try:
                self._clients[service] = connect(
                    service,
                    region_name=_REGIONS.get(service, self.region),
                    endpoint_url=self._endpoint_url,
                    verify=self._ca_bundle,
                    config=_CONFIG,
                )
            except InvalidRegionError:
                raise self._no_region() from None
        return self._clients[service]

    def _asked(self, service: str, operation: str, call: Any) -> Any:
        """Make a call; where nobody answers, and the region is none that is known, say so."""
        try:
            return _asked(service, operation, call)
        except UpstreamUnreachable:
            if self._endpoint_url is None and not self._is_region():
                raise self._no_region() from None
            raise

    def _is_region(self) -> bool:
        session = self._session
        return any(
            self.region in session.get_available_regions("sts", partition_name=each)
            for each in session.get_available_partitions()
        )

    def _no_region(self) -> OperatorError:
        return OperatorError(
            f"{self.region!r} is no region of AWS's that is known",
            hint="see --region, AWS_REGION and the profile, such as eu-central-1",
        )


def _asked(service: str, operation: str, call: Any) -> Any:
    what = f"{service} {operation}"
    try:
        return call()
    except ClientError as exc:
        raise _told(failed(exc, what), what) from None
    except NoCredentialsError:
        raise OperatorError(
            "there are no AWS credentials to set things up with",
            hint="this command takes those of boto3: AWS_PROFILE, AWS_ACCESS_KEY_ID, a role",
        ) from None
    except ParamValidationError as exc:
        raise OperatorError(f"{what} cannot be asked: {exc}", hint="see the options") from None
    except BotoCoreError as exc:
        raise _told(failed(exc, what), what) from exc


def _told(error: UpstreamError, what: str) -> UpstreamError:
    """Say which call it was; AWS's sentences alone do not."""
    told = f"{what} failed: {error.code}: {error.message}"
    if error.code in _REFUSED:
        hint = "see AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
        return UpstreamRefused(told, hint=hint, status=error.status, code=error.code)
    return type(error)(told, hint=error.hint, status=error.status, code=error.code)
