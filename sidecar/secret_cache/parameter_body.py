"""A parameter as its two readers expect it: the body of AWS's extension, and that of AWS's API."""

from datetime import UTC, datetime

from sidecar.aws.parameter import ParameterValue
from sidecar.secret_cache.secret_body import compact_json, epoch_number


def agent_body(value: ParameterValue) -> bytes:
    """Write the body of AWS's Parameters and Secrets Lambda extension.

    That is the reply as the SDK for Go writes it: every member, null where there is none, dates as
    in RFC 3339, and an empty ``ResultMetadata``. AWS publishes no whole sample and the extension's
    source is closed: this is made from its documentation, not compared with an original.
    """
    moment = value.last_modified
    parameter = {
        "ARN": value.arn,
        "DataType": value.data_type,
        "LastModifiedDate": None if moment is None else _rfc3339(moment),
        "Name": value.name,
        "Selector": value.selector,
        "SourceResult": _source_result(value),
        "Type": value.type,
        "Value": value.value.reveal(),
        "Version": value.version,
    }
    return compact_json({"Parameter": parameter, "ResultMetadata": {}})


def api_body(value: ParameterValue) -> bytes:
    """Write the body that GetParameter answers."""
    return compact_json({"Parameter": api_parameter(value)})


def api_parameter(value: ParameterValue) -> dict[str, object]:
    """Give a ``Parameter`` of AWS's API: the date a number, nothing null.

    Source: Systems Manager API reference, data type Parameter.
    """
    moment = value.last_modified
    parameter = {
        "ARN": value.arn,
        "DataType": value.data_type,
        "LastModifiedDate": None if moment is None else epoch_number(moment),
        "Name": value.name,
        "Selector": value.selector,
        "SourceResult": _source_result(value),
        "Type": value.type,
        "Value": value.value.reveal(),
        "Version": value.version,
    }
    return {name: member for name, member in parameter.items() if member is not None}


def _source_result(value: ParameterValue) -> str | None:
    return None if value.source_result is None else value.source_result.reveal()


def _rfc3339(moment: datetime) -> str:
    """Write a moment in UTC with no more of a fraction than there is, as Go does."""
    whole, _, fraction = moment.astimezone(UTC).replace(tzinfo=None).isoformat().partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"
