"""Publishing to a topic of Amazon SNS."""

from collections.abc import Mapping
from typing import Any

from sidecar.arn import Arn
from sidecar.aws.boto_service import ONE_ATTEMPT, BotoService, Call, EndpointOf
from sidecar.aws.reply_text import text_of
from sidecar.credentials import Credentials


class Topic:
    """One topic.

    Args:
        arn: the topic's ARN; its region is asked.
        endpoint_of: from ``sns`` and a region to the address to ask; ValueError where AWS has none.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.

    """

    def __init__(self, arn: Arn, endpoint_of: EndpointOf, *, ca_bundle: str | None) -> None:
        self._arn = arn
        self._service = BotoService(
            "sns", endpoint_of, ca_bundle=ca_bundle, boto_config=ONE_ATTEMPT
        )

    async def publish(
        self, message: str, attributes: Mapping[str, str], credentials: Credentials
    ) -> str:
        """Publish a message and return its id; the permission is ``sns:Publish``.

        Args:
            message: up to 256 KB.
            attributes: what subscribers can filter by.
            credentials: what the request is signed with.

        Raises:
            UpstreamRefused: AWS said no: there is no such topic, or access is denied.
            UpstreamUnavailable: no client, no answer, 5xx, throttling, or credentials that just
                expired.

        """
        typed = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }
        asked = {"TopicArn": str(self._arn), "Message": message, "MessageAttributes": typed}
        call = Call("Publish", str(self._arn), asked)
        return await self._service.ask(call, _message_id, credentials, region=self._arn.region)


def _message_id(reply: Mapping[str, Any]) -> str:
    return text_of(reply, "MessageId")
