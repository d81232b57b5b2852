"""Handing an event to what a rule names: a queue, a topic, a function, an HTTP endpoint, a bus."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from sidecar.arn import Arn
from sidecar.emulator.events.destinations import request_to
from sidecar.emulator.events.event import Event
from sidecar.emulator.events.loopback import send
from sidecar.emulator.events.permissions import EVENT_BRIDGE, policy_problem, role_problem
from sidecar.emulator.rotation.functions import Functions


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to one target of a rule, and on whose behalf."""

    rule_arn: str
    target: Mapping[str, Any]
    arn: Arn
    event: Event
    text: str


Deliver = Callable[[Parcel], str]


class Targets:
    """The kinds of target; each delivers, or says why it did not."""

    def __init__(self, functions: Functions, forward: Callable[[Event, str], str]) -> None:
        self._functions, self._forward = functions, forward

    def is_slow(self, arn: Arn) -> bool:
        """Whether a delivery may take time, because somebody else's program is asked."""
        return arn.service == "lambda" or arn.resource.startswith("api-destination/")

    def deliver(self, parcel: Parcel) -> str:
        """Hand it over, and return the problem, if any."""
        arn = parcel.arn
        kind = f"{arn.service}:{arn.resource.partition('/')[0]}"
        by_kind: Mapping[str, Deliver] = {
            "events:event-bus": self._to_bus,
            "events:api-destination": _to_endpoint,
        }
        by_service: Mapping[str, Deliver] = {
            "sqs": _to_queue,
            "sns": _to_topic,
            "lambda": self._to_function,
            "logs": _to_log_group,
        }
        deliver = by_kind.get(kind) or by_service.get(arn.service)
        if deliver is None:
            return f"the emulator does not deliver to {arn}"
        if kind != "events:event-bus" and arn.region != Arn.parse(parcel.rule_arn).region:
            return f"{arn} is not in the region of the rule"
        return deliver(parcel)

    def _to_function(self, parcel: Parcel) -> str:
        arn, source = str(parcel.arn), parcel.rule_arn
        if not self._functions.may_be_invoked(arn, EVENT_BRIDGE, source):
            return f"there is no function {arn} that {EVENT_BRIDGE} may invoke for {source}"
        event = json.loads(parcel.text)
        try:
            self._functions.invoke(arn, event, str(uuid.uuid4()))
        except Exception as error:  # noqa: BLE001 - whatever a function raises is its failure
            return f"the function failed: {type(error).__name__}"
        return ""

    def _to_bus(self, parcel: Parcel) -> str:
        if parcel.event.forwarded:
            return "an event is not sent on to a third bus"
        question = ("events:PutEvents", str(parcel.arn))
        role = str(parcel.target.get("RoleArn", ""))
        if problem := role_problem(role, question, parcel.rule_arn):
            return problem
        return self._forward(parcel.event, str(parcel.arn))


def _to_queue(parcel: Parcel) -> str:
    arn = parcel.arn
    backend = sqs_backends[arn.account][arn.region]
    queue = backend.queues.get(arn.resource)
    if queue is None:
        return f"there is no queue {arn}"
    document = json.dumps(queue._policy_json)  # noqa: SLF001 - moto hides one without statements
    asked = ("sqs:SendMessage", str(arn))
    if problem := policy_problem(document, EVENT_BRIDGE, asked, parcel.rule_arn):
        return problem
    group = parcel.target.get("SqsParameters", {}).get("MessageGroupId")
    backend.send_message(arn.resource, parcel.text, group_id=group)
    return ""


def _to_topic(parcel: Parcel) -> str:
    arn = parcel.arn
    backend = sns_backends[arn.account][arn.region]
    topic = backend.topics.get(str(arn))
    if topic is None:
        return f"there is no topic {arn}"
    asked = ("sns:Publish", str(arn))
    if problem := policy_problem(topic.policy, EVENT_BRIDGE, asked, parcel.rule_arn):
        return problem
    if topic.fifo_topic:
        return "EventBridge sends to standard topics"
    topic.publish(parcel.text)
    return ""


def _to_log_group(parcel: Parcel) -> str:
    arn = parcel.arn
    name = arn.resource.removeprefix("log-group:").removesuffix(":*")
    backend = logs_backends[arn.account][arn.region]
    if name not in backend.groups:
        return f"there is no log group {name}"
    stream = str(uuid.uuid4())
    resource = f"{str(arn).removesuffix(':*')}:log-stream:{stream}"
    policies = [each.policy_document for each in backend.resource_policies.values()]
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        problems = [
            policy_problem(each, EVENT_BRIDGE, (action, resource), parcel.rule_arn)
            for each in policies
        ]
        if all(problems):
            return f"no resource policy of CloudWatch Logs lets {EVENT_BRIDGE} do {action}"
    backend.create_log_stream(name, stream)
    at = int(parcel.event.time.timestamp() * 1000)
    backend.put_log_events(name, stream, [{"timestamp": at, "message": parcel.text}])
    return ""


def _to_endpoint(parcel: Parcel) -> str:
    arn = parcel.arn
    asked = ("events:InvokeApiDestination", str(arn))
    role = str(parcel.target.get("RoleArn", ""))
    if problem := role_problem(role, asked, parcel.rule_arn):
        return problem
    request = request_to(arn, parcel.target.get("HttpParameters") or {}, parcel.text)
    return request if isinstance(request, str) else send(request)
