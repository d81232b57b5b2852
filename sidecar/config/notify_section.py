"""The options of `[notify.<name>]`: who is told what happened, for each type of sink."""

import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sidecar.arn import Arn
from sidecar.config.audit_section import STDOUT
from sidecar.config.option import (
    REGION_HINT,
    Variants,
    arn,
    locator,
    one_of,
    option,
    path,
    region_name,
    text,
    texts,
    variable,
    whole_number,
)
from sidecar.notice import Kind, Severity

EVENTBRIDGE: Final = "eventbridge"
SNS: Final = "sns"
SLACK: Final = "slack"
WEBHOOK: Final = "webhook"
EMF: Final = "emf"
FILE: Final = "file"

_KINDS: Final = {each.value: each for each in Kind if each is not Kind.TEST}
_SEVERITIES: Final = {each.name.lower(): each for each in Severity}
# PutEventsRequestEntry's EventBusName; and PutMetricData's Namespace.
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_BUS: Final = re.compile(r"[A-Za-z0-9/._-]{1,256}")
_NAMESPACE: Final = re.compile(r"(?!AWS/)[A-Za-z0-9/._#: -]{1,255}")
_TOPIC_HINT: Final = "aws sns list-topics shows it"


def kinds(value: object) -> frozenset[Kind]:
    """Read which kinds of notices are meant."""
    found = texts(value)
    for each in found:
        if each not in _KINDS:
            raise ValueError(f"has no kind {each!r}; there are {', '.join(_KINDS)}")
    return frozenset(_KINDS[each] for each in found)


def severity(value: object) -> Severity:
    """Read a severity by its name."""
    found = _SEVERITIES.get(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"must be one of {', '.join(_SEVERITIES)}")
    return found


def event_bus(value: object) -> str:
    """Read the name or the ARN of an event bus."""
    name = text(value)
    if name.startswith("arn:"):
        found = Arn.parse(name)
        if found.service != "events" or not found.resource.startswith("event-bus/"):
            raise ValueError("is not the ARN of an event bus")
        if not found.region:
            raise ValueError("this ARN must name a region")
        return name
    if not _BUS.fullmatch(name):
        raise ValueError("is not the name of an event bus")
    return name


def topic_arn(value: str) -> Arn:
    """Read the ARN of a topic."""
    found = Arn.parse(value)
    if found.service != "sns" or ":" in found.resource or not found.region or not found.account:
        raise ValueError("is not the ARN of a topic: expected arn:aws:sns:REGION:ACCOUNT:NAME")
    if found.resource.endswith(".fifo"):
        raise ValueError("is a FIFO topic, which chat applications do not read")
    return found


def namespace(value: object) -> str:
    """Read the namespace of a metric."""
    name = text(value)
    if not _NAMESPACE.fullmatch(name):
        raise ValueError("is not a namespace of a metric, or one of AWS's own")
    return name


def destination(value: object) -> str | Path:
    """Read where lines go; a bare word is more often a mistake than the name of a file."""
    said = locator(value)
    if said == STDOUT:
        return said
    if said.endswith("/") or not ("/" in said or "." in said):
        raise ValueError("must be stdout or the path of a file")
    return Path(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What every sink has."""

    kinds: frozenset[Kind] | None = option(
        kinds,
        f"Which kinds of notices: {', '.join(f'`{each}`' for each in _KINDS)}. Default: all.",
        default=None,
        example="rotation-failed",
    )
    minimum_severity: Severity = option(
        severity,
        "The least severe notices: `info`, `warning` or `error`.",
        default=Severity.INFO,
        example="warning",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asks(_Told):
    """What every sink has that needs credentials."""

    via: str | None = option(
        text,
        "Role whose credentials are used. Default: that of `[secrets]`.",
        default=None,
        example="default",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBridgeSection(_Asks):
    """Notices as events on a bus of EventBridge; the role needs `events:PutEvents`."""

    type: str = option(one_of(EVENTBRIDGE), "Where notices go.", example=EVENTBRIDGE)
    bus: str = option(
        event_bus, "Name or ARN of the event bus.", default="default", example="default"
    )
    region: str | None = option(
        region_name,
        "Region of the bus. Default: that of its ARN, or `aws.region`.",
        default=None,
        example="eu-central-1",
        hint=REGION_HINT,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsSection(_Asks):
    """Notices in the form that Amazon Q Developer shows in chat; the role needs `sns:Publish`."""

    type: str = option(one_of(SNS), "Where notices go.", example=SNS)
    topic_arn: Arn = option(
        arn(topic_arn),
        "The topic; its region is asked.",
        example="arn:aws:sns:eu-central-1:123456789012:alerts",
        hint=_TOPIC_HINT,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Posted(_Asks):
    """What every sink has whose address is a secret."""

    url_file: Path | None = option(
        path,
        "File with the URL; read for each notice.",
        default=None,
        example="/etc/sidecar/webhook.url",
    )
    url_env: str | None = option(
        variable,
        "Variable of the sidecar that holds the URL.",
        default=None,
        example="WEBHOOK_URL",
        hint="name the variable here, and put the URL into that variable",
        may_be_shown=False,
    )
    url_secret: str | None = option(
        text,
        "Name or ARN of the secret in Secrets Manager whose whole text is the URL.",
        default=None,
        example="alerts/webhook",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSection(_Posted):
    """Notices as messages of a Slack incoming webhook, whose URL is a secret."""

    type: str = option(one_of(SLACK), "Where notices go.", example=SLACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSection(_Posted):
    """Notices as JSON to a webhook of your own, each signed with a key that both sides have."""

    type: str = option(one_of(WEBHOOK), "Where notices go.", example=WEBHOOK)
    hmac_key_file: Path | None = option(
        path,
        "File with the key, at least 32 characters; read for each notice.",
        default=None,
        example="/etc/sidecar/webhook.key",
    )
    hmac_key_env: str | None = option(
        variable,
        "Variable of the sidecar that holds the key.",
        default=None,
        example="WEBHOOK_KEY",
        hint="name the variable here, and put the key into that variable",
        may_be_shown=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written(_Told):
    """What every sink has that writes lines."""

    destination: str | Path = option(
        destination,
        "`stdout`, or the path of a file.",
        example="/var/log/sidecar/notices.jsonl",
        hint="such as /var/log/sidecar/notices.jsonl",
    )
    max_megabytes: int = option(
        whole_number(1, 10240),
        "How long the file gets, in MiB, before it is moved to the name with `.1`.",
        default=16,
        example="16",
    )
    keep: int = option(
        whole_number(1, 100), "How many such old files are kept.", default=4, example="4"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmfSection(_Written):
    """Notices as lines that the CloudWatch agent makes metrics of (embedded metric format)."""

    type: str = option(one_of(EMF), "Where notices go.", example=EMF)
    namespace: str = option(
        namespace,
        "Namespace of the metric `Notices`.",
        default="CredentialSidecar",
        example="CredentialSidecar",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSection(_Written):
    """Notices as lines of JSON."""

    type: str = option(one_of(FILE), "Where notices go.", example=FILE)


AskingSection = EventBridgeSection | SnsSection
PostingSection = SlackSection | WebhookSection
WritingSection = EmfSection | FileSection
NotifySection = AskingSection | PostingSection | WritingSection

NOTIFY_TYPES: Final = Variants(
    "type",
    "",
    MappingProxyType(
        {
            EVENTBRIDGE: EventBridgeSection,
            SNS: SnsSection,
            SLACK: SlackSection,
            WEBHOOK: WebhookSection,
            EMF: EmfSection,
            FILE: FileSection,
        }
    ),
)
