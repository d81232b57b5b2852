"""Signature Version 4, the verifying side: what a request claims, and whether it is true.

Written from "Create a signed AWS API request" and "Authenticating requests: using query parameters"
(AWS documentation), independently of the sidecar's own signer.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sidecar.emulator.canonical_request import CanonicalForm, string_to_sign
from sidecar.emulator.refusals import NotLetIn, Refusal
from sidecar.emulator.request import Request
from sidecar.redaction import Secret

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_TERMINATOR: Final = "aws4_request"
_WINDOW: Final = timedelta(minutes=5)
# S3 alone is documented with a wider window ("RequestTimeTooSkewed").
_S3_WINDOW: Final = timedelta(minutes=15)
_LONGEST_PRESIGNED: Final = timedelta(days=7)
_FIELDS: Final = ("Credential", "Signature", "SignedHeaders")
_UNHASHED: Final = re.compile(r"UNSIGNED-PAYLOAD|STREAMING-[A-Z0-9-]+")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its own signature; `expires` is set for presigned URLs only."""

    access_key_id: str
    date: str
    region: str
    service: str
    amz_date: str
    signed_headers: tuple[str, ...]
    signature: str
    session_token: str
    expires: timedelta | None = None

    @property
    def scope(self) -> str:
        """The credential scope."""
        return f"{self.date}/{self.region}/{self.service}/{_TERMINATOR}"


def claim_of(request: Request) -> Claim:
    """Read the claim from the Authorization header or, for a presigned URL, from the query.

    Raises:
        NotLetIn: unsigned, or a signature that is not complete.
    """
    authorization = request.header("Authorization")
    query = dict(request.query_pairs())
    if authorization.startswith(ALGORITHM):
        return _header_claim(request, authorization)
    if authorization:
        raise NotLetIn(Refusal.INCOMPLETE, f"Authorization must start with '{ALGORITHM}'.")
    if query.get("X-Amz-Algorithm") == ALGORITHM:
        return _query_claim(query)
    raise NotLetIn(Refusal.UNSIGNED)


