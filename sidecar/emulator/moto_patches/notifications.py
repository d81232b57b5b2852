"""Publish succeeds whatever becomes of a message, and an endpoint gets none before it said yes.

moto posts within Publish, which fails when an endpoint does; it posts to any machine, asks no
endpoint first, sends to queues that do not let it, and runs functions in Docker.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.sns.models import SNSBackend, Subscription
from moto.sns.responses import SNSResponse

from sidecar.emulator.events.notifier import OVER_HTTP, notifier_of
from sidecar.emulator.moto_patches.replacing import replaced

_PUBLISH: Final = Subscription.publish
_POST_DATA: Final = Subscription.get_post_data
_SUBSCRIBE: Final = SNSBackend.subscribe
_ANSWER: Final = SNSResponse.subscribe


@contextmanager
def applied() -> Iterator[None]:
    """Deliver as SNS does."""
    with (
        replaced(Subscription, "publish", _publish),
        replaced(Subscription, "get_post_data", _post_data),
        replaced(SNSBackend, "subscribe", _subscribe),
        replaced(SNSResponse, "subscribe", _answer),
    ):
        yield


def _publish(subscription: Any, message: str, message_id: str, **more: Any) -> None:
    notifier, protocol = notifier_of(subscription.account_id), subscription.protocol
    if notifier is None:
        _PUBLISH(subscription, message, message_id, **more)
        return
    if protocol not in {"sqs", *OVER_HTTP}:
        notifier.cannot(subscription)
        return
    matcher = subscription._filter_policy_matcher  # noqa: SLF001 - moto has no other name for it
    if matcher is not None and not matcher.matches(more.get("message_attributes"), message):
        return
    if more.pop("message_structure", None) == "json":
        message = subscription._parse_message_structure(message, protocol)  # noqa: SLF001 - same
    if protocol in OVER_HTTP:
        notifier.post(subscription, message, message_id, more)
    elif notifier.may_send(subscription):
        _PUBLISH(subscription, message, message_id, **more)


def _post_data(
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None,
    message_attributes: dict[str, Any] | None = None,
) -> Any:
    notifier = notifier_of(subscription.account_id)
    if notifier is None:
        return _POST_DATA(subscription, message, message_id, subject, message_attributes)
    more = {"subject": subject, "message_attributes": message_attributes}
    return notifier.envelope(subscription, message, message_id, more)


def _subscribe(backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
    subscription = _SUBSCRIBE(backend, topic_arn, endpoint, protocol)
    notifier = notifier_of(backend.account_id)
    if notifier is not None and protocol in OVER_HTTP and not subscription.confirmed:
        subscription.attributes["PendingConfirmation"] = True
        subscription.token = uuid.uuid4().hex
        notifier.ask(subscription)
    return subscription


def _answer(response: Any) -> Any:
    """A subscription that waits for a yes has no ARN yet, unless it is asked for."""
    answer = _ANSWER(response)
    subscribed = response.backend.subscriptions[answer.result["SubscriptionArn"]]
    wanted = str(response._get_param("ReturnSubscriptionArn")).lower() == "true"  # noqa: SLF001 - same
    if wanted or not subscribed.attributes.get("PendingConfirmation"):
        return answer
    return ActionResult({"SubscriptionArn": "pending confirmation"})
