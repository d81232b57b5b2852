"""AWS Private CA: the authority, its own certificate, and its activation."""

from typing import Any, Final

from sidecar.provision.account import Account
from sidecar.provision.kinds.kind import Found, Kind, Wanted

_SERVICE: Final = "acm-pca"
_ABSENT: Final = "ResourceNotFoundException"
# The request, and then the certificate, are made some seconds after they were asked for.
_IN_PROGRESS: Final = (("RequestInProgressException", ""), ("InvalidStateException", ""))
_ACTIVE: Final = "ACTIVE"
_DELETED: Final = "DELETED"
# The shortest time in which an authority can be taken back.
_RECOVERY_DAYS: Final = 7


def _find_authority(account: Account, _wanted: Wanted) -> Found | None:
    """Look for the one with the stack's tag: authorities have no names."""
    listed = account.calls.listed(
        _SERVICE, "list_certificate_authorities", "CertificateAuthorities"
    )
    for each in listed:
        arn = each["Arn"]
        if each.get("Status") == _DELETED or not account.owns(_tags(account, arn)):
            continue
        properties = {
            **each.get("CertificateAuthorityConfiguration", {}),
            "Type": each.get("Type"),
            "UsageMode": each.get("UsageMode", "GENERAL_PURPOSE"),
        }
        return Found(arn, {"Arn": arn, **_request(account, arn)}, properties)
    return None


def _tags(account: Account, arn: str) -> list[Any]:
    return account.calls.listed(_SERVICE, "list_tags", "Tags", CertificateAuthorityArn=arn)


def _request(account: Account, arn: str) -> dict[str, str]:
    """Give the request for the authority's own certificate, as soon as there is one."""
    reply = account.patiently(
        _IN_PROGRESS,
        _SERVICE,
        "get_certificate_authority_csr",
        CertificateAuthorityArn=arn,
    )
    return {"CertificateSigningRequest": reply["Csr"]}


def _create_authority(account: Account, wanted: Wanted) -> None:
    properties = wanted.properties
    configuration = {
        name: properties[name] for name in ("KeyAlgorithm", "SigningAlgorithm", "Subject")
    }
    account.ask(
        _SERVICE,
        "create_certificate_authority",
        CertificateAuthorityConfiguration=configuration,
        CertificateAuthorityType=properties["Type"],
        # Two calls with one token within five minutes make one authority.
        IdempotencyToken=account.stack[:36],
        UsageMode=properties["UsageMode"],
        Tags=account.tags(),
    )


def _delete_authority(account: Account, found: Found) -> None:
    account.find(
        _ABSENT,
        _SERVICE,
        "delete_certificate_authority",
        CertificateAuthorityArn=found.ref,
        PermanentDeletionTimeInDays=_RECOVERY_DAYS,
    )


def _find_certificate(account: Account, wanted: Wanted) -> Found | None:
    held = account.find(
        (_ABSENT, "InvalidStateException"),
        _SERVICE,
        "get_certificate_authority_certificate",
        CertificateAuthorityArn=wanted.properties["CertificateAuthorityArn"],
    )
    if not held or not held.get("Certificate"):
        return None
    return Found(wanted.logical_id, {"Certificate": held["Certificate"]}, wanted.properties)


def _create_certificate(account: Account, wanted: Wanted) -> None:
    """Issue the root's certificate and give it to the authority, which has it only then."""
    properties = wanted.properties
    authority = {"CertificateAuthorityArn": properties["CertificateAuthorityArn"]}
    validity = properties["Validity"]
    issued = account.patiently(
        _IN_PROGRESS,
        _SERVICE,
        "issue_certificate",
        Csr=properties["CertificateSigningRequest"].encode(),
        SigningAlgorithm=properties["SigningAlgorithm"],
        TemplateArn=properties["TemplateArn"],
        Validity={"Type": validity["Type"], "Value": int(validity["Value"])},
        IdempotencyToken=account.stack[:36],
        **authority,
    )
    reply = account.patiently(
        _IN_PROGRESS,
        _SERVICE,
        "get_certificate",
        CertificateArn=issued["CertificateArn"],
        **authority,
    )
    account.ask(
        _SERVICE,
        "import_certificate_authority_certificate",
        Certificate=reply["Certificate"].encode(),
        **authority,
    )


def _status(account: Account, arn: str) -> str:
    reply = account.ask(_SERVICE, "describe_certificate_authority", CertificateAuthorityArn=arn)
    return str(reply["CertificateAuthority"]["Status"])


def _find_activation(account: Account, wanted: Wanted) -> Found | None:
    arn = wanted.properties["CertificateAuthorityArn"]
    status = _status(account, arn)
    if status not in (_ACTIVE, "DISABLED"):
        return None
    properties = {**wanted.properties, "Status": status}
    chain = {"CompleteCertificateChain": wanted.properties.get("Certificate", "")}
    return Found(arn, chain, properties)


def _activate(account: Account, wanted: Wanted, *_: object) -> None:
    _set_status(account, wanted.properties["CertificateAuthorityArn"], _ACTIVE)


def _disable(account: Account, found: Found) -> None:
    """Stop it: an authority that is active cannot be deleted."""
    if found.properties["Status"] == _ACTIVE:
        _set_status(account, found.ref, "DISABLED")


def _set_status(account: Account, arn: str, status: str) -> None:
    account.patiently(
        _IN_PROGRESS,
        _SERVICE,
        "update_certificate_authority",
        CertificateAuthorityArn=arn,
        Status=status,
    )


def _no_update(*_: object) -> None:
    """Do nothing: everything about it is compared with itself."""


KINDS: Final = {
    "AWS::ACMPCA::CertificateAuthority": Kind(
        "",
        _find_authority,
        _create_authority,
        _no_update,
        _delete_authority,
        fixed=frozenset({"Type", "KeyAlgorithm", "SigningAlgorithm", "Subject", "UsageMode"}),
    ),
    "AWS::ACMPCA::Certificate": Kind(
        "",
        _find_certificate,
        _create_certificate,
        _no_update,
        needs=("CertificateAuthorityArn",),
    ),
    "AWS::ACMPCA::CertificateAuthorityActivation": Kind(
        "",
        _find_activation,
        _activate,
        _activate,
        _disable,
        needs=("CertificateAuthorityArn",),
    ),
}
