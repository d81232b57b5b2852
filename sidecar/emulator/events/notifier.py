"""SNS's deliveries: to endpoints behind the publisher's back, to queues that let it.

moto delivers within Publish, which fails with whatever fails there.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlencode

from moto.sqs.models import sqs_backends

from sidecar.arn import Arn
from sidecar.emulator.events.envelopes import Signer
from sidecar.emulator.events.event_log import Delivery, EventLog
from sidecar.emulator.events.lanes import Lanes
from sidecar.emulator.events.loopback import Outgoing, send
from sidecar.emulator.events.permissions import SNS, policy_problem
from sidecar.emulator.service_clock import ServiceClock

API_VERSION: Final = "2010-03-31"
OVER_HTTP: Final = frozenset({"http", "https"})
_ROOM: Final = "more is waiting for this endpoint than the emulator keeps"


class Notifier:
    """What SNS does of its own accord in one account; `endpoint_url` is where it is called."""

    def __init__(self, log: EventLog, lanes: Lanes, clock: ServiceClock) -> None:
        self._log, self._lanes, self._clock = log, lanes, clock
        self.signer = Signer(clock.wire_now())
        self.endpoint_url = ""

    def envelope(
        self, subscription: Any, message: str, message_id: str, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The notification that a subscription gets; `more` are its subject and attributes."""
        topic_arn = subscription.topic.arn
        subject, attributes = more.get("subject"), more.get("message_attributes")
        signed = self.signer.signed(
            {
                "Type": "Notification",
                "MessageId": message_id,
                "TopicArn": topic_arn,
                **({"Subject": subject} if subject else {}),
                "Message": message,
                "Timestamp": self._timestamp(),
            },
            self.endpoint_url,
        )
        query = {"Action": "Unsubscribe", "SubscriptionArn": subscription.arn}
        url = f"{self.endpoint_url}/?{urlencode({**query, 'Version': API_VERSION})}"
        told = {"MessageAttributes": attributes} if attributes else {}
        return {**signed, "UnsubscribeURL": url, **told}

    def post(
        self, subscription: Any, message: str, message_id: str, more: Mapping[str, Any]
    ) -> None:
        """Send a notification to an endpoint that has confirmed that it wants any."""
        if not subscription.confirmed:
            self._note(subscription, "the subscription is not confirmed")
            return
        raw = str(subscription.attributes.get("RawMessageDelivery")).lower() == "true"
        headers = {"x-amz-sns-message-id": message_id, "x-amz-sns-rawdelivery": "true"}

        def send_it() -> None:
            if raw:
                self._send(subscription, "Notification", headers, message)
                return
            body = json.dumps(self.envelope(subscription, message, message_id, more))
            self._send(subscription, "Notification", {"x-amz-sns-message-id": message_id}, body)

        self._add(subscription, send_it)

    def ask(self, subscription: Any) -> None:
        """Ask an endpoint whether it wants what it is to get."""
        topic_arn, message_id = subscription.topic.arn, str(uuid.uuid4())
        query = {"Action": "ConfirmSubscription", "TopicArn": topic_arn}
        query |= {"Token": subscription.token, "Version": API_VERSION}
        message = {
            "Type": "SubscriptionConfirmation",
            "MessageId": message_id,
            "Token": subscription.token,
            "TopicArn": topic_arn,
            "Message": (
                f"You have chosen to subscribe to the topic {topic_arn}.\n"
                "To confirm the subscription, visit the SubscribeURL included in this message."
            ),
            "SubscribeURL": f"{self.endpoint_url}/?{urlencode(query)}",
            "Timestamp": self._timestamp(),
        }

        def send_it() -> None:
            body = json.dumps(self.signer.signed(message, self.endpoint_url))
            headers = {"x-amz-sns-message-id": message_id}
            self._send(subscription, message["Type"], headers, body)

        self._add(subscription, send_it)

    def may_send(self, subscription: Any) -> bool:
        """Whether a subscription's queue is there and lets its topic send; noted when not."""
        arn = Arn.parse(subscription.endpoint)
        queue = sqs_backends[arn.account][arn.region].queues.get(arn.resource)
        if queue is None:
            self._note(subscription, f"there is no queue {arn}")
            return False
        document = json.dumps(queue._policy_json)  # noqa: SLF001 - moto hides one without statements
        asked = ("sqs:SendMessage", str(arn))
        problem = policy_problem(document, SNS, asked, subscription.topic.arn)
        self._note(subscription, problem)
        return not problem

    def cannot(self, subscription: Any) -> None:
        """Note that nothing is sent by a subscription's protocol."""
        self._note(subscription, f"the emulator does not deliver by {subscription.protocol}")

    def _timestamp(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _add(self, subscription: Any, work: Any) -> None:
        if not self._lanes.add(subscription.arn, work):
            self._note(subscription, _ROOM)

    def _send(self, subscription: Any, kind: str, headers: Mapping[str, str], body: str) -> None:
        always = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": kind,
            "x-amz-sns-topic-arn": subscription.topic.arn,
            "x-amz-sns-subscription-arn": subscription.arn,
        }
        url = subscription.endpoint
        problem = send(Outgoing("POST", url, {**always, **headers}, body.encode()))
        self._note(subscription, problem)

    def _note(self, subscription: Any, problem: str) -> None:
        self._log.notified(Delivery(subscription.topic.arn, subscription.arn, problem))


_NOTIFIERS: Final[dict[str, Notifier]] = {}


@contextmanager
def notifying(account: str, notifier: Notifier) -> Iterator[None]:
    """Let patched moto code, which belongs to no emulator, find the account's while it runs."""
    _NOTIFIERS[account] = notifier
    try:
        yield
    finally:
        del _NOTIFIERS[account]


def notifier_of(account: str) -> Notifier | None:
    """Who delivers for an account, if its emulator runs."""
    return _NOTIFIERS.get(account)
