"""What is wrong or wider than needed in the policies and the profile of a set-up that exists."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from sidecar.rotation.policy_document import ALLOW, read_statements
from sidecar.rotation.policy_lint import Severity, lint_policy

_SERVICE: Final = "rolesanywhere.amazonaws.com"
# https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
_SESSION_ACTIONS: Final = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
_USUAL_SECONDS: Final = 3600
_KEY_CHANGES: Final = ("iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey")
_TAG: Final = "secretsmanager:TagResource"
_READ: Final = "secretsmanager:GetSecretValue"
# Members in which the answers of AWS's own commands hold the document.
_WRAPPERS: Final = (
    "Role",
    "AssumeRolePolicyDocument",
    "PolicyVersion",
    "PolicyDocument",
    "Document",
    "ResourcePolicy",
    "profile",
)

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about a document that somebody should act on.

    Attributes:
        about: the action or member that it is about.
        severity: an error lets nobody in, or anybody; a warning is wider than needed.
        sentence: what is wrong; lower case, no full stop.
        hint: what to do about it.

    """

    about: str
    severity: Severity
    sentence: str
    hint: str


def read_document(text: str | bytes) -> Document:
    """Read a document, bare or as an answer of AWS's command line holds it.

    Raises:
        ValueError: it is no JSON object.

    """
    try:
        said: Any = json.loads(text)
        while isinstance(said, dict) and (key := next((k for k in _WRAPPERS if k in said), None)):
            said = json.loads(said[key]) if isinstance(said[key], str) else said[key]
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(said, dict):
        raise ValueError("is not a JSON object")
    return said


def is_no_resource_policy(document: Document) -> bool:
    """Whether a document is AWS's answer for a secret that has no policy: its ARN and its name.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html
    """
    return set(document) == {"ARN", "Name"}


def lint_trust_policy(document: Document) -> Iterator[Finding]:
    """Judge the trust policy of a role for sessions of Roles Anywhere.

    Raises:
        ValueError: it is no policy document.

    """
    statements = [each for each in _allowing(document) if _lets_in(each, _SERVICE)]
    if not statements:
        what = f"does not let {_SERVICE} in: every session is refused"
        yield Finding("Principal", Severity.ERROR, what, f'add {{"Service": "{_SERVICE}"}}')
        return
    for action in _SESSION_ACTIONS:
        if not any(_names(each, action) for each in statements):
            hint = f"allow {', '.join(_SESSION_ACTIONS)}"
            yield Finding(action, Severity.ERROR, "is missing: every session is refused", hint)
    for each in statements:
        yield from _principal(each, "whoever it is takes the role without a certificate")
        yield from _source(each)


def lint_resource_policy(document: Document, *, account: str | None = None) -> Iterator[Finding]:
    """Say who else may read a secret by its resource policy.

    Args:
        document: the policy.
        account: the secret's account; None leaves other accounts unjudged.

    Raises:
        ValueError: it is no policy document.

    """
    for each in _allowing(document):
        if not _names(each, _READ):
            continue
        yield from _principal(each, "whoever it is reads the secret")
        for principal in _principals(each):
            other = principal if principal.isdecimal() else "".join(principal.split(":")[4:5])
            if account is not None and other not in (account, ""):
                what = f"is allowed to {principal}, which is of another account"
                yield Finding(_READ, Severity.WARNING, what, "see that it is meant")


def lint_user_policy(document: Document) -> Iterator[Finding]:
    """Judge what the user may do whose key is rotated: whoever has stolen the key may do it too.

    Raises:
        ValueError: it is no policy document.

    """
    statements = _allowing(document)
    for action in _KEY_CHANGES:
        if any(_names(each, action) for each in statements):
            what = "is allowed: a stolen key can outlive its rotation"
            hint = "leave it to the role that rotates"
            yield Finding(action, Severity.WARNING, what, hint)
    if any(_names(each, _READ) for each in statements):
        what = "is allowed: where it reaches its own secret, an old key reads the new one"
        yield Finding(_READ, Severity.WARNING, what, "let sessions read it, not the user")


def lint_execution_role(document: Document, *, user_arn: str, secret_arn: str) -> Iterator[Finding]:
    """Say what a rotation needs and its role's policy lacks, and which secrets it reads besides.

    Raises:
        ValueError: it is no policy document.

    """
    text = json.dumps(document)
    for each in lint_policy(text, user_arn=user_arn, secret_arn=secret_arn):
        yield Finding(each.action, each.severity, each.sentence, each.hint)
    allowing = [each for each in read_statements(text) if each.effect == ALLOW]
    if not any(each.names(_TAG) and each.reached_by(secret_arn) for each in allowing):
        what = f"is not allowed on {secret_arn}: no replaced key is ever retired"
        yield Finding(_TAG, Severity.WARNING, what, f"allow it on {secret_arn}")
    reading = [each for each in allowing if each.names(_READ)]
    wide = [one for each in reading for one in each.resources if _reaches_more(one, secret_arn)]
    for pattern in dict.fromkeys(wide):
        what = f"is allowed on {pattern}: other secrets can be read too"
        yield Finding(_READ, Severity.WARNING, what, f"allow it on {secret_arn} only")


