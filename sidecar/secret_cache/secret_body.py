"""A secret as its two readers expect it: the body of AWS's own agent, and that of AWS's API."""

import json
from datetime import datetime

from sidecar.aws.secret import SecretValue


def agent_body(value: SecretValue) -> bytes:
    """Write the body that AWS's own agent would send: its keys, its order, its date.

    SecretString, SecretBinary and VersionStages are left out when absent; ``CreatedDate`` is a
    string of epoch seconds.
    """
    moment = value.created_at
    date = None if moment is None else epoch_text(moment)
    return compact_json(_members(value) | {"CreatedDate": date})


def api_body(value: SecretValue) -> bytes:
    """Write the body that GetSecretValue answers: ``CreatedDate`` a number, nothing null.

    Source: Secrets Manager API reference, GetSecretValue, response syntax.
    """
    moment = value.created_at
    date = {} if moment is None else {"CreatedDate": epoch_number(moment)}
    return compact_json(_members(value) | date)


def epoch_text(moment: datetime) -> str:
    """Write epoch seconds with no more of a fraction than there is: ``1569534789.046``."""
    # Through integers: a float of this size cannot hold microseconds exactly.
    seconds = int(moment.replace(microsecond=0).timestamp())
    fraction = f"{moment.microsecond:06d}".rstrip("0")
    return f"{seconds}.{fraction}" if fraction else str(seconds)


def epoch_number(moment: datetime) -> int | float:
    """Give epoch seconds as AWS's JSON protocols write them: a fraction only where there is one."""
    return moment.timestamp() if moment.microsecond else int(moment.timestamp())


def compact_json(body: dict[str, object]) -> bytes:
    """Write JSON as AWS does, without blanks and with characters as they are."""
    try:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
        return json.dumps(body, separators=(",", ":")).encode()


def _members(value: SecretValue) -> dict[str, object]:
    body: dict[str, object] = {
        "ARN": value.arn,
        "Name": value.name,
        "VersionId": value.version_id,
    }
    if value.text is not None:
        body["SecretString"] = value.text.reveal()
    if value.binary is not None:
        body["SecretBinary"] = value.binary.reveal()
    if value.version_stages:
        body["VersionStages"] = list(value.version_stages)
    return body
