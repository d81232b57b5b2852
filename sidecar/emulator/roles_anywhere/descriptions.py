"""How the control plane describes its resources in answers."""

from sidecar.clock import iso_seconds
from sidecar.emulator.roles_anywhere.store import Profile, Resource, TrustAnchor


def describe(resource: Resource) -> dict[str, object]:
    """Give a resource the form of its detail shape, under the member that holds it."""
    if isinstance(resource, TrustAnchor):
        return {"trustAnchor": _trust_anchor(resource)}
    return {"profile": _profile(resource)}


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
        "createdBy": profile.created_by,
        "createdAt": iso_seconds(profile.created_at),
        "updatedAt": iso_seconds(profile.updated_at),
    }
    if profile.session_policy is not None:
        described["sessionPolicy"] = profile.session_policy
    return described
