"""Whether a role's trust policy lets Roles Anywhere assume it for a certificate.

Rules: IAM Roles Anywhere user guide, "Trust model", section "Trust policy".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sidecar.arn import Arn
from sidecar.emulator.policy import Decision, Question, evaluate

_SERVICE: Final = frozenset({"Service:rolesanywhere.amazonaws.com"})
_ACTIONS: Final = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


@dataclass(frozen=True, slots=True)
class Assumption:
    """Roles Anywhere's wish to assume a role on behalf of a certificate."""

    role_arn: Arn
    anchor_arn: Arn
    session_name: str
    source_identity: str
    tags: Mapping[str, str]

    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that the trust policy may use."""
        keys = {
            "aws:SourceArn": str(self.anchor_arn),
            "aws:SourceAccount": self.anchor_arn.account,
            "sts:SourceIdentity": self.source_identity,
            "aws:SourceIdentity": self.source_identity,
            "sts:RoleSessionName": self.session_name,
        }
        for key, value in self.tags.items():
            keys[f"aws:PrincipalTag/{key}"] = value
            keys[f"aws:RequestTag/{key}"] = value
        return {key: (value,) for key, value in keys.items()}


def is_trusted(document: str, assumption: Assumption) -> bool:
    """Whether all three actions are allowed to the service; AWS needs every one of them.

    Raises:
        PolicyNotUnderstood: the document cannot be evaluated.
    """
    context = assumption.context()
    role = str(assumption.role_arn)
    questions = (Question(action, role, context, _SERVICE) for action in _ACTIONS)
    return all(evaluate([document], each) is Decision.ALLOWED for each in questions)
