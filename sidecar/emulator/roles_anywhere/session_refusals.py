"""How CreateSession refuses, in the service's words where they are known."""

from sidecar.arn import Arn
from sidecar.emulator.error_shapes import AwsError


def denied(message: str) -> AwsError:
    """The caller may not have a session."""
    return AwsError(403, "AccessDeniedException", message)


def not_found(message: str) -> AwsError:
    """The trust anchor or the profile does not exist."""
    return AwsError(404, "ResourceNotFoundException", message)


def not_assumable(role: Arn, detail: str = "") -> AwsError:
    """STS would not let Roles Anywhere assume the role; mostly the service does not say why."""
    return denied(f"Unable to assume role for {role}" + (f". {detail}" if detail else ""))
