"""Reading secrets from AWS Secrets Manager."""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from botocore.config import Config as BotoConfig

from sidecar.aws.batch import Batch
from sidecar.aws.boto_service import BOTO_CONFIG, BotoService, Call, EndpointOf
from sidecar.aws.failed_calls import unreadable
from sidecar.aws.reply_text import optional_text_of
from sidecar.aws.secret import (
    ListedSecret,
    SecretDescription,
    SecretFilter,
    SecretQuery,
    SecretValue,
)
from sidecar.aws.secret_filters import filters, matches
from sidecar.aws.secrets_reply import (
    listed_secrets,
    secret_batch,
    secret_description,
    secret_value,
)
from sidecar.credentials import Credentials

# How many ids BatchGetSecretValue takes (API reference).
MOST_IN_A_BATCH: Final = 20
_MOST_IN_A_PAGE: Final = 100
# Far above the 500,000 secrets that an account may have in a region: a server that never ends.
_MOST_PAGES: Final = 10_000


class SecretsManager:
    """Asks with whatever credentials are in force at the moment of the call.

    Every method asks AWS once, and `list_secrets` once a page; botocore tries up to three times
    within. All raise UpstreamRefused when AWS says no, with its code, status and words, or when
    there is no such region, and UpstreamUnavailable for want of a client or of an answer, after
    5xx or throttling, and for credentials that just expired.

    Args:
        endpoint_of: from ``secretsmanager`` and a region to the address to ask; ValueError where
            AWS has none.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.
        boto_config: botocore's timeouts and retries.

    """

    def __init__(
        self,
        endpoint_of: EndpointOf,
        *,
        ca_bundle: str | None = None,
        boto_config: BotoConfig = BOTO_CONFIG,
    ) -> None:
        self._service = BotoService(
            "secretsmanager", endpoint_of, ca_bundle=ca_bundle, boto_config=boto_config
        )

    async def get_secret_value(
        self, query: SecretQuery, credentials: Credentials, *, region: str
    ) -> SecretValue:
        """Read one version; the permission is ``secretsmanager:GetSecretValue``.

        The stage is always named: policies with a condition on it deny a call without.
        """
        version = {"VersionId": query.version_id, "VersionStage": query.version_stage}
        if query.version_id is None and query.version_stage is None:
            version["VersionStage"] = "AWSCURRENT"
        given = {name: value for name, value in version.items() if value is not None}
        call = Call("GetSecretValue", query.secret_id, {"SecretId": query.secret_id, **given})
        return await self._service.ask(call, secret_value, credentials, region=region)

    async def batch_get_secret_value(
        self, secret_ids: Sequence[str], credentials: Credentials, *, region: str
    ) -> Batch[SecretValue]:
        """Read the current version of up to 20 secrets; some may fail while others are read.

        The permissions are ``secretsmanager:BatchGetSecretValue`` on ``*`` and
        ``secretsmanager:GetSecretValue`` on each secret.

        Args:
            secret_ids: names, or ARNs with or without their last six characters.
            credentials: what the request is signed with.
            region: where it goes.

        """
        asked = tuple(dict.fromkeys(secret_ids))
        call = Call("BatchGetSecretValue", ", ".join(asked), {"SecretIdList": list(asked)})
        return await self._service.ask(
            call, lambda reply: secret_batch(reply, asked), credentials, region=region
        )

    async def batch_get_matching(
        self, wanted: SecretFilter, credentials: Credentials, *, region: str
    ) -> AsyncIterator[Batch[SecretValue]]:
        """Read the current versions of all secrets that match, 20 at a time, by their ARNs.

        No others are read: BatchGetSecretValue's own filters would give, and log as read, values of
        secrets that only begin alike. The permissions are those of `list_secrets` and
        `batch_get_secret_value`.
        """
        listed = iter(await self.list_secrets(wanted, credentials, region=region))
        while page := [each.arn for each in islice(listed, MOST_IN_A_BATCH)]:
            yield await self.batch_get_secret_value(page, credentials, region=region)

    async def list_secrets(
        self, wanted: SecretFilter, credentials: Credentials, *, region: str
    ) -> tuple[ListedSecret, ...]:
        """List the secrets that match, those that are being deleted left out.

        AWS's list may be minutes old. The permission is ``secretsmanager:ListSecrets`` on ``*``.
        """
        parameters: dict[str, Any] = {"MaxResults": _MOST_IN_A_PAGE, "Filters": filters(wanted)}
        about = f"{wanted.name_prefix}* {wanted.tag_key}".rstrip()
        listed: list[ListedSecret] = []
        for _ in range(_MOST_PAGES):
            call = Call("ListSecrets", about, parameters)
            page, token = await self._service.ask(call, _page, credentials, region=region)
            listed += (each for each in page if matches(wanted, each))
            if not token:
                return tuple(listed)
            parameters = parameters | {"NextToken": token}
        raise unreadable()

    async def describe_secret(
        self, secret_id: str, credentials: Credentials, *, region: str
    ) -> SecretDescription:
        """Tell when a secret rotates; the permission is ``secretsmanager:DescribeSecret``."""
        call = Call("DescribeSecret", secret_id, {"SecretId": secret_id})
        return await self._service.ask(call, secret_description, credentials, region=region)


def _page(reply: Mapping[str, Any]) -> tuple[tuple[ListedSecret, ...], str | None]:
    return listed_secrets(reply), optional_text_of(reply, "NextToken")
