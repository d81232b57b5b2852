"""What is behind each refusal of CreateSession: a table from AWS's answer to likely causes.

AWS's words and what was behind them in the field; where AWS documents no words, those that it uses
elsewhere for the same. The first row that fits wins, so details stand before the sentence that they
are a part of. Names in braces are filled in from what was asked for.
"""

from typing import Final

from sidecar.signing.likely_cause import Cause, Row

_ROLES_ANYWHERE: Final = "aws --region {region} rolesanywhere"
_ANCHOR: Final = f"{_ROLES_ANYWHERE} get-trust-anchor --trust-anchor-id {{anchor_id}}"
_PROFILE: Final = f"{_ROLES_ANYWHERE} get-profile --profile-id {{profile_id}}"
_UPDATE_PROFILE: Final = f"{_ROLES_ANYWHERE} update-profile --profile-id {{profile_id}}"
_CRLS: Final = f"{_ROLES_ANYWHERE} list-crls"
_ROLE: Final = "aws iam get-role --role-name {role_name}"
_TRUST_POLICY: Final = f"{_ROLE} --query Role.AssumeRolePolicyDocument"

# These two are chosen by the dates of request and reply, which no table of words can do.
CLOCK: Final = Row(
    "the clock",
    (Cause("this machine's clock {skew}", "set it, by NTP (timedatectl shows how it stands)"),),
)
DELAY: Final = Row(
    "a delay",
    (
        Cause("this machine's clock is right by AWS's own date"),
        Cause("the request was under way for minutes", "look at the proxy"),
    ),
)

