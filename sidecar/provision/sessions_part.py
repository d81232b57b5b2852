"""What sessions need: authority, trust anchor, role, profile, and a list of the revoked."""

from collections.abc import Iterator
from typing import Final

from sidecar.provision.naming import ACCOUNT, WORKLOAD_POLICY, arn, global_arn, named
from sidecar.provision.policy_text import allow, document, from_service, json_text
from sidecar.provision.resource import (
    Attribute,
    Parameter,
    Ref,
    Reference,
    Resource,
    Surroundings,
    Text,
    Value,
)
from sidecar.provision.wish import LONGEST_PARAMETER, PrivateAuthority, Wish

ANCHOR_ARN: Final = Attribute("TrustAnchor", "TrustAnchorArn")
# All three, or CreateSession is refused.
# https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
_ACTIONS: Final = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
# What a role's MaxSessionDuration may be at the least.
_LEAST_MAXIMUM: Final = 3600
# Days before the end at which AWS tells of it: authorities are renewed by hand, leaves are not.
_NOTICES: Final = {"CA_CERTIFICATE_EXPIRY": 45, "END_ENTITY_CERTIFICATE_EXPIRY": 3}
_ACTIVATED: Final = ("AuthorityActivation",)


def session_resources(wish: Wish) -> Iterator[Resource]:
    """Give them, each after what it needs."""
    authority = wish.authority
    if isinstance(authority, PrivateAuthority):
        yield from _private_authority(authority)
        yield _anchor("AWS_ACM_PCA", {"AcmPcaArn": Attribute("Authority", "Arn")}, _ACTIVATED)
    else:
        bundle = parameter_or_text("CaBundle", authority.bundle)
        yield _anchor("CERTIFICATE_BUNDLE", {"X509CertificateData": bundle})
    if wish.revocation_list is not None:
        yield _revocation_list(wish.revocation_list)
    statements = _permissions(wish)
    yield _role(wish, statements)
    yield _profile(wish, statements)


def parameter_or_text(name: str, text: str) -> Value:
    """Give a parameter, or the text itself where it is too long for one."""
    return Parameter(name) if len(text.encode()) <= LONGEST_PARAMETER else text


def _private_authority(authority: PrivateAuthority) -> Iterator[Resource]:
    mode = "SHORT_LIVED_CERTIFICATE" if authority.short_lived else "GENERAL_PURPOSE"
    signing = "SHA256WITHECDSA"
    yield Resource(
        "Authority",
        "AWS::ACMPCA::CertificateAuthority",
        {
            "Type": "ROOT",
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": signing,
            "UsageMode": mode,
            "Subject": {
                "CommonName": authority.common_name,
                "Organization": authority.organization,
            },
        },
    )
    yield Resource(
        "AuthorityCertificate",
        "AWS::ACMPCA::Certificate",
        {
            "CertificateAuthorityArn": Attribute("Authority", "Arn"),
            "CertificateSigningRequest": Attribute("Authority", "CertificateSigningRequest"),
            "SigningAlgorithm": signing,
            "TemplateArn": global_arn("acm-pca", "template/RootCACertificate/V1"),
            "Validity": {"Type": "YEARS", "Value": authority.years},
        },
    )
    yield Resource(
        "AuthorityActivation",
        "AWS::ACMPCA::CertificateAuthorityActivation",
        {
            "CertificateAuthorityArn": Attribute("Authority", "Arn"),
            "Certificate": Attribute("AuthorityCertificate", "Certificate"),
            "Status": "ACTIVE",
        },
    )


def _anchor(
    source_type: str, source_data: dict[str, Value], depends_on: tuple[str, ...] = ()
) -> Resource:
    notices: list[Value] = [
        {"Enabled": True, "Event": event, "Threshold": days, "Channel": "ALL"}
        for event, days in _NOTICES.items()
    ]
    return Resource(
        "TrustAnchor",
        "AWS::RolesAnywhere::TrustAnchor",
        {
            "Name": named("anchor"),
            "Enabled": True,
            "Source": {"SourceType": source_type, "SourceData": source_data},
            "NotificationSettings": notices,
        },
        depends_on,
    )


