"""Verifying Signature Version 4 (AWS4-HMAC-SHA256), in two steps: before the body, and with it.

The first step needs no body, so that nobody makes a server read one who does not hold a session.
Rules: AWS IAM user guide, "Create a signed AWS API request".
"""

import hashlib
import hmac
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from sidecar.credentials import Credentials
from sidecar.redaction import Secret
from sidecar.signing.authorization import ALGORITHM, Authorization, Headers, values_of
from sidecar.signing.canonical import (
    TERMINATOR,
    Request,
    Scope,
    amz_date,
    canonical_request,
    payload_hash,
    string_to_sign,
)
from sidecar.signing.not_authentic import Code, NotAuthentic

# How far the date of a signature may be off, either way.
TOLERANCE: Final = timedelta(minutes=5)

_MINUTES: Final = int(TOLERANCE.total_seconds()) // 60
_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_CONTENT_HASH: Final = "x-amz-content-sha256"
_SIGNATURE_HEADERS: Final = ("x-amz-date", "x-amz-security-token", _CONTENT_HASH)


def check_claim(
    headers: Headers,
    claim: Authorization,
    credentials: Credentials,
    *,
    services: Collection[str],
    now: datetime,
) -> None:
    """Check all of a signed request's head but the signature itself.

    That is: the session's token, its life, date, service, and which headers are covered. Not
    checked: the signature, the body, whether the region exists.

    Args:
        headers: as received, in order.
        claim: the request's ``Authorization``.
        credentials: the session that its key id belongs to.
        services: signing names that are served.
        now: the time of day.

    Raises:
        NotAuthentic: with the code and words that AWS's services use.

    """
    for name in _SIGNATURE_HEADERS:
        if len(values_of(headers, name)) > 1:
            raise NotAuthentic(Code.INCOMPLETE, f"More than one '{name}' header.")
    _check_token(headers, credentials, now)
    _check_service(claim.scope, services)
    _check_date(_date_of(headers), claim.scope, now)
    _check_coverage(headers, claim)


def check_signature(request: Request, claim: Authorization, credentials: Credentials) -> None:
    """Check the signature over a whole request, whose head `check_claim` has passed.

    Args:
        request: as received: the raw target, all headers in order, the body.
        claim: its ``Authorization``.
        credentials: the session that its key id belongs to.

    Raises:
        NotAuthentic: another signature, or a stated payload hash that is not the body's.

    """
    stated = values_of(request.headers, _CONTENT_HASH)
    if stated and stated[0] != payload_hash(request.body):
        raise NotAuthentic(
            Code.INVALID, f"The '{_CONTENT_HASH}' header does not match what was computed."
        )
    canonical = canonical_request(request, claim.signed_headers)
    text = string_to_sign(ALGORITHM, _date_of(request.headers), claim.scope, canonical)
    expected = signature(credentials.secret_access_key, claim.scope, text)
    if not hmac.compare_digest(expected, claim.signature):
        raise NotAuthentic(
            Code.INVALID,
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation for "
            "details.",
        )


def signature(secret_access_key: Secret, scope: Scope, text: bytes) -> str:
    """Sign a string to sign with the key derived for a scope; 64 hexadecimal digits."""
    key = b"AWS4" + secret_access_key.encoded()
    for each in (scope.day, scope.region, scope.service, TERMINATOR):
        key = _hmac(key, each.encode())
    return _hmac(key, text).hex()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _check_token(headers: Headers, credentials: Credentials, now: datetime) -> None:
    given = values_of(headers, "x-amz-security-token")
    presented = given[0].encode("utf-8", "surrogatepass") if given else b""
    if not credentials.session_token.matches(presented):
        raise NotAuthentic(
            Code.UNRECOGNIZED, "The security token included in the request is invalid."
        )
    if credentials.expired(now):
        raise NotAuthentic(Code.EXPIRED, "The security token included in the request is expired")


def _check_service(scope: Scope, services: Collection[str]) -> None:
    if scope.service not in services:
        names = " or ".join(f"'{each}'" for each in sorted(services))
        raise NotAuthentic(
            Code.INVALID, f"Credential should be scoped to correct service: {names}."
        )


def _date_of(headers: Headers) -> str:
    given = values_of(headers, "x-amz-date")
    if not given:
        # A Date header would do for AWS; no SDK relies on it.
        raise NotAuthentic(
            Code.INCOMPLETE, "Authorization header requires existence of a 'X-Amz-Date' header."
        )
    return given[0]


def _check_date(date: str, scope: Scope, now: datetime) -> None:
    signed_at = _moment(date)
    if date[:8] != scope.day:
        raise NotAuthentic(
            Code.INVALID,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{scope.day}' != '{date[:8]}', from '{date}'.",
        )
    earliest, latest = now - TOLERANCE, now + TOLERANCE
    if signed_at < earliest:
        raise NotAuthentic(
            Code.INVALID,
            f"Signature expired: {date} is now earlier than {amz_date(earliest)} "
            f"({amz_date(now)} - {_MINUTES} min.)",
        )
    if signed_at > latest:
        raise NotAuthentic(
            Code.INVALID,
            f"Signature not yet current: {date} is still later than {amz_date(latest)} "
            f"({amz_date(now)} + {_MINUTES} min.)",
        )


def _moment(date: str) -> datetime:
    try:
        if not _DATE.fullmatch(date):
            raise ValueError  # noqa: TRY301 - the same sentence for both
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise NotAuthentic(
            Code.INCOMPLETE, "Date must be in ISO-8601 'basic format': YYYYMMDDTHHMMSSZ."
        ) from None


def _check_coverage(headers: Headers, claim: Authorization) -> None:
    """Want Host and every ``X-Amz-…`` header signed: they say what is asked of whom."""
    present = {name.lower() for name, _ in headers}
    wanted = {"host", *(name for name in present if name.startswith("x-amz-"))}
    for name in sorted(wanted - set(claim.signed_headers)):
        raise NotAuthentic(
            Code.INVALID, f"'{name}' must be a 'SignedHeader' in the AWS Authorization."
        )
    if absent := sorted(set(claim.signed_headers) - present):
        raise NotAuthentic(Code.INVALID, f"Signed header '{absent[0]}' is not in the request.")
