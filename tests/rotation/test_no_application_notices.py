"""Processes with unmodified boto3 work on while the key under them is rotated again and again."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from sidecar.clock import SystemClock
from sidecar.rotation.aws_calls import AwsCalls
from sidecar.rotation.goal import Retirement, Target
from sidecar.rotation.keeper import Keeper
from tests.conftest import Aws, Eventually, Serve
from tests.rotation.conftest import clients_of
from tests.rotation.site import Site, new_site

# `make nightly` has twenty, and ten rotations: a session of boto3's takes a tenth of a second.
APPS: Final = int(os.environ.get("ROTATING_APPS", "4"))
ROTATIONS: Final = int(os.environ.get("ROTATIONS", "3"))
# Twenty interpreters that start at once on a busy machine take longer than anybody waits.
STARTED_TOGETHER: Final = 4
# So many rounds, on average, while one application ends none of its own are no chance.
UNFAIR: Final = 50
GRACE: Final = timedelta(minutes=5)
# For how long after a rotation an application may still begin a round with the old key.
A_LITTLE: Final = timedelta(seconds=20)
PROGRAM: Final = Path(__file__).with_name("legacy_app.py")
ROLE: Final = """
[roles.legacy]
source = "access-key-secret"
secret_id = "SECRET"
via = "default"

[apps.batch]
roles = ["legacy"]
secrets = ["SECRET"]
token_env = "BATCH_TOKEN"
"""
TOKEN: Final = "the-token-of-a-batch-application"


@dataclass
class Moved:
    """Time at AWS, which the rotator shares; nobody waits for it."""

    site: Site
    ahead: float = 0

    def now(self) -> datetime:
        return SystemClock().now() + timedelta(seconds=self.ahead)

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds
        self.site.aws.emulator.move_clock(self.ahead)


@pytest.fixture
def site(aws: Aws, tmp_path: Path) -> Iterator[Site]:
    """Give a site whose IAM takes as long as AWS's is reported to."""
    aws.emulator.change_iam(new_key_delay_seconds=10, old_key_delay_seconds=4)
    yield new_site(aws, tmp_path, "", ROLE)
    aws.emulator.change_iam()
    aws.emulator.move_clock(0)


@pytest.fixture
def keeper(site: Site) -> Keeper:
    """Give the rotator: its time is moved, and its grace is five minutes of that."""
    moved = Moved(site)
    calls = AwsCalls(clients_of(site.aws), moved.now)
    rules = Retirement(grace=GRACE, recovery=timedelta(0))
    return Keeper(calls, Target(site.arn, site.user), rules, "this test", moved.now, moved.sleep)


@contextmanager
def applications(
    directory: Path, doors: dict[str, str], eventually: Eventually
) -> Iterator[list[tuple["subprocess.Popen[bytes]", Path]]]:
    """Run them all; each writes what it says to a file of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
    variables = {
        "HOME": str(directory),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": doors["credentials"] + "/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": doors["aws_api"],
        "AWS_ENDPOINT_URL": doors["emulator"],
        "AWS_MAX_ATTEMPTS": "1",
    }
    with ExitStack() as stack:
        running = []
        for number in range(APPS):
            log = directory / f"app-{number}.log"
            output = stack.enter_context(log.open("wb"))
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, PROGRAM, doors["secret"]],
                    env=inherited | variables,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )
            stack.callback(process.kill)
            running.append((process, log))
            if len(running) % STARTED_TOGETHER == 0:
                _all_work_on([log for _, log in running[-STARTED_TOGETHER:]], eventually)
        yield running
        for process, _ in running:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def rounds(logs: list[Path]) -> list[int]:
    """Count each application's rounds."""
    return [log.read_text().count("worked") for log in logs]


def test_no_call_fails_and_the_old_keys_are_gone(
    site: Site, keeper: Keeper, serve: Serve, eventually: Eventually, tmp_path: Path
) -> None:
    keeper.rotate()
    words = ("--config", str(site.config))
    with serve(tmp_path, *words, BATCH_TOKEN=TOKEN) as serving:
        doors = serving.doors() | {"emulator": site.aws.emulator.url, "secret": site.secret}
        assert "credentials" in doors, serving.log.read_text()
        eventually(lambda: _served_key(doors) == site.current())
        with applications(tmp_path, doors, eventually) as running:
            logs = [log for _, log in running]
            _all_work_on(logs, eventually)
            for _ in range(ROTATIONS):
                keeper.rotate()
                keeper.reap()  # which notes when the grace began
                _told(doors, site.secret)
                eventually(lambda: _served_key(doors) == site.current())
                _all_work_on(logs, eventually)
                keeper.sleep((GRACE + A_LITTLE).total_seconds())
                keeper.reap()
        assert [process.wait() for process, _ in running] == [0] * APPS, _last_words(logs)
    assert site.keys() == {site.current(): "Active"}


def _all_work_on(logs: list[Path], eventually: Eventually) -> None:
    """Wait until each application has begun and ended a round from now on.

    As long as some round ends there is patience, however busy the machine is; none for an
    application that stands still while the others work.
    """
    before = rounds(logs)
    while min(now - was for now, was in zip(rounds(logs), before, strict=True)) < 2:
        done = sum(rounds(logs))
        assert done - sum(before) < UNFAIR * len(logs), _last_words(logs)
        eventually(partial(_more_than, done, logs))


def _more_than(done: int, logs: list[Path]) -> bool:
    return sum(rounds(logs)) > done


def _served_key(doors: dict[str, str]) -> str:
    """Ask the credentials door which key it hands out."""
    request = urllib.request.Request(
        doors["credentials"] + "/credentials", headers={"Authorization": TOKEN}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            found: str = json.load(answer)["AccessKeyId"]
    except urllib.error.HTTPError as error:
        return str(error)
    return found


def _told(doors: dict[str, str], secret: str) -> None:
    """Tell the sidecar of the change, as an event does."""
    request = urllib.request.Request(
        f"{doors['admin']}/invalidate?secretId={secret}", data=b"", method="POST"
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def _last_words(logs: list[Path]) -> str:
    """Give the end of what each application said that ended early."""
    ends = [log.read_text()[-600:] for log in logs]
    return "\n".join(end for end in ends if not end.endswith("worked\n"))
