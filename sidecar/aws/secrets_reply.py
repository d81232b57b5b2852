"""Reading what Secrets Manager answers; whatever is raised here means that it is no answer."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.aws.batch import Batch
from sidecar.aws.failed_calls import refused, unreadable
from sidecar.aws.reply_text import optional_text_of, text_of
from sidecar.aws.secret import ListedSecret, SecretDescription, SecretValue
from sidecar.errors import UpstreamError
from sidecar.redaction import Secret

_SUFFIX_LENGTH = len("-AbCdEf")


def secret_value(reply: Mapping[str, Any]) -> SecretValue:
    """Read an answer of GetSecretValue, or one of the values of BatchGetSecretValue."""
    text = optional_text_of(reply, "SecretString")
    binary = reply.get("SecretBinary")
    return SecretValue(
        arn=text_of(reply, "ARN"),
        name=text_of(reply, "Name"),
        version_id=text_of(reply, "VersionId"),
        text=None if text is None else Secret(text),
        binary=None if binary is None else Secret(base64.b64encode(binary).decode()),
        version_stages=_stages(reply.get("VersionStages", ())),
        created_at=reply.get("CreatedDate"),
    )


def secret_batch(reply: Mapping[str, Any], asked: Sequence[str]) -> Batch[SecretValue]:
    """Read an answer of BatchGetSecretValue; an id that it leaves out is an error of its own."""
    found: dict[str, SecretValue] = {}
    errors = reply.get("Errors", ())
    for each in reply.get("SecretValues", ()) if errors else reply["SecretValues"]:
        value = secret_value(each)
        found |= dict.fromkeys((value.arn, value.arn[:-_SUFFIX_LENGTH], value.name), value)
    told: dict[str, UpstreamError] = {
        text_of(each, "SecretId"): refused(text_of(each, "ErrorCode"), each.get("Message", ""), 400)
        for each in errors
    }
    values = {each: found[each] for each in asked if each in found}
    missing = (each for each in asked if each not in values)
    return Batch(values, {each: told.get(each) or unreadable() for each in missing})


def secret_description(reply: Mapping[str, Any]) -> SecretDescription:
    """Read an answer of DescribeSecret."""
    return SecretDescription(
        arn=text_of(reply, "ARN"),
        name=text_of(reply, "Name"),
        rotation_enabled=reply.get("RotationEnabled") is True,
        next_rotation=reply.get("NextRotationDate"),
        last_rotated=reply.get("LastRotatedDate"),
        deleted=reply.get("DeletedDate"),
        version_ids_to_stages={
            version: _stages(stages)
            for version, stages in reply.get("VersionIdsToStages", {}).items()
        },
    )


def listed_secrets(reply: Mapping[str, Any]) -> tuple[ListedSecret, ...]:
    """Read one page of ListSecrets."""
    return tuple(
        ListedSecret(
            text_of(each, "ARN"),
            text_of(each, "Name"),
            {text_of(tag, "Key"): text_of(tag, "Value") for tag in each.get("Tags", ())},
        )
        for each in reply["SecretList"]
    )


def _stages(stages: Sequence[Any]) -> tuple[str, ...]:
    if not all(isinstance(each, str) for each in stages):
        raise TypeError("VersionStages")
    return tuple(stages)