def lint_profile(document: Document) -> Iterator[Finding]:
    """Judge a profile, as ``aws rolesanywhere get-profile`` shows it.

    Raises:
        ValueError: it is no profile.

    """
    roles = document.get("roleArns")
    if not isinstance(roles, list):
        raise ValueError("is no profile: it has no roleArns")
    if not roles:
        yield Finding(
            "roleArns", Severity.ERROR, "is empty: every session is refused", "add the role"
        )
    if document.get("enabled") is False:
        what, hint = "is false: every session is refused", "aws rolesanywhere enable-profile"
        yield Finding("enabled", Severity.ERROR, what, hint)
    if roles[1:]:
        what = f"has {len(roles)} roles: a certificate may ask for each whose trust policy fits"
        yield Finding("roleArns", Severity.WARNING, what, "give each role a profile of its own")
    if not document.get("sessionPolicy") and not document.get("managedPolicyArns"):
        what = "is missing: sessions may do all that the role may, also what it is given later"
        hint = "set one that names what applications do"
        yield Finding("sessionPolicy", Severity.WARNING, what, hint)
    yield from _session_settings(document)


def _session_settings(profile: Document) -> Iterator[Finding]:
    if profile.get("acceptRoleSessionName"):
        what = "is true: whoever asks chooses the name that CloudTrail shows"
        hint = "leave it false, and the name is the certificate's serial number"
        yield Finding("acceptRoleSessionName", Severity.WARNING, what, hint)
    seconds = profile.get("durationSeconds")
    if isinstance(seconds, int) and seconds > _USUAL_SECONDS:
        what = f"is {seconds}: stolen credentials work for up to that long after a revocation"
        hint = f"{_USUAL_SECONDS} will do: the sidecar renews sessions by itself"
        yield Finding("durationSeconds", Severity.WARNING, what, hint)
    wide = [
        each for each in profile.get("managedPolicyArns") or () if "AdministratorAccess" in each
    ]
    if wide:
        what = f"has {wide[0]}, which takes nothing away"
        yield Finding("managedPolicyArns", Severity.WARNING, what, "name a narrower policy")


def _reaches_more(pattern: str, secret_arn: str) -> bool:
    """Whether a pattern is for more than one secret, whose ARN's last characters may be open."""
    name = secret_arn.rpartition("-")[0]
    return pattern not in (secret_arn, f"{name}-??????")


def _source(statement: Document) -> Iterator[Finding]:
    sources = _condition(statement, "aws:SourceArn")
    if not sources:
        what = "is missing: every trust anchor of the account will do"
        hint = 'add "ArnEquals": {"aws:SourceArn": "<the trust anchor\'s ARN>"}'
        yield Finding("aws:SourceArn", Severity.ERROR, what, hint)
    for each in sources:
        if "*" in each:
            what = f"is {each}: more than one trust anchor will do"
            yield Finding("aws:SourceArn", Severity.WARNING, what, "name the one trust anchor")
    if not _condition(statement, "aws:SourceAccount"):
        what = "is missing"
        hint = 'add "StringEquals": {"aws:SourceAccount": "<the account>"}'
        yield Finding("aws:SourceAccount", Severity.WARNING, what, hint)


def _principal(statement: Document, consequence: str) -> Iterator[Finding]:
    """Say whether anybody is meant, or everybody but somebody."""
    anybody = "*" in _principals(statement) or "NotPrincipal" in statement
    if anybody and statement.get("Condition"):
        what = "is anybody under a condition, which is not judged"
        yield Finding("Principal", Severity.WARNING, what, "name who is meant")
    elif anybody:
        what = f"is anybody: {consequence}"
        yield Finding("Principal", Severity.ERROR, what, "name who is meant")


def _allowing(document: Document) -> list[Document]:
    said = document.get("Statement")
    listed = said if isinstance(said, list) else [said]
    statements = [each for each in listed if isinstance(each, dict)]
    if len(statements) != len(listed):
        raise ValueError("is not an IAM policy document: it has no Statement")
    return [each for each in statements if each.get("Effect") == "Allow"]


def _principals(statement: Document) -> list[str]:
    said = statement.get("Principal", [])
    if isinstance(said, dict):
        return [each for value in said.values() for each in _listed(value)]
    return _listed(said)


def _lets_in(statement: Document, service: str) -> bool:
    return "NotPrincipal" in statement or bool({service, "*"} & set(_principals(statement)))


def _names(statement: Document, action: str) -> bool:
    if "NotAction" in statement:
        return not _fits(action, _listed(statement["NotAction"]))
    return _fits(action, _listed(statement.get("Action", [])))


def _fits(action: str, patterns: Sequence[str]) -> bool:
    escaped = (each.lower().replace("[", "[[]") for each in patterns)
    return any(fnmatchcase(action.lower(), each) for each in escaped)


def _condition(statement: Document, key: str) -> list[str]:
    """Give the values that a key must have; names of keys are compared without regard to case.

    An operator that is met where the key is missing, or by other values, pins nothing.
    """
    conditions = statement.get("Condition")
    pinning = [
        keys
        for operator, keys in (conditions if isinstance(conditions, dict) else {}).items()
        if not operator.endswith("IfExists") and "Not" not in operator and isinstance(keys, dict)
    ]
    members = [member for keys in pinning for member in keys.items()]
    return [v for name, said in members if name.lower() == key.lower() for v in _listed(said)]


def _listed(said: object) -> list[str]:
    return [str(each) for each in said] if isinstance(said, list) else [str(said)]
