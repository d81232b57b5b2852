"""What a refusal by STS means, and who must do what about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sidecar.arn import Arn
from sidecar.aws.refused_credentials import CREDENTIALS_REFUSED
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.signing.clock_skew import about_the_date, ahead_of_us
from sidecar.signing.http_reply import Reply
from sidecar.signing.refusal import told
from sidecar.signing.remote_text import printable
from sidecar.signing.throttling import THROTTLING, TOO_MANY_REQUESTS

# Codes that a later attempt may not meet again; STS sends most of them with status 400.
_PASSING_CODES: Final = (
    THROTTLING
    | CREDENTIALS_REFUSED
    | {"IDPCommunicationError", "InternalFailure", "ServiceUnavailable"}
)
_SERVER_ERROR: Final = 500

# Hints by a part of AWS's words, in lower case; the first that fits wins over those by code.
_BY_WORDS: Final = (
    ("role chaining", "AWS limits a chained role's session to one hour: ask for 3600 or less"),
    ("maxsessionduration", "ask for less, or raise the role's maximum session duration"),
    (
        "sts:tagsession",
        (
            "with session tags the role's trust policy, and the policies of who assumes it, must "
            "allow sts:TagSession too"
        ),
    ),
    (
        "sts:setsourceidentity",
        (
            "a session from Roles Anywhere carries a source identity: the role's trust policy, and "
            "the policies of who assumes it, must allow sts:SetSourceIdentity too"
        ),
    ),
)
_BY_CODE: Final = {
    "ExpiredToken": "the credentials that assume the role have expired; they are renewed",
    "InvalidClientTokenId": "the region may not be enabled in the account that assumes the role",
    "SignatureDoesNotMatch": "check this machine's clock, and what stands between here and AWS",
    "ExpiredTokenException": "the token has expired: what writes the token file must renew it",
    "InvalidIdentityToken": (
        "the token's issuer must be an OIDC provider in the role's account, its audience one of "
        "that provider's client ids, and its signing key published by the issuer"
    ),
    "IDPRejectedClaim": "the token's issuer refused it: it may have been revoked",
    "IDPCommunicationError": "AWS could not reach the token's issuer: its URL must be public",
    "RegionDisabledException": (
        "activate STS for this region in IAM's account settings, or set the role's region"
    ),
    "PackedPolicyTooLarge": (
        "session policy and session tags are too long together: shorten them, or move statements "
        "into a managed policy"
    ),
    "MalformedPolicyDocument": "the session policy is not a valid IAM policy",
}


def refusal(
    response: Mapping[str, Any], role: Arn, credentials: Credentials | None, *, now: datetime
) -> UpstreamError:
    """Explain an answer of STS that is an error.

    Args:
        response: botocore's view of it.
        role: the role that was asked for.
        credentials: what the request was signed with; None when it was not.
        now: when it came, by this machine's clock.

    """
    error = response.get("Error", {})
    code, words = printable(str(error.get("Code", ""))), printable(str(error.get("Message", "")))
    reply = reply_of(response)
    if code.isdecimal():  # botocore's stand-in for a body that is not AWS's
        code = ""
    answer = f"{reply.status} {code}".strip()
    message = ": ".join(filter(None, ("STS refused the session", answer, words)))
    if about_the_date(code, words):
        hint = f"this machine's clock {told(ahead_of_us(reply, now))}: set it, by NTP"
    else:
        hint = _hint(code, words, role, credentials)
    server = reply.status >= _SERVER_ERROR or reply.status == TOO_MANY_REQUESTS
    if not server and code not in _PASSING_CODES:
        return UpstreamRefused(message, hint=hint, status=reply.status, code=code)
    return UpstreamUnavailable(
        message,
        hint=hint,
        status=reply.status,
        code=code,
        retry_after_seconds=reply.retry_after_seconds(now),
    )


def reply_of(response: Mapping[str, Any]) -> Reply:
    """Give status and headers of an answer; botocore has read its body."""
    metadata = response.get("ResponseMetadata", {})
    return Reply(metadata.get("HTTPStatusCode", 0), metadata.get("HTTPHeaders", {}), b"")


def _hint(code: str, words: str, role: Arn, credentials: Credentials | None) -> str:
    folded = words.lower()
    by_words = next((hint for marker, hint in _BY_WORDS if marker in folded), None)
    if by_words is not None:
        return by_words
    if code in ("AccessDenied", "AccessDeniedException"):
        return _access_denied(role, credentials)
    return _BY_CODE.get(code, "docs/roles.md lists what STS wants")


def _access_denied(role: Arn, credentials: Credentials | None) -> str:
    if credentials is None:
        return (
            f"the trust policy of {role} must allow the token's OIDC provider "
            "sts:AssumeRoleWithWebIdentity, and its conditions must fit the token's sub and aud"
        )
    return (
        f"the trust policy of {role} must allow {credentials.role_arn} sts:AssumeRole (and "
        "sts:SetSourceIdentity behind Roles Anywhere, sts:TagSession with tags) with the external "
        "id configured here, and the policies of the latter must allow it as well"
    )