TABLE: Final = (
    Row(
        "the signature",
        (
            Cause(
                "something between here and AWS rewrites the request",
                "exempt {host} in NO_PROXY, or have Host, path and headers passed as they are",
            ),
            Cause("the endpoint expects another Host than {host}"),
        ),
        words=(
            "signature we calculated",
            "signature does not match",
            "missing authentication token",
            "authorization header",
            "must be signed",
            "x-amz-x509 header is missing",
        ),
        codes=frozenset(
            {"InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignatureException"}
        ),
    ),
    Row(
        "the region",
        (
            Cause(
                "{host} is not of {region}, the region of trust anchor and profile",
                "correct the endpoint or the ARNs",
            ),
        ),
        words=("should be scoped", "same account and region"),
    ),
    Row(
        "the session's duration",
        (
            Cause(
                "{duration} is more than the role allows",
                "ask for less, or: aws iam update-role --role-name {role_name} "
                "--max-session-duration SECONDS",
            ),
        ),
        words=("maxsessionduration",),
    ),
    Row(
        "attribute mappings",
        (
            Cause(
                "a value in the certificate is over 256 characters, or has some that a session tag "
                "may not have",
                "issue the certificate without it",
            ),
            Cause(
                "the profile maps what nobody needs",
                f"{_ROLES_ANYWHERE} delete-attribute-mapping --profile-id {{profile_id}} "
                "--certificate-field x509SAN (or x509Subject, x509Issuer)",
            ),
        ),
        words=("session tags", "attributes failed to be mapped"),
    ),
    Row(
        "the packed policy",
        (
            Cause(
                "session policy and session tags are too long together",
                f"shorten the profile's policy or map fewer attributes ({_PROFILE})",
            ),
        ),
        words=("packed",),
        codes=frozenset({"PackedPolicyTooLargeException", "PackedPolicyTooLarge"}),
    ),
    Row(
        "the session's name",
        (
            Cause(
                "the profile does not accept session names",
                f"{_UPDATE_PROFILE} --accept-role-session-name, or leave the session name out",
            ),
        ),
        words=("rolesessionname",),
    ),
    Row(
        "revocation",
        (
            Cause(
                "a revocation list of the trust anchor names the certificate or one of its issuers",
                f"issue a new one, from a new intermediate if an issuer is named; {_CRLS}",
            ),
        ),
        words=("revoked",),
    ),
    Row(
        "the revocation list",
        (
            Cause(
                "a revocation list of the trust anchor is out of date, or not signed by the CA",
                f"{_CRLS}, then update-crl",
            ),
        ),
        words=("revocation list",),
    ),
    Row(
        "the certificate's validity",
        (
            Cause("the certificate is good from {not_before} to {not_after}", "renew it"),
            Cause("an intermediate or the trust anchor's own certificate has expired", _ANCHOR),
        ),
        words=("certificate has expired", "certificate expired", "certificate is not yet valid"),
    ),
    Row(
        "the certificate's constraints",
        (
            Cause("the certificate lacks key usage digitalSignature"),
            Cause(
                "it is a CA's, has no subject, or is signed with SHA-1",
                "sidecar certs show says which",
            ),
        ),
        words=("insufficient certificate",),
    ),
    Row(
        "the chain",
        (
            Cause(
                "an intermediate is missing",
                "{intermediates} went with the certificate, and the last of all was issued by "
                "{issuer}; unless that is the trust anchor, add its certificate to the chain",
            ),
            Cause("the trust anchor holds another CA, or another key of that name", _ANCHOR),
            Cause("an issuer is not a CA, may not sign certificates, or is signed with SHA-1"),
        ),
        words=("untrusted",),
    ),
    Row(
        "a switch",
        (
            Cause(
                "the trust anchor is disabled",
                f"{_ROLES_ANYWHERE} enable-trust-anchor --trust-anchor-id {{anchor_id}}",
            ),
            Cause(
                "the profile is disabled",
                f"{_ROLES_ANYWHERE} enable-profile --profile-id {{profile_id}}",
            ),
        ),
        words=("disabled", "not enabled"),
    ),
    Row(
        "the profile's roles",
        (
            Cause(
                "the profile does not list {role}",
                f"{_UPDATE_PROFILE} --role-arns {{role}} and all that it lists already",
            ),
        ),
        words=("not listed", "not associated with the profile"),
    ),
    Row(
        "the role",
        (
            Cause(
                "the role's trust policy does not allow rolesanywhere.amazonaws.com all of "
                "sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity",
                _TRUST_POLICY,
            ),
            Cause(
                "a condition there is not met",
                "aws:SourceArn must be {anchor}, and the certificate must have what is asked of "
                "aws:PrincipalTag/x509Subject",
            ),
            Cause("account {account} has no such role, or the ARN lacks the role's path", _ROLE),
            Cause(
                "{duration} is more than the role allows",
                f"{_ROLE} --query Role.MaxSessionDuration",
            ),
            Cause("a control policy of the organization denies it"),
        ),
        words=("unable to assume role",),
    ),
    Row(
        "the ARNs",
        (
            Cause("the trust anchor is not there", _ANCHOR),
            Cause("the profile is not there", _PROFILE),
            Cause("they are in another account or region"),
        ),
        words=("not found", "does not exist"),
        codes=frozenset({"ResourceNotFoundException"}),
    ),
    Row(
        "a value",
        (
            Cause(
                "AWS does not take a value that was asked with, as its words say",
                "duration ({duration}), session name, or an ARN",
            ),
        ),
        codes=frozenset({"ValidationException"}),
    ),
    Row(
        "the size",
        (
            Cause(
                "the headers are too long for a proxy or for AWS",
                "send fewer intermediates ({intermediates} now), or exempt {host} in NO_PROXY",
            ),
        ),
        words=("too large", "larger than", "more than 5 certificates"),
        statuses=frozenset({413, 414, 431}),
    ),
    Row(
        "the proxy",
        (
            Cause(
                "the proxy wants a user and a password", "put them into HTTPS_PROXY or HTTP_PROXY"
            ),
        ),
        statuses=frozenset({407}),
    ),
    Row(
        "the endpoint",
        (Cause("{host} does not answer as AWS does", "check the endpoint and the proxy"),),
        statuses=frozenset({301, 302, 303, 307, 308, 400, 404, 405}),
    ),
    Row(
        "access",
        (
            Cause("the profile does not list the role, or it or the anchor is disabled", _PROFILE),
            Cause("the certificate has expired, was revoked or is of another CA", _ANCHOR),
            Cause("the role's trust policy does not allow it", _TRUST_POLICY),
        ),
        codes=frozenset({"AccessDeniedException", "AccessDenied"}),
    ),
    Row(
        "the way",
        (
            Cause("a firewall or proxy refused it, since AWS's answers have an error code"),
            Cause("{host} is not AWS's endpoint", "check it"),
        ),
        statuses=frozenset({401, 403}),
    ),
)

UNKNOWN: Final = Row("unknown", (Cause("docs/aws-setup.md lists what CreateSession wants"),))
