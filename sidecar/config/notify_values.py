"""How the values of `[notify.<name>]`'s options are read; none of their errors quotes a secret."""

import re
from pathlib import Path
from typing import Final

from sidecar.arn import Arn
from sidecar.config.audit_section import STDOUT
from sidecar.config.option import locator, text, texts
from sidecar.notice import Kind, Severity

KINDS: Final = {each.value: each for each in Kind if each is not Kind.TEST}
_SEVERITIES: Final = {each.name.lower(): each for each in Severity}
# PutEventsRequestEntry's EventBusName; and PutMetricData's Namespace.
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_BUS: Final = re.compile(r"[A-Za-z0-9/._-]{1,256}")
_NAMESPACE: Final = re.compile(r"(?!AWS/)[A-Za-z0-9/._#: -]{1,255}")


def kinds(value: object) -> frozenset[Kind]:
    """Read which kinds of notices are meant."""
    found = texts(value)
    for each in found:
        if each not in KINDS:
            raise ValueError(f"has no kind {each!r}; there are {', '.join(KINDS)}")
    return frozenset(KINDS[each] for each in found)


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


def place(value: object) -> Path:
    """Read the path of a file that holds a secret; no address and no key passes for one."""
    said = locator(value)
    if "://" in said or not ("/" in said or "." in said):
        raise ValueError("must be the path of a file")
    return Path(said)


def secret_name(value: object) -> str:
    """Read the name or the ARN of a secret; no address passes for one."""
    said = text(value)
    if "://" in said:
        raise ValueError("must be the name or the ARN of a secret")
    return said
