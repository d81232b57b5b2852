"""What every SDK reads of a session, whichever door gives it."""

from sidecar.clock import iso_seconds
from sidecar.credentials import Credentials


def session_members(credentials: Credentials) -> dict[str, str]:
    """Give the members of a session's JSON: whole seconds, ``Z``, and the ``Code`` of a success."""
    return {
        "Code": "Success",
        "LastUpdated": iso_seconds(credentials.issued_at),
        "Type": "AWS-HMAC",
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.reveal(),
        "Token": credentials.session_token.reveal(),
        "Expiration": iso_seconds(credentials.expires_at),
    }