def _revocation_list(text: str) -> Resource:
    return Resource(
        "RevocationList",
        "AWS::RolesAnywhere::CRL",
        {
            "Name": named("revoked"),
            "Enabled": True,
            "CrlData": parameter_or_text("RevocationListPem", text),
            "TrustAnchorArn": ANCHOR_ARN,
        },
    )


def _role(wish: Wish, statements: list[dict[str, Value]]) -> Resource:
    properties: dict[str, Value] = {
        "RoleName": named("workload"),
        "AssumeRolePolicyDocument": document(_trust(wish)),
        "MaxSessionDuration": max(_LEAST_MAXIMUM, wish.sessions.duration_seconds),
    }
    if statements:
        properties["Policies"] = [
            {"PolicyName": WORKLOAD_POLICY, "PolicyDocument": document(*statements)}
        ]
    return Resource("WorkloadRole", "AWS::IAM::Role", properties)


def _trust(wish: Wish) -> dict[str, Value]:
    equal: dict[str, Value] = {"aws:SourceAccount": ACCOUNT}
    if wish.sessions.common_names:
        equal["aws:PrincipalTag/x509Subject/CN"] = list(wish.sessions.common_names)
    condition: dict[str, Value] = {
        "ArnEquals": {"aws:SourceArn": ANCHOR_ARN},
        "StringEquals": equal,
    }
    if wish.sessions.source_identities:
        condition["StringLike"] = {"sts:SourceIdentity": list(wish.sessions.source_identities)}
    return from_service("rolesanywhere", _ACTIONS, Condition=condition)


def session_policy_length(wish: Wish) -> int:
    """Say about how long the session policy is once its references are filled in."""
    policy = _session_policy(wish, _permissions(wish))
    if isinstance(policy, str):
        return len(policy)
    return sum(
        len(each) if isinstance(each, str) else _filled_length(each) for each in policy.pieces
    )


def _filled_length(reference: Reference) -> int:
    """Reckon an account's id or a region as fourteen characters, and anything else as an ARN."""
    return 14 if isinstance(reference, Surroundings) else 90


def _session_policy(wish: Wish, statements: list[dict[str, Value]]) -> str | Text:
    if wish.sessions.policy is not None:
        return wish.sessions.policy
    return json_text(document(*statements)) if statements else ""


def _profile(wish: Wish, statements: list[dict[str, Value]]) -> Resource:
    properties: dict[str, Value] = {
        "Name": named("profile"),
        "Enabled": True,
        "RoleArns": [Attribute("WorkloadRole", "Arn")],
        "DurationSeconds": wish.sessions.duration_seconds,
        "AcceptRoleSessionName": False,
    }
    if policy := _session_policy(wish, statements):
        properties["SessionPolicy"] = policy
    return Resource("Profile", "AWS::RolesAnywhere::Profile", properties)


def _permissions(wish: Wish) -> list[dict[str, Value]]:
    """Say what sessions may do: read these secrets, and little else."""
    reach, found = wish.reach, list[dict[str, Value]]()
    secrets: list[Value] = [arn("secretsmanager", f"secret:{_ended(n)}") for n in reach.secrets]
    if wish.rotation is not None:
        secrets.append(Ref("RotatedSecret"))
    if secrets:
        read = ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret")
        found.append(allow(read, secrets))
        # It knows no resource, and gives only secrets that GetSecretValue is allowed on.
        found.append(allow(("secretsmanager:BatchGetSecretValue",), "*"))
    if wish.events is not None and wish.events.queue:
        take = ("sqs:ReceiveMessage", "sqs:DeleteMessage")
        found.append(allow(take, Attribute("ChangeQueue", "Arn")))
    if reach.list_buckets:
        found.append(allow(("s3:ListAllMyBuckets",), "*"))
    if reach.buckets:
        found.append(allow(("s3:GetObject",), [global_arn("s3", f"{b}/*") for b in reach.buckets]))
    if reach.kms_keys:
        found.append(allow(("kms:Decrypt",), list(reach.kms_keys)))
    if reach.functions:
        functions = [arn("lambda", f"function:{each}") for each in reach.functions]
        found.append(allow(("lambda:InvokeFunction",), functions))
    return found


def _ended(name: str) -> str:
    """Add the six characters that AWS puts at the end of a secret's ARN."""
    return name if name.endswith("*") else f"{name}-??????"
