"""What is known of each value that is given where the resources are created."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ParameterFacts:
    """One parameter.

    Attributes:
        says: what it is, for whoever fills it in.
        pattern: what the whole text must fit; None for any text, or a number.
        numbers: the smallest and the largest, where it is a number.

    """

    says: str
    pattern: str | None = None
    numbers: tuple[int, int] | None = None


_HOURS: Final = (1, 8760)

PARAMETERS: Final = {
    "Name": ParameterFacts(
        "What the names of everything begin with", r"[a-z][a-z0-9-]{0,22}[a-z0-9]"
    ),
    "CaBundle": ParameterFacts("Certificate of the authority, in PEM"),
    "RevocationListPem": ParameterFacts("List of revoked certificates, in PEM; empty for none"),
    "UserName": ParameterFacts(
        "IAM user whose access key is rotated; made for this alone", r"[A-Za-z0-9_+=,.@-]{1,64}"
    ),
    "SecretName": ParameterFacts("Secret that holds the key", r"[A-Za-z0-9/_+=.@-]{1,512}"),
    "ScheduleExpression": ParameterFacts(
        "When it is rotated, in UTC: rate(...) or cron(...)", r"(rate|cron)\(.+\)"
    ),
    "GraceHours": ParameterFacts("How long the previous key stays active", numbers=_HOURS),
    "RecoveryHours": ParameterFacts("How long it is then kept, deactivated", numbers=_HOURS),
    "CodeBucket": ParameterFacts(
        "Bucket with the zip that make lambda builds", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
    ),
    "CodeKey": ParameterFacts("Key of that zip in the bucket", r".{1,1024}"),
    "HomeRegion": ParameterFacts(
        "Region of the stack whose topic is told", r"[a-z]{2}(-[a-z]+)+-\d"
    ),
    "SlackWorkspaceId": ParameterFacts(
        "Slack workspace that this account is connected with", r"[0-9A-Z]{0,255}"
    ),
    "SlackChannelId": ParameterFacts("Slack channel that is told; empty for none", r"[A-Za-z0-9]*"),
}
