"""STS AssumeRole with the checks that moto leaves out.

Rules: STS API reference, "AssumeRole"; IAM user guide, "How to use trust policies with IAM roles".
"""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from xml.sax.saxutils import escape

from moto.iam.models import iam_backends

from sidecar.arn import Arn, role_arn
from sidecar.clock import iso_seconds
from sidecar.emulator.authorization import Caller
from sidecar.emulator.error_shapes import AwsError, Response
from sidecar.emulator.json_text import from_json
from sidecar.emulator.policy import Decision, Question, evaluate
from sidecar.emulator.principals import managed_policy_documents
from sidecar.emulator.refusals import NotLetIn, Refusal
from sidecar.emulator.role_chain import Marks, marks_of
from sidecar.emulator.role_sessions import Grant, RoleSession, RoleSessions

_SESSION_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}")
_SHORTEST_SECONDS: Final = 900
_LONGEST_CHAINED_SECONDS: Final = 3600


def find_role(arn: Arn) -> Any:
    """The role that moto keeps under this ARN, path included; None when there is none."""
    backend = iam_backends[arn.account][arn.partition]
    return next((role for role in list(backend.roles.values()) if role.arn == str(arn)), None)


def assume_role(caller: Caller, sessions: RoleSessions, now: datetime) -> Response:
    """Answer AssumeRole.

    Raises:
        NotLetIn: the caller's policies or the role's trust policy do not allow it.
        AwsError: a parameter is missing or out of range.
    """
    parameters = caller.touch.parameters
    arn = _role_arn_parameter(parameters)
    role = find_role(arn)
    session = caller.principal.session
    marks = marks_of(parameters, session.grant if session else None)
    _check_trust(caller, arn, role, marks)
    grant = Grant(
        role_arn=arn,
        session_name=_session_name(parameters),
        duration=_duration(caller, role),
        source_identity=marks.source_identity,
        session_policies=_session_policies(caller),
        tags=marks.tags,
        transitive_tag_keys=marks.transitive_tag_keys,
    )
    return _response(sessions.mint(grant, region=caller.touch.address.region, now=now))


def _check_trust(caller: Caller, arn: Arn, role: Any, marks: Marks) -> None:
    """Each action used must be trusted, and allowed to the caller unless trusted by name."""
    for action in ("sts:AssumeRole", *marks.actions):
        if role is None or not _trusted(caller, action, role, marks):
            raise _not_authorized(caller, action, arn)
    # Nothing can be allowed to change one: it stays what it is along the chain.
    asked = caller.touch.text("SourceIdentity")
    if asked and asked != marks.source_identity:
        raise _not_authorized(caller, "sts:SetSourceIdentity", arn)


def _not_authorized(caller: Caller, action: str, arn: Arn) -> NotLetIn:
    return NotLetIn(
        Refusal.DENIED,
        f"User: {caller.principal.arn} is not authorized to perform: {action} on resource: {arn}",
    )


def _trusted(caller: Caller, action: str, role: Any, marks: Marks) -> bool:
    principal, arn, document = caller.principal, role.arn, role.assume_role_policy_document
    context = {**caller.context, **_assume_context(caller.touch.parameters, marks)}
    by_name = evaluate([document], Question(action, arn, context, principal.known_as))
    everyone = principal.known_as | principal.account_names
    by_account = evaluate([document], Question(action, arn, context, everyone))
    own = caller.identity_decision(action, arn)
    # Stricter than AWS, where a trust policy that names the session itself passes by its limits.
    limit = caller.session_decision(action, arn)
    if Decision.DENIED in {by_account, own} or limit is not Decision.ALLOWED:
        return False
    same_account = f":{principal.account}:" in arn
    if by_name is Decision.ALLOWED and same_account:
        return True
    return by_account is Decision.ALLOWED and own is Decision.ALLOWED


def _assume_context(parameters: Mapping[str, Any], marks: Marks) -> dict[str, tuple[str, ...]]:
    names = {
        "ExternalId": "sts:ExternalId",
        "RoleSessionName": "sts:RoleSessionName",
        "SourceIdentity": "sts:SourceIdentity",
    }
    keys = {key: parameters[name] for name, key in names.items() if name in parameters}
    keys |= {f"aws:RequestTag/{key}": value for key, value in marks.given_tags.items()}
    return {key: (value,) for key, value in keys.items()}


def _role_arn_parameter(parameters: Mapping[str, Any]) -> Arn:
    try:
        return role_arn(parameters.get("RoleArn", ""))
    except ValueError:
        raise _invalid(f"{parameters.get('RoleArn', '')} is invalid") from None


def _session_name(parameters: Mapping[str, Any]) -> str:
    name = str(parameters.get("RoleSessionName", ""))
    if _SESSION_NAME.fullmatch(name) is None:
        raise _invalid(
            f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        )
    return name


def _duration(caller: Caller, role: Any) -> timedelta:
    text = str(caller.touch.parameters.get("DurationSeconds", "3600"))
    seconds = int(text) if text.isdigit() else 0
    if seconds < _SHORTEST_SECONDS:
        raise _invalid(
            f"1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy "
            "constraint: Member must have value greater than or equal to 900"
        )
    if caller.principal.session is not None and seconds > _LONGEST_CHAINED_SECONDS:
        raise _invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining."
        )
    if seconds > int(role.max_session_duration or _LONGEST_CHAINED_SECONDS):
        raise _invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return timedelta(seconds=seconds)


def _session_policies(caller: Caller) -> tuple[str, ...]:
    parameters = caller.touch.parameters
    inline = parameters.get("Policy")
    if inline is not None:
        _check_policy_json(inline)
    arns = tuple(value for key, value in parameters.items() if key.startswith("PolicyArns."))
    principal = caller.principal
    try:
        managed = managed_policy_documents(
            arns, account=principal.account, partition=principal.partition
        )
    except LookupError as error:
        raise AwsError(404, "NoSuchEntity", f"Policy {error} does not exist.") from None
    return (*([inline] if inline else []), *managed)


def _check_policy_json(document: str) -> None:
    try:
        from_json(document)
    except ValueError:
        raise AwsError(
            400, "MalformedPolicyDocument", "This policy contains invalid Json"
        ) from None


def _invalid(message: str) -> AwsError:
    return AwsError(400, "ValidationError", message)


def _response(session: RoleSession) -> Response:
    credentials = session.credentials
    identity = session.grant.source_identity
    source = f"<SourceIdentity>{escape(identity)}</SourceIdentity>" if identity else ""
    body = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
        f"<AssumedRoleUser><AssumedRoleId>{escape(session.assumed_role_id)}</AssumedRoleId>"
        f"<Arn>{escape(session.arn)}</Arn></AssumedRoleUser><Credentials>"
        f"<AccessKeyId>{credentials.access_key_id}</AccessKeyId>"
        f"<SecretAccessKey>{escape(credentials.secret_access_key.reveal())}</SecretAccessKey>"
        f"<SessionToken>{escape(credentials.session_token.reveal())}</SessionToken>"
        f"<Expiration>{iso_seconds(credentials.expires_at)}</Expiration></Credentials>"
        f"{source}<PackedPolicySize>0</PackedPolicySize></AssumeRoleResult>"
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        "</AssumeRoleResponse>"
    )
    return Response(200, body.encode(), {"Content-Type": "text/xml"})
