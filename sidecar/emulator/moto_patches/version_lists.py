"""ListSecretVersionIds tells when a version was made, and leaves out those without a label.

moto gives the present time for a date, the name for the ARN, and every version whatever is asked.
"""

import json
from contextlib import AbstractContextManager
from typing import Any, Final

from moto.secretsmanager.responses import SecretsManagerResponse

from sidecar.emulator.moto_patches.replacing import replaced

_LONGEST_PAGE: Final = 100


def applied() -> AbstractContextManager[None]:
    """List versions anew."""
    return replaced(SecretsManagerResponse, "list_secret_version_ids", _list)


def _list(response: Any) -> str:
    get = response._get_param  # noqa: SLF001 - moto's handlers have no other
    secret = response.backend.describe_secret(get("SecretId"))
    versions = [
        {
            "VersionId": version_id,
            "VersionStages": list(version["version_stages"]),
            "CreatedDate": version["createdate"],
        }
        for version_id, version in list(secret.versions.items())
        if version["version_stages"] or get("IncludeDeprecated")
    ]
    start, size = int(get("NextToken") or 0), int(get("MaxResults") or _LONGEST_PAGE)
    end = start + size
    return json.dumps(
        {
            "ARN": secret.arn,
            "Name": secret.name,
            "Versions": versions[start:end],
            "NextToken": str(end) if end < len(versions) else None,
        }
    )
