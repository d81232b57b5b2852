"""A secret's value as the bytes that the secrets door sends."""

import json
from datetime import datetime

from sidecar.aws.secret import SecretValue


def render(value: SecretValue) -> bytes:
    """Write the body that AWS's own agent would send: its keys, its order, its date.

    SecretString, SecretBinary and VersionStages are left out when absent; ``CreatedDate`` is a
    string of epoch seconds.
    """
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
    body["CreatedDate"] = None if value.created_at is None else epoch_text(value.created_at)
    try:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
        return json.dumps(body, separators=(",", ":")).encode()


def epoch_text(moment: datetime) -> str:
    """Write epoch seconds with no more of a fraction than there is: ``1569534789.046``."""
    # Through integers: a float of this size cannot hold microseconds exactly.
    seconds = int(moment.replace(microsecond=0).timestamp())
    fraction = f"{moment.microsecond:06d}".rstrip("0")
    return f"{seconds}.{fraction}" if fraction else str(seconds)
