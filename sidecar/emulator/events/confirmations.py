"""ConfirmSubscription: whoever has the token was asked, and says yes without a signature.

Source: SNS API reference, "ConfirmSubscription".
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from moto.sns.models import sns_backends

from sidecar.arn import Arn
from sidecar.emulator.error_shapes import AwsError, Response

_ANSWER: Final = (
    '<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
    "<ConfirmSubscriptionResult><SubscriptionArn>{arn}</SubscriptionArn>"
    "</ConfirmSubscriptionResult><ResponseMetadata><RequestId>{request_id}</RequestId>"
    "</ResponseMetadata></ConfirmSubscriptionResponse>"
)


def confirm_subscription(parameters: Mapping[str, Any], account: str) -> Response:
    """Let a subscription be in force.

    Raises:
        AwsError: no such topic, or a token that nobody was sent.
    """
    topic_arn, token = parameters.get("TopicArn", ""), parameters.get("Token", "")
    subscription = _find(topic_arn, token, account)
    subscription.confirmed = True
    subscription.attributes["PendingConfirmation"] = False
    body = _ANSWER.format(arn=escape(subscription.arn), request_id=uuid.uuid4())
    return Response(200, body.encode(), {"Content-Type": "text/xml"})


def _find(topic_arn: str, token: str, account: str) -> Any:
    try:
        region = Arn.parse(topic_arn).region
    except ValueError:
        raise AwsError(400, "InvalidParameter", "Invalid parameter: TopicArn") from None
    backend = sns_backends[account][region]
    if topic_arn not in backend.topics:
        raise AwsError(404, "NotFound", "Topic does not exist")
    for subscription in list(backend.subscriptions.values()):
        if subscription.topic.arn == topic_arn and token == getattr(subscription, "token", None):
            return subscription
    raise AwsError(400, "InvalidParameter", "Invalid parameter: Token")
