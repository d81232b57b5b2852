"""Every sink of notices, made from its section, with an outbox before each."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp

from sidecar.access.names import possible_names
from sidecar.access.policy import matches
from sidecar.arn import Arn
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail_file import TrailFile
from sidecar.aws.daemon_threads import DaemonThreads
from sidecar.aws.event_bus import EventBus
from sidecar.aws.http import http_client
from sidecar.aws.topic import Topic
from sidecar.clock import Clock
from sidecar.config.consistency import default_region, secrets_role
from sidecar.config.notify_section import (
    AskingSection,
    EmfSection,
    EventBridgeSection,
    NotifySection,
    PostingSection,
    WebhookSection,
    WritingSection,
)
from sidecar.config.schema import Config
from sidecar.errors import ConfigError, OperatorError, Problem
from sidecar.notice import Notice
from sidecar.notify import emf, json_line
from sidecar.notify.aws_sinks import Ask, EventBridgeSink, SnsSink
from sidecar.notify.http_sink import HttpSink, Text, slack_compose, webhook_compose
from sidecar.notify.line_sink import LineSink
from sidecar.notify.outbox import Outbox, Outboxes, running_outboxes
from sidecar.notify.secret_text import read_secret
from sidecar.notify.sink import Sink
from sidecar.notify.wanted import EVERY_KIND, Wanted
from sidecar.redaction import Secret
from sidecar.role_graph import endpoint_of

_MEBIBYTE: Final = 20
_ABOUT: Final = ("secret", "role", "app")


@dataclass(frozen=True, slots=True)
class Reach:
    """How sinks get at AWS.

    Args:
        asking: from a role's name to what asks with its credentials.
        secret: gives the text of a secret, read with a role's credentials: role, then id.

    """

    asking: Callable[[str], Ask]
    secret: Callable[[str, str], Awaitable[Secret]]


@asynccontextmanager
async def notifying(
    config: Config, environment: Mapping[str, str], reach: Reach, clock: Clock
) -> AsyncIterator[Outboxes]:
    """Send notices to every configured sink until the block is left.

    Args:
        config: the configuration, found consistent.
        environment: where variables are looked up.
        reach: how AWS is asked.
        clock: the wall clock.

    Raises:
        ConfigError: a region that a service is not known in.

    """
    # Its own connections: a sink that hangs takes no place of a session's.
    http = http_client(config.aws.ca_bundle, connections=max(1, len(config.notify)))
    async with http:
        sinks = Sinks(config, environment, reach, http, clock)
        outboxes = [
            Outbox(name, sinks.sink(name, section), _wanted(section), clock)
            for name, section in config.notify.items()
        ]
        async with running_outboxes(outboxes, {"host": socket.gethostname()}) as running:
            yield running


def asking_role(section: NotifySection, config: Config) -> str | None:
    """Name the role whose credentials a sink needs; None where it needs none."""
    if isinstance(section, WritingSection):
        return None
    if isinstance(section, PostingSection) and section.url_secret is None:
        return None
    return section.via or secrets_role(config)


def _wanted(section: NotifySection) -> Wanted:
    kinds = EVERY_KIND if section.kinds is None else section.kinds
    about = (lambda _: True) if section.about is None else partial(is_about, section.about)
    return Wanted(kinds, section.minimum_severity, about)


def is_about(patterns: Sequence[str], notice: Notice) -> bool:
    """Whether a notice is about a secret, a role or an app whose name fits a pattern.

    A secret is known by its name also where the notice has its ARN.
    """
    known = (notice.facts.get(each, "") for each in _ABOUT)
    # At the aws-api door several apps may share a session, and are denied as one.
    names = {name for each in known for one in each.split(", ") for name in possible_names(one)}
    return any(matches(pattern, name) for pattern in patterns for name in names if name)


@dataclass(frozen=True, slots=True)
class Sinks:
    """Makes sinks.

    Args:
        config: the configuration, found consistent.
        environment: where variables are looked up.
        reach: how AWS is asked.
        http: what is posted with.
        clock: the wall clock.

    """

    config: Config
    environment: Mapping[str, str]
    reach: Reach
    http: aiohttp.ClientSession
    clock: Clock

    def sink(self, name: str, section: NotifySection) -> Sink:
        """Make the sink of a section.

        Raises:
            ConfigError: a region that the service is not known in.

        """
        if isinstance(section, WritingSection):
            return self._lines(section)
        role = asking_role(section, self.config) or ""
        if isinstance(section, PostingSection):
            return self._posting(section, role)
        return self._asking(f"notify.{name}", section, self.reach.asking(role))

    def _lines(self, section: WritingSection) -> Sink:
        # Not closed before the process ends: a thread that hangs on a disk may still use it.
        place = section.destination
        sink = (
            TrailFile(
                place,
                chained=False,
                longest=section.max_megabytes << _MEBIBYTE,
                keep=section.keep,
            )
            if isinstance(place, Path)
            else Stdout()
        )
        if isinstance(section, EmfSection):
            return LineSink(sink, partial(emf.line, namespace=section.namespace), self.clock)
        return LineSink(sink, json_line.line, self.clock)

    def _posting(self, section: PostingSection, role: str) -> Sink:
        url = self._text(section.url_file or section.url_env)
        if section.url_secret is not None:
            url = partial(self.reach.secret, role, section.url_secret)
        compose = slack_compose()
        if isinstance(section, WebhookSection):
            key = self._text(section.hmac_key_file or section.hmac_key_env)
            compose = webhook_compose(key, self.clock)
        return HttpSink(self.http, url, compose, self.clock)

    def _text(self, place: Path | str | None) -> Text:
        """Make what reads a file anew each time, or a variable."""
        threads = DaemonThreads(1)  # a file system that hangs holds no more than one

        async def read() -> Secret:
            if place is None:
                raise OperatorError("nothing says where it is", hint="check [notify]")
            found = partial(read_secret, place, self.environment)
            return await threads.run(found)

        return read

    def _asking(self, where: str, section: AskingSection, ask: Ask) -> Sink:
        endpoint = partial(endpoint_of, aws=self.config.aws)
        bundle = None if self.config.aws.ca_bundle is None else str(self.config.aws.ca_bundle)
        try:
            if isinstance(section, EventBridgeSection):
                region = self._bus_region(section)
                endpoint("events", region)
                bus = EventBus(section.bus, region, endpoint, ca_bundle=bundle)
                return EventBridgeSink(bus, section.bus, ask)
            endpoint("sns", section.topic_arn.region)
            return SnsSink(Topic(section.topic_arn, endpoint, ca_bundle=bundle), ask)
        except ValueError as exc:
            raise ConfigError([Problem(where, str(exc), "check the region")]) from exc

    def _bus_region(self, section: EventBridgeSection) -> str:
        if section.bus.startswith("arn:"):
            return Arn.parse(section.bus).region
        return section.region or default_region(self.config)
