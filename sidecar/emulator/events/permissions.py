"""May a service of AWS's hand something to a target: the target's policy, or the role it is given.

At AWS a missing permission is the usual reason why nothing arrives, and nobody is told.
"""

import json
from typing import Any, Final

from moto.iam.models import iam_backends

from sidecar.arn import Arn, role_arn
from sidecar.emulator.authorization import Caller
from sidecar.emulator.policy import Decision, PolicyNotUnderstood, Question, evaluate
from sidecar.emulator.principals import role_policies

EVENT_BRIDGE: Final = "events.amazonaws.com"
SNS: Final = "sns.amazonaws.com"
_TAKE_ROLE: Final = "sts:AssumeRole"


def check_passed_roles(caller: Caller) -> None:
    """Let nobody put a target with a role that the caller may not pass to EventBridge.

    Source: EventBridge user guide, "Using IAM roles to grant EventBridge access to targets".

    Raises:
        NotLetIn: iam:PassRole is denied.
    """
    address = caller.touch.address
    if (address.service, address.operation) != ("events", "PutTargets"):
        return
    targets = caller.touch.parameters.get("Targets")
    for target in targets if isinstance(targets, list) else ():
        if role := isinstance(target, dict) and target.get("RoleArn"):
            passed_to = {"iam:PassedToService": (EVENT_BRIDGE,)}
            caller.demand("iam:PassRole", str(role), passed_to)


def policy_problem(document: str, service: str, question: tuple[str, str], source: str) -> str:
    """Why a resource's policy does not let a service act on it; empty when it does.

    Args:
        document: the policy.
        service: such as ``events.amazonaws.com``.
        question: the action, and the ARN of the resource.
        source: the ARN of the rule or the topic that the service acts for.
    """
    action, resource = question
    if _decision([document], service, question, source) is Decision.ALLOWED:
        return ""
    return f"the policy of {resource} does not let {service} do {action} for {source}"


def role_problem(text: str, question: tuple[str, str], source: str) -> str:
    """Why EventBridge cannot act with a role that a target names; empty when it can."""
    try:
        arn = role_arn(text)
    except ValueError:
        return "the target needs a RoleArn"
    backend = iam_backends[arn.account][arn.partition]
    role = next((each for each in list(backend.roles.values()) if each.arn == text), None)
    if role is None:
        return f"there is no role {text}"
    trust = (_TAKE_ROLE, text)
    if _decision([_trust_of(role)], EVENT_BRIDGE, trust, source) is not Decision.ALLOWED:
        return f"the role {text} does not trust {EVENT_BRIDGE}"
    action, resource = question
    if evaluate(role_policies(role), Question(action, resource, {})) is not Decision.ALLOWED:
        return f"the role {text} may not do {action} on {resource}"
    return ""


def _trust_of(role: Any) -> str:
    document = role.assume_role_policy_document
    return document if isinstance(document, str) else json.dumps(document)


def _decision(
    documents: list[str], service: str, question: tuple[str, str], source: str
) -> Decision:
    context = {"aws:SourceArn": (source,), "aws:SourceAccount": (Arn.parse(source).account,)}
    asked = Question(*question, context, frozenset({f"Service:{service}"}))
    try:
        return evaluate(documents, asked)
    except PolicyNotUnderstood:
        return Decision.NOT_ALLOWED
