"""Receiving messages from a queue of Amazon SQS."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.config import Config as BotoConfig

from sidecar.aws.boto_service import BOTO_CONFIG, BotoService, Call, EndpointOf
from sidecar.aws.endpoints import region_in_host
from sidecar.aws.reply_text import text_of
from sidecar.credentials import Credentials
from sidecar.signing.remote_text import printable

log = logging.getLogger(__name__)

# How long SQS waits for a message at most, and how many it gives at a time (API reference).
LONGEST_WAIT_SECONDS: Final = 20
_MOST_MESSAGES: Final = 10
_LEGACY_HOST: Final = "queue.amazonaws.com"
_PATIENT: Final = BOTO_CONFIG.merge(
    BotoConfig(
        read_timeout=LONGEST_WAIT_SECONDS + 10,
        # One attempt a call: whoever polls decides on trying again.
        retries={"mode": "standard", "total_max_attempts": 1},
    )
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `receipt_handle` is what deletes it."""

    id: str
    receipt_handle: str = field(repr=False)
    body: str = field(repr=False)


class Queue:
    """One queue, polled for messages.

    A poll that is cancelled goes on in a thread that no exit waits for; what it still receives
    comes again after the queue's visibility timeout.

    Args:
        url: the queue's URL; AWS looks only at its account and name.
        region: the queue's region.
        endpoint_of: from ``sqs`` and a region to the address to ask; ValueError where AWS has none.
        ca_bundle: path of the CAs to trust in TLS, or None for the system's.
        boto_config: botocore's timeouts and retries; an answer may take 20 seconds.

    """

    def __init__(
        self,
        url: str,
        *,
        region: str,
        endpoint_of: EndpointOf,
        ca_bundle: str | None = None,
        boto_config: BotoConfig = _PATIENT,
    ) -> None:
        self._url = url
        self._region = region
        self._service = BotoService(
            "sqs", endpoint_of, ca_bundle=ca_bundle, boto_config=boto_config
        )

    async def receive(
        self, credentials: Credentials, *, wait_seconds: int = LONGEST_WAIT_SECONDS
    ) -> tuple[Message, ...]:
        """Take up to 10 messages, waiting for the first; the permission is ``sqs:ReceiveMessage``.

        Args:
            credentials: what the request is signed with.
            wait_seconds: 0 to 20.

        Raises:
            UpstreamRefused: AWS said no: there is no such queue, or access is denied.
            UpstreamUnavailable: no client, no answer, 5xx, throttling, or credentials that just
                expired.

        """
        asked = {"MaxNumberOfMessages": _MOST_MESSAGES, "WaitTimeSeconds": wait_seconds}
        call = Call("ReceiveMessage", self._url, {"QueueUrl": self._url, **asked})
        return await self._service.ask(call, _messages, credentials, region=self._region)

    async def delete(self, messages: Sequence[Message], credentials: Credentials) -> None:
        """Delete up to 10 messages; the permission is ``sqs:DeleteMessage``.

        One that could not be deleted is logged, and comes again.

        Raises:
            UpstreamError: as `receive`; none may have been deleted.

        """
        entries = [
            {"Id": str(number), "ReceiptHandle": each.receipt_handle}
            for number, each in enumerate(messages)
        ]
        asked = {"QueueUrl": self._url, "Entries": entries}
        call = Call("DeleteMessageBatch", self._url, asked)
        codes = await self._service.ask(call, _failures, credentials, region=self._region)
        if codes:
            log.warning(
                "%d of %d messages could not be deleted and will come again: %s",
                len(codes),
                len(messages),
                printable(", ".join(sorted(set(codes)))),
            )


def region_of(queue_url: str) -> str | None:
    """Read the region out of a queue's URL; None for a host that is not AWS's.

    Source: developer guide of SQS, "Queue and message identifiers", and the legacy hosts of
    "Amazon SQS endpoints and quotas"; VPC endpoints have labels in front.
    """
    host = urlsplit(queue_url).hostname or ""
    return "us-east-1" if host == _LEGACY_HOST else region_in_host(host)


def _messages(reply: Mapping[str, Any]) -> tuple[Message, ...]:
    _check_form(reply)
    return tuple(
        Message(text_of(each, "MessageId"), text_of(each, "ReceiptHandle"), text_of(each, "Body"))
        for each in reply.get("Messages", ())
    )


def _failures(reply: Mapping[str, Any]) -> list[str]:
    _check_form(reply)
    return [text_of(each, "Code") for each in reply.get("Failed", ())]


def _check_form(reply: Mapping[str, Any]) -> None:
    """Tell an empty queue from a page of somebody else's, which botocore reads as nothing, too."""
    form = reply["ResponseMetadata"]["HTTPHeaders"]["content-type"]
    if "json" not in form:
        raise TypeError(form)
