"""Rotate the access key in a secret once, now, by the same code as the sidecar and the Lambda.

The secret must have a section [rotation."SECRET"] in the configuration, which names its IAM user.
A rotation that was interrupted is brought to its end. The key that was replaced stays active until
its grace is over; `--reap` retires it then.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Final

from sidecar.access_key_secret import AccessKeySecret
from sidecar.aws.daemon_threads import run_in_daemon_thread
from sidecar.cli.config_option import add_config_argument
from sidecar.cli.one_line import one_line
from sidecar.cli.running_roles import FIRST_SESSION_SECONDS, running_roles
from sidecar.clock import Clock, SystemClock
from sidecar.config.consistency import consistent
from sidecar.config.load import load_config
from sidecar.config.schema import Config
from sidecar.errors import ConfigError, OperatorError, Problem, SidecarError
from sidecar.notify_graph import asking_role, notifying
from sidecar.notify_reach import reach_of
from sidecar.redaction import Secret, masked_tail
from sidecar.rotation.action import Action, CreateKey, DeleteKey, Done, SetActive
from sidecar.rotation.calls import NewKey
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.retirement import Wait
from sidecar.rotation.seen import CURRENT
from sidecar.rotation_graph import build_keeper, rotating_role
from sidecar.rotation_notices import OnceBegun
from sidecar.secret_graph import build_secrets

EXAMPLE: Final = "sidecar rotate legacy/batch-user --status"

_Work = Callable[[Keeper], Iterator[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("secret", metavar="SECRET", help="name or ARN, as the configuration has it")
    what = parser.add_mutually_exclusive_group()
    for flag, text in (
        ("status", "say how the secret and its user's keys stand, and change nothing"),
        ("dry-run", "say what a rotation would do first, and change nothing"),
        ("reap", "retire the replaced key as far as its time has come"),
        ("restore", "give applications the previous key again"),
        ("adopt", "take the user's only key into the secret; its JSON is read from stdin"),
    ):
        what.add_argument(f"--{flag}", action="store_true", help=text)
    parser.add_argument(
        "--force",
        action="store_true",
        help="give up the previous key even in its grace, or while something uses it",
    )
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do it, and say what was done."""
    config = consistent(load_config(arguments.config, os.environ))
    if arguments.secret not in config.rotation:
        known = ", ".join(config.rotation) or "none"
        where = f'rotation."{arguments.secret}"'
        hint = f"add [{where}] with user_name and a via that may read the user's keys; there is: "
        raise ConfigError([Problem(where, "there is no such section", hint + known)])
    work = _work(arguments)
    for line in asyncio.run(_with_keeper(arguments, config, SystemClock(), work)):
        print(one_line(line))
    return 0


def _work(arguments: argparse.Namespace) -> _Work:
    if arguments.status:
        return _status
    if arguments.dry_run:
        return _dry_run
    if arguments.reap:
        return _reap
    if arguments.restore:
        return lambda keeper: iter([f"AWSCURRENT is version {keeper.restore()} again"])
    if arguments.adopt:
        key = _key_from_stdin()
        return lambda keeper: iter([f"adopted as version {keeper.adopt(key)}"])
    return _rotate


def _rotate(keeper: Keeper) -> Iterator[str]:
    version = keeper.rotate()
    yield f"AWSCURRENT is version {version}{_with_key(keeper, version)}"


def _with_key(keeper: Keeper, version: str) -> str:
    """Name the key of a version; a look that fails makes no failure of a rotation."""
    try:
        stored = keeper.calls.value(keeper.target.secret, stage=CURRENT, version_id=version)
    except (SidecarError, ValueError):
        return ""
    key_id = None if stored is None else stored.content.access_key_id
    return "" if key_id is None else f", with key {masked_tail(key_id)}"


def _status(keeper: Keeper) -> Iterator[str]:
    found = keeper.standing()
    for name, text in found.lines:
        yield f"{name + ':':<14}{text}"
    if found.trouble is None:
        yield f"{'rotation:':<14}nothing stands in its way"
        return
    yield f"{'rotation:':<14}not now: {found.trouble.message}"
    yield f"{'hint:':<14}{found.trouble.hint}"


def _dry_run(keeper: Keeper) -> Iterator[str]:
    yield f"would {_told(keeper.first_action())}"


def _told(action: Action) -> str:
    match action:
        case CreateKey(content):
            return f"create a key of user {content.user_name}"
        case DeleteKey(_, why):
            return f"delete a key: {why}"
        case SetActive(_, _, why):
            return f"first make a key inactive: {why}"
        case Done():
            return "go on with the key that is stored already"
    return "go on"


def _reap(keeper: Keeper) -> Iterator[str]:
    reaped = keeper.reap()
    yield from reaped.done
    if isinstance(reaped.next, Wait):
        until = f", until {reaped.next.until:%Y-%m-%dT%H:%M:%SZ}" if reaped.next.until else ""
        yield f"{reaped.next.why}{until}"


def _key_from_stdin() -> NewKey:
    """Read both halves from stdin, where no process list and no shell history shows them."""
    text = Secret(sys.stdin.read())
    try:
        read = AccessKeySecret.parse(text)
    except ValueError as exc:
        raise OperatorError(
            f"stdin {exc}",
            hint='give {"user_name": …, "aws_access_key_id": …, "aws_secret_access_key": …}',
        ) from None
    if read.access_key_id is None or read.secret_access_key is None:
        raise OperatorError("stdin holds no key", hint="give both of its halves")
    return NewKey(read.access_key_id, read.secret_access_key)


async def _with_keeper(
    arguments: argparse.Namespace, config: Config, clock: Clock, work: _Work
) -> list[str]:
    """Work with the sessions of the role that rotates; whoever is asked is asked in a thread."""
    via = rotating_role(config.rotation[arguments.secret], config)
    askers = (asking_role(section, config) for section in config.notify.values())
    needed = {via, *(each for each in askers if each is not None)}
    async with running_roles(config, needed, clock) as graph:
        await graph.roles[via].settled(FIRST_SESSION_SECONDS)
        secrets = build_secrets(config, graph.roles, clock)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(secrets.close)
            sending = notifying(config, os.environ, reach_of(secrets), clock)
            notices = await stack.enter_async_context(sending)
            tell = OnceBegun(notices.tell)
            keeper = build_keeper(arguments.secret, config, graph.roles, clock, tell)
            keeper = keeper.forced() if arguments.force else keeper
            return await run_in_daemon_thread(lambda: list(work(keeper)), lambda: None)
