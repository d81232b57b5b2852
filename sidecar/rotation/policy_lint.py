"""What a rotation needs and an IAM policy does not give, or gives too widely."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sidecar.rotation.policy_document import ALLOW, DENY, Statement, read_statements

# AWS's page on the permissions for rotation, and what access keys need besides.
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
_ON_THE_SECRET: Final = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
_USEFUL_ON_THE_SECRET: Final = ("secretsmanager:TagResource",)
_KEY_CHANGES: Final = ("iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:UpdateAccessKey")
_ON_THE_USER: Final = (*_KEY_CHANGES, "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed")
_OWN_NAME: Final = "${aws:username}"


class Severity(StrEnum):
    """An error makes a rotation fail; a warning may, or it gives more than is needed."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about a policy that somebody should act on.

    Args:
        action: the action that it is about, such as ``iam:CreateAccessKey``.
        severity: whether rotations fail by it.
        sentence: what is wrong; lower case, no full stop.
        hint: what to do about it.

    """

    action: str
    severity: Severity
    sentence: str
    hint: str


def lint_policy(document: str, *, user_arn: str, secret_arn: str) -> tuple[Finding, ...]:
    """Say what a rotation needs and a policy does not allow, and what it allows too widely.

    Judged is this one document alone. Other policies of the same principal, boundaries, the
    secret's own policy and its key's policy may allow more or less. Conditions, ``NotAction`` and
    ``NotResource`` are not judged, and said to be so.

    Args:
        document: the policy's JSON.
        user_arn: the user whose keys are rotated.
        secret_arn: the secret that holds them, its ARN with the six characters at its end.

    Raises:
        ValueError: the text is not a policy document.

    """
    statements = read_statements(document)
    found: list[Finding] = []
    for action in _ON_THE_SECRET:
        found += _missing(action, secret_arn, statements, Severity.ERROR)
    for action in _USEFUL_ON_THE_SECRET:
        found += _missing(action, secret_arn, statements, Severity.WARNING)
    for action in _ON_THE_USER:
        found += _missing(action, user_arn, statements, Severity.ERROR)
    for action in _KEY_CHANGES:
        found += _too_wide(action, user_arn, statements)
    return tuple(found)


def _missing(
    action: str, resource: str, statements: Sequence[Statement], severity: Severity
) -> Iterator[Finding]:
    """Say why an action is not surely allowed; a Deny counts more than any Allow."""
    for each in statements:
        if each.effect == DENY and (finding := _denied(action, resource, each, severity)):
            yield finding
            return
    allowing = [each for each in statements if each.effect == ALLOW]
    reaching = [each for each in allowing if each.names(action) and each.reached_by(resource)]
    if any(not each.conditional for each in reaching):
        return
    if reaching:
        yield Finding(
            action,
            Severity.WARNING,
            f"is allowed by statement {reaching[0].place} under a condition, which is not judged",
            "see that the rotation meets it",
        )
        return
    yield _not_allowed(action, resource, allowing, severity)


def _denied(action: str, resource: str, statement: Statement, severity: Severity) -> Finding | None:
    place = statement.place
    if _may_mean(statement, action, resource):
        what = f"may be denied by statement {place}, whose {statement.negated} is not judged"
        return Finding(action, Severity.WARNING, what, "see that it does not mean the rotation")
    if not statement.names(action) or not statement.reached_by(resource):
        return None
    if statement.conditional:
        what = f"is denied by statement {place} under a condition, which is not judged"
        return Finding(action, Severity.WARNING, what, "see that the rotation does not meet it")
    hint = "a Deny counts more than any Allow: take the action out of it"
    return Finding(action, severity, f"is denied by statement {place}", hint)


def _not_allowed(
    action: str, resource: str, allowing: Sequence[Statement], severity: Severity
) -> Finding:
    allow_it = f"allow it on {resource}"
    for each in allowing:
        if _may_mean(each, action, resource):
            what = f"may be allowed by statement {each.place}, whose {each.negated} is not judged"
            return Finding(action, Severity.WARNING, what, allow_it)
    named = [each for each in allowing if each.names(action)]
    elsewhere = [pattern for each in named for pattern in each.resources]
    if any(_OWN_NAME in pattern for pattern in elsewhere):
        what = f"is allowed on user/{_OWN_NAME} only, and a role is no user: it has no such name"
        return Finding(action, severity, what, f"name the user instead: {resource}")
    if elsewhere:
        what = f"is allowed on {elsewhere[0]} and not on {resource}"
        return Finding(action, severity, what, allow_it)
    return Finding(action, severity, f"is not allowed on {resource}", allow_it)


def _may_mean(statement: Statement, action: str, resource: str) -> bool:
    """Whether a statement may mean an action by a key that is not judged."""
    if statement.negated is None:
        return False
    by_action = not statement.actions or statement.names(action)
    return by_action and (not statement.resources or bool(statement.reached_by(resource)))


def _too_wide(action: str, user_arn: str, statements: Sequence[Statement]) -> Iterator[Finding]:
    """Say where somebody else's keys could be changed; an account by ``*`` is not counted."""
    user = user_arn.split(":", 5)[-1]
    for each in statements:
        if each.effect != ALLOW or not each.names(action):
            continue
        for pattern in each.reached_by(user_arn):
            if pattern.split(":", 5)[5:] != [user]:
                yield Finding(
                    action,
                    Severity.WARNING,
                    f"is allowed on {pattern}: keys of other users can be changed too",
                    f"allow it on {user_arn} only",
                )
