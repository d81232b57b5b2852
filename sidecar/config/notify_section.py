"""The options of `[notify.<name>]`: who is told what happened, for each type of sink."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sidecar.arn import Arn
from sidecar.config.notify_values import (
    KINDS,
    destination,
    event_bus,
    kinds,
    namespace,
    place,
    secret_name,
    severity,
    topic_arn,
)
from sidecar.config.option import (
    REGION_HINT,
    Variants,
    arn,
    one_of,
    option,
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

_TOPIC_HINT: Final = "aws sns list-topics shows it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What every sink has."""

    kinds: frozenset[Kind] | None = option(
        kinds,
        f"Which kinds of notices: {', '.join(f'`{each}`' for each in KINDS)}. Default: all.",
        default=None,
        example="rotation-failed",
    )
    minimum_severity: Severity = option(
        severity,
        "The least severe notices: `info`, `warning` or `error`.",
        default=Severity.INFO,
        example="warning",
    )
    about: tuple[str, ...] | None = option(
        texts,
        "Names of secrets, roles and apps; `*` stands for any run of characters. Notices about "
        "anything else are not sent, those of certificates among them. Default: all.",
        default=None,
        example="prod/*",
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
        place,
        "File with the URL; read for each notice.",
        default=None,
        example="/etc/sidecar/webhook.url",
        hint="put the URL into a file, and name that here, such as ./webhook.url",
        may_be_shown=False,
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
        secret_name,
        "Name or ARN of the secret in Secrets Manager whose whole text is the URL, with `https://`.",
        default=None,
        example="alerts/webhook",
        hint="put the URL into a secret, and name that here",
        may_be_shown=False,
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
        place,
        "File with the key, at least 32 characters; read for each notice. The key is its text, "
        "without the newline at the end.",
        default=None,
        example="/etc/sidecar/webhook.key",
        hint="put the key into a file, and name that here, such as ./webhook.key",
        may_be_shown=False,
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
