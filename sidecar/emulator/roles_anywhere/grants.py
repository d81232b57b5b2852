"""What a session is to be: its name, length, source identity, tags and policies.

Rules: IAM Roles Anywhere user guide, "CreateSession API", "Source identity", "Certificate attribute
mapping"; STS API reference, AssumeRole, for what STS takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography import x509

from sidecar.arn import Arn
from sidecar.emulator.json_text import from_json
from sidecar.emulator.policy import parse_policy
from sidecar.emulator.principals import managed_policy_documents
from sidecar.emulator.role_sessions import Grant
from sidecar.emulator.roles_anywhere.attribute_mapping import (
    is_tag_value,
    session_tags,
    unmapped_sentence,
)
from sidecar.emulator.roles_anywhere.end_entity import hex_serial, source_identity
from sidecar.emulator.roles_anywhere.entities import Profile
from sidecar.emulator.roles_anywhere.session_refusals import denied, not_assumable
from sidecar.emulator.roles_anywhere.session_request import SessionRequest

# AssumeRole: "Policy … Maximum length of 2048", "You can provide up to 10 managed policy ARNs".
_LONGEST_POLICY: Final = 2048
_MOST_MANAGED_POLICIES: Final = 10


@dataclass(frozen=True, slots=True)
class Tags:
    """The attributes that a profile maps: what become tags, and the keys of what cannot.

    The user guide says that the latter are ignored; reports from the field have them in refusals.
    """

    tags: Mapping[str, str]
    unmapped: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What the service says about those that cannot be; empty when there are none."""
        return unmapped_sentence(self.unmapped) if self.unmapped else ""


def tags_of(leaf: x509.Certificate, profile: Profile) -> Tags:
    """Map the attributes of a certificate as its profile wants it."""
    mapped = session_tags(leaf, profile.attribute_mappings)
    tags = {key: value for key, value in mapped.items() if is_tag_value(value)}
    return Tags(tags, tuple(key for key in mapped if key not in tags))


def grant_of(leaf: x509.Certificate, profile: Profile, wanted: SessionRequest, tags: Tags) -> Grant:
    """Put together what the role shall be assumed with.

    Does not check what the role says to it (`trust_policy` and `sessions` do).

    Raises:
        AwsError: AccessDeniedException; the role is not in the profile, a session name is not
            accepted, or STS would not take the source identity or the session policies.
        PolicyNotUnderstood: the emulator cannot evaluate a session policy.
    """
    if str(wanted.role_arn) not in profile.role_arns:
        raise denied(f"Role {wanted.role_arn} is not listed in the profile")
    if wanted.role_session_name is not None and not profile.accept_role_session_name:
        raise denied("Not authorized to set roleSessionName.")
    identity = source_identity(leaf)
    # CreateSession's sourceIdentity has the same characters as a tag's value.
    if not is_tag_value(identity):
        raise not_assumable(wanted.role_arn, tags.sentence)
    asked = wanted.duration_seconds or profile.duration_seconds
    return Grant(
        role_arn=wanted.role_arn,
        session_name=wanted.role_session_name or hex_serial(leaf),
        duration=timedelta(seconds=min(asked, profile.duration_seconds)),
        source_identity=identity,
        session_policies=_session_policies(profile, wanted.role_arn),
        tags=tags.tags,
    )


def _session_policies(profile: Profile, role: Arn) -> tuple[str, ...]:
    inline, arns = profile.session_policy, profile.managed_policy_arns
    if len(inline or "") > _LONGEST_POLICY or len(arns) > _MOST_MANAGED_POLICIES:
        raise not_assumable(role)
    try:
        managed = managed_policy_documents(arns, account=role.account, partition=role.partition)
    except LookupError:
        raise not_assumable(role) from None
    documents = (*([inline] if inline else []), *managed)
    for document in documents:
        _check_policy(document, role)
    return documents


def _check_policy(document: str, role: Arn) -> None:
    try:
        from_json(document)
    except ValueError:
        raise not_assumable(role) from None
    parse_policy(document)