def verify_signature(request: Request, claim: Claim, secret: Secret, now: datetime) -> None:
    """Check date, scope and signature of a request against its key.

    Does not check: whether the key may be used, the session token, the chunk signatures of S3's
    streaming uploads (only their seed signature), or that headers beyond host, date and token are
    covered by the signature.

    Args:
        request: the request as received.
        claim: what `claim_of` read from it.
        secret: the secret access key that belongs to the claimed key id.
        now: wire time.

    Raises:
        NotLetIn: with the first check that fails.
    """
    _check_coverage(request, claim)
    _check_date(claim, now)
    form = CanonicalForm(
        signed_headers=claim.signed_headers,
        payload_hash=_payload_hash(request, claim),
        encode_path_twice=claim.service != "s3",
        without=("X-Amz-Signature",) if claim.expires is not None else (),
    )
    text = string_to_sign(ALGORITHM, claim.amz_date, claim.scope, form.of(request))
    expected = hmac.new(_signing_key(secret, claim), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise NotLetIn(Refusal.WRONG_SIGNATURE)


def _header_claim(request: Request, authorization: str) -> Claim:
    fields = dict(
        part.strip().split("=", 1)
        for part in authorization.removeprefix(ALGORITHM).split(",")
        if "=" in part
    )
    amz_date = request.header("X-Amz-Date")
    missing = [f"Authorization header requires '{name}' parameter." for name in _FIELDS]
    lacking = [text for name, text in zip(_FIELDS, missing, strict=True) if not fields.get(name)]
    if not amz_date:
        lacking.append("Authorization header requires existence of a 'X-Amz-Date' header.")
    if lacking:
        raise NotLetIn(Refusal.INCOMPLETE, " ".join(lacking))
    return _claim(fields, amz_date, request.header("X-Amz-Security-Token"))


def _query_claim(query: dict[str, str]) -> Claim:
    fields = {name: query.get(f"X-Amz-{name}", "") for name in _FIELDS}
    if not all(fields.values()) or not query.get("X-Amz-Expires", "").isdigit():
        raise NotLetIn(Refusal.INCOMPLETE, "A presigned URL lacks one of its query parameters.")
    expires = timedelta(seconds=int(query["X-Amz-Expires"]))
    if expires > _LONGEST_PRESIGNED:
        raise NotLetIn(Refusal.INCOMPLETE, "X-Amz-Expires must be less than a week (in seconds).")
    token = query.get("X-Amz-Security-Token", "")
    return _claim(fields, query.get("X-Amz-Date", ""), token, expires)


def _claim(
    fields: dict[str, str], amz_date: str, token: str, expires: timedelta | None = None
) -> Claim:
    parts = fields["Credential"].split("/")
    if len(parts) != 5 or parts[4] != _TERMINATOR:  # noqa: PLR2004 - key, date, region, service, end
        raise NotLetIn(
            Refusal.INCOMPLETE,
            "Credential must have exactly 5 slash-delimited elements, "
            f"e.g. keyid/date/region/service/term, got '{fields['Credential']}'",
        )
    return Claim(
        access_key_id=parts[0],
        date=parts[1],
        region=parts[2],
        service=parts[3],
        amz_date=amz_date,
        signed_headers=tuple(fields["SignedHeaders"].split(";")),
        signature=fields["Signature"],
        session_token=token,
        expires=expires,
    )


def _check_coverage(request: Request, claim: Claim) -> None:
    required = ["host"]
    if claim.expires is None:
        required.append("x-amz-date")
        if request.header_values("X-Amz-Security-Token"):
            required.append("x-amz-security-token")
    for name in required:
        if name not in claim.signed_headers:
            detail = f"'{name}' must be a 'SignedHeader' in the AWS Authorization."
            raise NotLetIn(Refusal.WRONG_SIGNATURE, detail)


def _check_date(claim: Claim, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(claim.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        detail = f"Date must be in ISO-8601 'basic format'. Got '{claim.amz_date}'."
        raise NotLetIn(Refusal.INCOMPLETE, detail) from None
    if claim.amz_date[:8] != claim.date:
        raise NotLetIn(
            Refusal.WRONG_SIGNATURE,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{claim.date}' != '{claim.amz_date[:8]}', from '{claim.amz_date}'.",
        )
    if claim.expires is not None:
        _check_presigned(signed_at, claim.expires, now)
    else:
        _check_skew(claim, signed_at, now)


def _check_presigned(signed_at: datetime, expires: timedelta, now: datetime) -> None:
    if signed_at - now > _S3_WINDOW:
        raise NotLetIn(Refusal.SKEWED)
    if now > signed_at + expires:
        raise NotLetIn(Refusal.PRESIGNED_EXPIRED)


def _check_skew(claim: Claim, signed_at: datetime, now: datetime) -> None:
    window = _S3_WINDOW if claim.service == "s3" else _WINDOW
    if abs(signed_at - now) <= window:
        return
    if claim.service == "s3":
        raise NotLetIn(Refusal.SKEWED)
    limit = now - window if signed_at < now else now + window
    relation = "expired" if signed_at < now else "not yet current"
    compared = "earlier" if signed_at < now else "later"
    sign = "-" if signed_at < now else "+"
    raise NotLetIn(
        Refusal.SKEWED,
        f"Signature {relation}: {claim.amz_date} is {'now' if signed_at < now else 'still'} "
        f"{compared} than {_basic(limit)} ({_basic(now)} {sign} 5 min.)",
    )


def _basic(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _payload_hash(request: Request, claim: Claim) -> str:
    """The hash that was signed, after a check that it is the body's own."""
    computed = request.body_sha256
    stated = request.header("X-Amz-Content-Sha256")
    if claim.service != "s3":
        if stated and stated != computed:
            raise NotLetIn(Refusal.WRONG_PAYLOAD)
        return computed
    if claim.expires is not None and not stated:
        return "UNSIGNED-PAYLOAD"
    if _UNHASHED.fullmatch(stated):
        return stated
    if stated != computed:
        raise NotLetIn(Refusal.WRONG_PAYLOAD)
    return computed


def _signing_key(secret: Secret, claim: Claim) -> bytes:
    key = f"AWS4{secret.reveal()}".encode()
    for part in (claim.date, claim.region, claim.service, _TERMINATOR):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
