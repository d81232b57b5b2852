"""The half of `exec` that has the doors: it says when the program starts, and with what."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from sidecar.cli.app_option import chosen_app
from sidecar.cli.log_setup import set_up_logging
from sidecar.cli.one_line import one_line
from sidecar.cli.program_config import TOKEN, for_one_program, own_variables, without_profiles
from sidecar.cli.serve import connection_limits
from sidecar.clock import Clock, SystemClock
from sidecar.config.consistency import default_region
from sidecar.config.load import load_config
from sidecar.config.schema import Config
from sidecar.delivery.app_values import AppValues
from sidecar.delivery.env_file import read_env_file
from sidecar.delivery.environment import Doors, as_utf8, inherited, references, with_doors
from sidecar.delivery.program_environment import ProgramEnvironment, Unresolved
from sidecar.delivery.reference import Reference
from sidecar.delivery.values import Values
from sidecar.errors import ConfigError, NotReady, OperatorError, Problem, SidecarError
from sidecar.identity.password import PasswordPrompt
from sidecar.network.interfaces import LOST, until_network_is_lost
from sidecar.preflight import Prepared, prepare
from sidecar.providers.refreshing import RefreshingRole
from sidecar.redaction import Secret
from sidecar.service import Sidecar, running_sidecar
from sidecar.supervision.orders import Notify, Order, Start, encoded
from sidecar.web.configured_doors import Opening
from sidecar.web.open_files import raised_limit

# The whole group gets these; the other process tells the program.
_NOT_FOR_US: Final = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)

_UNNOTICED: Final = Problem(
    "--on-change",
    "cannot go with secrets.ttl_seconds = 0: nothing is cached",
    "remove one of the two",
)

log = logging.getLogger("sidecar.exec")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says; the fields are its options."""

    config: Path | None
    app: str | None
    env_files: tuple[Path, ...]
    pristine: bool
    on_change: str
    signal: int
    wait_seconds: float
    log_level: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that is known before a door opens."""

    wishes: Wishes
    config: Config
    prepared: Prepared
    token: Secret
    variables: Mapping[str, str] = field(repr=False)
    references: Mapping[str, Reference] = field(repr=False)


def open_doors_for_a_program(wishes: Wishes, orders: socket.socket) -> int:
    """Open doors for one program until `orders` ends.

    Args:
        wishes: the command line.
        orders: where the start of the program is ordered.

    Raises:
        SidecarError: the program was not started, or something broke later.

    """
    set_up_logging(wishes.log_level)
    clock = SystemClock()
    plan = _plan(wishes, clock)
    for warning in plan.prepared.warnings:
        log.warning("%s", warning)
    orders.setblocking(False)
    asyncio.run(_serve(plan, clock, orders))
    return 0


def _plan(wishes: Wishes, clock: SystemClock) -> _Plan:
    loaded = load_config(wishes.config, os.environ)
    name = chosen_app(loaded.config, wishes.app)
    given = as_utf8(os.environb)
    variables = inherited(given, own_variables(loaded.config), pristine=wishes.pristine)
    problems = []
    for file in wishes.env_files:
        try:
            variables |= read_env_file(file, given)
        except OperatorError as exc:
            problems.append(Problem("--env-file", exc.message, exc.hint))
    found, wrong = references(variables)
    problems += wrong
    if wishes.on_change != "ignore" and not loaded.config.secrets.ttl_seconds:
        problems.append(_UNNOTICED)
    if problems:
        raise ConfigError(problems)
    config = for_one_program(loaded.config, name, reads_events=wishes.on_change != "ignore")
    token = Secret(secrets.token_urlsafe(32))
    prepared = prepare(
        replace(loaded, config=config),
        {**os.environ, TOKEN: token.reveal()},
        clock.now(),
        ask=PasswordPrompt(),
        clock=clock,
    )
    return _Plan(wishes, config, prepared, token, without_profiles(variables), found)


async def _serve(plan: _Plan, clock: Clock, orders: socket.socket) -> None:
    """Serve until the other process hangs up."""
    loop = asyncio.get_running_loop()
    for number in _NOT_FOR_US:
        loop.add_signal_handler(number, lambda: None)
    limits = connection_limits(plan.config.doors, raised_limit())
    opening = Opening(limits)
    async with running_sidecar(plan.config, plan.prepared, clock, opening=opening) as sidecar:
        hung_up = asyncio.ensure_future(loop.sock_recv(orders, 1))
        work = asyncio.ensure_future(_conduct(plan, sidecar, clock, orders))
        warning = asyncio.ensure_future(_warn_of_a_lost_network(clock))
        ends: set[asyncio.Future[Any]] = {hung_up, work, sidecar.broken}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not hung_up.done():
                (sidecar.broken if sidecar.broken.done() else work).result()
        finally:
            for task in (hung_up, work, warning):
                task.cancel()
            await asyncio.gather(hung_up, work, warning, return_exceptions=True)


async def _warn_of_a_lost_network(clock: Clock) -> None:
    """Say that nothing is reached any more; whether to end is for the program to decide."""
    await until_network_is_lost(clock)
    log.warning("%s (hint: start this container again)", LOST)


async def _conduct(plan: _Plan, sidecar: Sidecar, clock: Clock, orders: socket.socket) -> None:
    """Have the program started, and told of changes if it is to be; never returns."""
    environment = _environment(plan, sidecar, clock)
    given = await _in_time(plan, sidecar, environment)
    await _order(orders, Start(given))
    if plan.wishes.on_change != "ignore":
        async for changed in environment.changes(given):
            again = plan.wishes.on_change == "restart"
            log.info("a value has changed: %s", plan.wishes.on_change)
            await _order(orders, Start(changed) if again else Notify(plan.wishes.signal))
    await asyncio.Event().wait()


def _environment(plan: _Plan, sidecar: Sidecar, clock: Clock) -> ProgramEnvironment:
    (app,) = sidecar.access.callers.apps
    urls = {door.name: door.urls[0] for door in sidecar.doors}
    region = default_region(plan.config)
    doors = Doors(
        credentials=urls["credentials"] if app.roles else None,
        secrets_port=urlsplit(urls["secrets"]).port if "secrets" in urls else None,
        aws_api=urls.get("aws_api") if app.roles else None,
        token=plan.token,
        region=region,
        endpoint_url=plan.config.aws.endpoint_url,
    )
    caches = Values(sidecar.secrets.secrets, sidecar.secrets.parameters)
    values = AppValues(app, sidecar.secrets.readers.default, caches)
    return ProgramEnvironment(with_doors(plan.variables, doors), plan.references, values, clock)


async def _in_time(
    plan: _Plan, sidecar: Sidecar, environment: ProgramEnvironment
) -> dict[str, str]:
    """Wait for the program's credentials and for its values."""
    roles = next(iter(plan.config.apps.values())).roles[:1]
    seconds = plan.wishes.wait_seconds
    try:
        async with asyncio.timeout(seconds):
            for name in roles:
                await _session(sidecar.roles[name])
            return await environment.awaited()
    except Unresolved as exc:
        raise _told(exc) from None
    except TimeoutError:
        for name in roles:
            sidecar.roles[name].current()
        if environment.failure is not None:
            raise _told(environment.failure) from None
        raise NotReady(
            f"AWS has not given the program's secrets within {seconds:g} s",
            hint="try again, or give it longer by --wait-seconds",
        ) from None


async def _session(role: RefreshingRole) -> None:
    """Wait for the first session."""
    arrived = asyncio.Event()
    role.on_change(lambda _: arrived.set())
    with contextlib.suppress(NotReady):
        role.current()
        return
    await arrived.wait()


def _told(failure: Unresolved) -> SidecarError:
    """Name every variable that has no value, for the one line that follows."""
    for problem in failure.problems:
        lines = (f"sidecar: {problem}", *([f"hint: {problem.hint}"] if problem.hint else []))
        print(*map(one_line, lines), sep="\n", file=sys.stderr)
    return failure


async def _order(orders: socket.socket, order: Order) -> None:
    await asyncio.get_running_loop().sock_sendall(orders, encoded(order))
