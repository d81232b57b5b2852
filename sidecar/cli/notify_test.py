"""Send a test notice to every sink of the configuration, or to one, and say how each went.

Each is asked once, with a session of the command's own; what a sink wants of kinds and severities
does not matter. What a sink with `about` does not get is said. The exit code is 1 if any could not
be reached.
"""

import argparse
import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

from sidecar.aws.http import http_client
from sidecar.cli.config_option import add_config_argument
from sidecar.cli.one_line import one_line
from sidecar.cli.running_roles import FIRST_SESSION_SECONDS, running_roles
from sidecar.clock import Clock, SystemClock
from sidecar.config.consistency import inconsistencies
from sidecar.config.load import read_config
from sidecar.config.notify_section import NotifySection
from sidecar.config.schema import Config
from sidecar.errors import ConfigError, Problem, SidecarError
from sidecar.notice import Kind, Notice, Severity
from sidecar.notify.sink import Sink, attempt
from sidecar.notify_graph import Sinks, asking_role
from sidecar.notify_preflight import notify_problems
from sidecar.notify_reach import reach_of
from sidecar.secret_graph import build_secrets

EXAMPLE: Final = "sidecar notify test chat"

_ELSE: Final = "else nothing of certificates or of callers who are no app, and only what is about"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the sink; default: all of them")
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send, and say what came of it."""
    loaded = read_config(arguments.config, os.environ)
    config = loaded.config
    problems = [*loaded.problems, *inconsistencies(config, loaded.faulty)]
    problems += notify_problems(config, os.environ, loaded.faulty)
    if problems:
        raise ConfigError(loaded.with_variables(problems), hint=loaded.hint)
    sections = _chosen(config, arguments.name)
    results = asyncio.run(_sent(config, sections, SystemClock()))
    width = max(map(len, results))
    for name, trouble in results.items():
        print(one_line(f"{name:<{width}}  {_told(trouble)}"))
        if (about := sections[name].about) is not None:
            print(one_line(f"{'':<{width}}  {_ELSE} {', '.join(about)}"))
    return int(any(results.values()))


def _chosen(config: Config, name: str | None) -> Mapping[str, NotifySection]:
    known = ", ".join(config.notify) or "none"
    if not config.notify:
        raise ConfigError([Problem("notify", "there is no sink", "add [notify.<name>]")])
    if name is not None and name not in config.notify:
        where = f"notify.{name}"
        raise ConfigError([Problem(where, "there is no such section", f"there is: {known}")])
    return config.notify if name is None else {name: config.notify[name]}


def _told(trouble: SidecarError | None) -> str:
    if trouble is None:
        return "sent"
    return f"not sent: {trouble.message}{f' (hint: {trouble.hint})' if trouble.hint else ''}"


async def _sent(
    config: Config, sections: Mapping[str, NotifySection], clock: Clock
) -> dict[str, SidecarError | None]:
    roles = {asking_role(section, config) for section in sections.values()}
    needed = sorted(each for each in roles if each is not None)
    async with AsyncExitStack() as stack:
        graph = await stack.enter_async_context(running_roles(config, needed, clock))
        for name in needed:
            await graph.roles[name].settled(FIRST_SESSION_SECONDS)
        secrets = build_secrets(config, graph.roles, clock)
        stack.push_async_callback(secrets.close)
        client = http_client(config.aws.ca_bundle, connections=len(sections))
        http = await stack.enter_async_context(client)
        sinks = Sinks(config, os.environ, reach_of(secrets), http, clock)
        made = {name: sinks.sink(name, section) for name, section in sections.items()}
        outcomes = await asyncio.gather(
            *(_attempt(each, name, clock) for name, each in made.items())
        )
    return dict(zip(made, outcomes, strict=True))


async def _attempt(sink: Sink, name: str, clock: Clock) -> SidecarError | None:
    host = socket.gethostname()
    sentence = f"this is a test of sink {name} on {host}; nothing has happened"
    notice = Notice(Kind.TEST, Severity.INFO, sentence, clock.now(), {"host": host}, "test")
    return await attempt(name, sink, notice)
