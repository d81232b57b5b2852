"""How the control plane describes its resources in answers."""

import base64

from sidecar.clock import iso_seconds
from sidecar.emulator.roles_anywhere.attribute_mapping import Mappings
from sidecar.emulator.roles_anywhere.entities import Crl, Profile, Resource, Subject, TrustAnchor


def describe(resource: Resource) -> dict[str, object]:
    """Give a resource the form of its detail shape, under the member that holds it."""
    match resource:
        case TrustAnchor():
            return {"trustAnchor": _trust_anchor(resource)}
        case Profile():
            return {"profile": _profile(resource)}
        case Crl():
            return {"crl": _crl(resource)}
        case Subject():
            return {"subject": _subject(resource)}


def summarise(resource: Resource) -> object:
    """Give a resource the form that lists show: for a subject without what was presented."""
    [described] = describe(resource).values()
    if isinstance(resource, Subject) and isinstance(described, dict):
        return {
            name: value
            for name, value in described.items()
            if name not in {"credentials", "instanceProperties"}
        }
    return described


def _trust_anchor(anchor: TrustAnchor) -> dict[str, object]:
    return {
        "trustAnchorId": anchor.identifier,
        "trustAnchorArn": anchor.arn,
        "name": anchor.name,
        "source": dict(anchor.source),
        "enabled": anchor.enabled,
        "notificationSettings": [dict(each) for each in anchor.notification_settings],
        "createdAt": iso_seconds(anchor.created_at),
        "updatedAt": iso_seconds(anchor.updated_at),
    }


def _profile(profile: Profile) -> dict[str, object]:
    described: dict[str, object] = {
        "profileId": profile.identifier,
        "profileArn": profile.arn,
        "name": profile.name,
        "roleArns": list(profile.role_arns),
        "managedPolicyArns": list(profile.managed_policy_arns),
        "durationSeconds": profile.duration_seconds,
        "enabled": profile.enabled,
        "acceptRoleSessionName": profile.accept_role_session_name,
        "requireInstanceProperties": profile.require_instance_properties,
        "attributeMappings": _mappings(profile.attribute_mappings),
        "createdBy": profile.created_by,
        "createdAt": iso_seconds(profile.created_at),
        "updatedAt": iso_seconds(profile.updated_at),
    }
    if profile.session_policy is not None:
        described["sessionPolicy"] = profile.session_policy
    return described


def _mappings(mappings: Mappings) -> list[dict[str, object]]:
    return [
        {
            "certificateField": field,
            "mappingRules": [{"specifier": specifier} for specifier in mappings[field]],
        }
        for field in sorted(mappings)
    ]


def _crl(crl: Crl) -> dict[str, object]:
    return {
        "crlId": crl.identifier,
        "crlArn": crl.arn,
        "name": crl.name,
        "crlData": base64.b64encode(crl.data).decode(),
        "enabled": crl.enabled,
        "trustAnchorArn": crl.trust_anchor_arn,
        "createdAt": iso_seconds(crl.created_at),
        "updatedAt": iso_seconds(crl.updated_at),
    }


def _subject(subject: Subject) -> dict[str, object]:
    return {
        "subjectId": subject.identifier,
        "subjectArn": subject.arn,
        "x509Subject": subject.x509_subject,
        "enabled": subject.enabled,
        "createdAt": iso_seconds(subject.created_at),
        "updatedAt": iso_seconds(subject.updated_at),
        "lastSeenAt": iso_seconds(subject.updated_at),
        "credentials": [
            {
                "serialNumber": each.serial_number,
                "issuer": each.issuer,
                "x509CertificateData": each.pem,
                "enabled": True,
                "seenAt": iso_seconds(each.seen_at),
                "failed": each.failed,
            }
            for each in subject.credentials
        ],
        "instanceProperties": [
            {
                "properties": dict(each.properties),
                "seenAt": iso_seconds(each.seen_at),
                "failed": each.failed,
            }
            for each in subject.instance_properties
        ],
    }
