"""Reading parameters from AWS Systems Manager Parameter Store."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from botocore.config import Config as BotoConfig

from sidecar.aws.batch import Batch
from sidecar.aws.boto_service import BOTO_CONFIG, BotoService, Call, EndpointOf
from sidecar.aws.failed_calls import refused, unreadable
from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reply_text import optional_text_of, text_of
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError
from sidecar.redaction import Secret

# How many names GetParameters takes (API reference).
MOST_IN_A_BATCH: Final = 10


class ParameterStore:
    """Asks with whatever credentials are in force at the moment of the call.

    Both methods ask AWS once and raise as those of `SecretsManager`. A ``SecureString`` under a key
    of the customer's needs ``kms:Decrypt`` on that key when it is to be decrypted.

    Args:
        endpoint_of: from ``ssm`` and a region to the address to ask; ValueError where AWS has none.
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
            "ssm", endpoint_of, ca_bundle=ca_bundle, boto_config=boto_config
        )

    async def get_parameter(
        self, query: ParameterQuery, credentials: Credentials, *, region: str
    ) -> ParameterValue:
        """Read one version of a parameter; the permission is ``ssm:GetParameter``."""
        name = query.selected_name
        asked = {"Name": name, "WithDecryption": query.with_decryption}
        return await self._service.ask(
            Call("GetParameter", name, asked),
            lambda reply: _value(reply["Parameter"]),
            credentials,
            region=region,
        )

    async def get_parameters(
        self,
        names: Sequence[str],
        credentials: Credentials,
        *,
        region: str,
        with_decryption: bool = False,
    ) -> Batch[ParameterValue]:
        """Read up to 10 parameters; some may not exist while others are read.

        The permission is ``ssm:GetParameters`` on each of them; ``ssm:GetParameter`` is another.

        Args:
            names: names or ARNs, each with a selector if one is wanted.
            credentials: what the request is signed with.
            region: where it goes.
            with_decryption: whether ``SecureString`` values come in clear text.

        """
        asked = tuple(dict.fromkeys(names))
        parameters = {"Names": list(asked), "WithDecryption": with_decryption}
        return await self._service.ask(
            Call("GetParameters", ", ".join(asked), parameters),
            lambda reply: _batch(reply, asked),
            credentials,
            region=region,
        )


def _batch(reply: Mapping[str, Any], asked: Sequence[str]) -> Batch[ParameterValue]:
    found: dict[str, ParameterValue] = {}
    for each in reply["Parameters"]:
        value = _value(each)
        selector = value.selector or ""
        found |= dict.fromkeys((f"{value.name}{selector}", f"{value.arn}{selector}"), value)
    invalid = set(reply.get("InvalidParameters", ()))
    values = {each: found[each] for each in asked if each in found}
    errors = {each: _missing(each in invalid) for each in asked if each not in values}
    return Batch(values, errors)


def _missing(named: bool) -> UpstreamError:
    """Give the error for a parameter without a value; AWS's one word for it has no sentence."""
    return refused("ParameterNotFound", "", 400) if named else unreadable()


def _value(reply: Mapping[str, Any]) -> ParameterValue:
    """Read a parameter; whatever is raised means that it is no answer of AWS's."""
    version = reply["Version"]
    if type(version) is not int:
        raise TypeError("Version")
    source = optional_text_of(reply, "SourceResult")
    return ParameterValue(
        arn=text_of(reply, "ARN"),
        name=text_of(reply, "Name"),
        type=text_of(reply, "Type"),
        value=Secret(text_of(reply, "Value")),
        version=version,
        last_modified=reply.get("LastModifiedDate"),
        data_type=optional_text_of(reply, "DataType") or "text",
        selector=optional_text_of(reply, "Selector"),
        source_result=None if source is None else Secret(source),
    )
