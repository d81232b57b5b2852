"""May this principal do this: identity policies, limited by session policies.

Not evaluated: resource-based policies other than a role's trust policy, permissions boundaries,
service control policies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sidecar.emulator.addressing import Address
from sidecar.emulator.iam_actions import iam_action
from sidecar.emulator.policy import Decision, Question, evaluate
from sidecar.emulator.policy_conditions import Context
from sidecar.emulator.principals import Principal, identity_policies, request_context
from sidecar.emulator.refusals import NotLetIn, Refusal
from sidecar.emulator.request import Request
from sidecar.emulator.resources import ANY, Touch, copied_arns, touch_of, touched_arns

# "No permissions are required to perform this operation" (STS API reference).
_FREE: Final = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated principal in the context of its present request, at service time `now`."""

    principal: Principal
    touch: Touch
    context: Context
    now: datetime

    def demand(self, action: str, resource: str, extra: Context | None = None) -> None:
        """Insist that the caller may do this.

        Args:
            action: such as ``secretsmanager:GetSecretValue``.
            resource: an ARN, or ``*``.
            extra: condition keys of this question alone.

        Raises:
            NotLetIn: denied, with AWS's sentence about who may not do what, and why.
            PolicyNotUnderstood: a policy that cannot be evaluated stands in the way.
        """
        question = Question(action, resource, {**self.context, **(extra or {})})
        if problem := self._problem(question):
            raise NotLetIn(Refusal.DENIED, self._sentence(question, problem))

    def identity_decision(self, action: str, resource: str) -> Decision:
        """What the identity policies alone say."""
        return evaluate(identity_policies(self.principal), Question(action, resource, self.context))

    def session_decision(self, action: str, resource: str) -> Decision:
        """What the session policies alone say; where there are none, they limit nothing."""
        return self._limit(Question(action, resource, self.context))

    def _limit(self, question: Question) -> Decision:
        session = self.principal.session
        if session is None or not session.grant.session_policies:
            return Decision.ALLOWED
        return evaluate(session.grant.session_policies, question)

    def _problem(self, question: Question) -> str:
        decision = evaluate(identity_policies(self.principal), question)
        if decision is Decision.DENIED:
            return "with an explicit deny in an identity-based policy"
        if decision is Decision.NOT_ALLOWED:
            return f"because no identity-based policy allows the {question.action} action"
        limited = self._limit(question)
        if limited is Decision.DENIED:
            return "with an explicit deny in a session policy"
        if limited is Decision.NOT_ALLOWED:
            return f"because no session policy allows the {question.action} action"
        return ""

    def _sentence(self, question: Question, problem: str) -> str:
        on = f" on resource: {question.resource}" if question.resource != ANY else ""
        return (
            f"User: {self.principal.arn} is not authorized to perform: {question.action}{on} "
            f"{problem}"
        )


def caller_of(request: Request, address: Address, principal: Principal, now: datetime) -> Caller:
    """Put a principal into the context of its request."""
    touch = touch_of(request, address, principal)
    secure = request.environ.get("wsgi.url_scheme") == "https"
    context = request_context(principal, region=address.region, secure=secure, now=now)
    return Caller(principal, touch, {**context, **_service_context(touch)}, now)


def authorize(caller: Caller) -> None:
    """Check the request's own action on every resource it touches, and what it implies.

    That is reading what it copies, and listing what it filters. Does not check other actions that a
    request implies; the handlers of BatchGetSecretValue, of references to secrets and of the
    control plane do that for theirs.

    Raises:
        NotLetIn: one of them is not allowed.
    """
    address = caller.touch.address
    action = iam_action(address)
    if action in _FREE:
        return
    for resource in touched_arns(caller.touch):
        caller.demand(action, resource)
    for source in copied_arns(caller.touch):
        caller.demand("s3:GetObject", source)
    if action == "secretsmanager:BatchGetSecretValue" and caller.touch.parameters.get("Filters"):
        caller.demand("secretsmanager:ListSecrets", ANY)


def _service_context(touch: Touch) -> Context:
    """Condition keys of Secrets Manager that its policies commonly use."""
    if touch.address.service != "secretsmanager":
        return {}
    keys = {
        "secretsmanager:VersionStage": touch.text("VersionStage"),
        "secretsmanager:VersionId": touch.text("VersionId"),
        "secretsmanager:Name": touch.text("Name"),
    }
    return {key: (value,) for key, value in keys.items() if value}


_CURRENT: ContextVar[Caller | None] = ContextVar("emulator_caller", default=None)


@contextmanager
def acting(caller: Caller) -> Iterator[None]:
    """Let patched moto code, which is handed no caller, ask for the present one."""
    token = _CURRENT.set(caller)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def present_caller() -> Caller | None:
    """Whose request this thread is answering, if any."""
    return _CURRENT.get()
