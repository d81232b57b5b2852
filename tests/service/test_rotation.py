"""A whole sidecar rotates a key in its windows, and an application at a door never has a dead one.

Time is the sidecar's own and moved by hand; AWS's stands still beside it.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from sidecar import key_rotation
from sidecar.aws.daemon_threads import run_in_daemon_thread
from sidecar.config import consistency
from sidecar.emulator.faults import Fault
from sidecar.rotation import trial
from tests.canary.test_no_secret_is_told import tells
from tests.rotation.site import Site, new_site, remove_role_policies

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock
    from tests.service.conftest import Doors, Start, Until

SCHEDULE: Final = """
schedule = "rate(4 hours)"
grace_hours = 1
recovery_hours = 1
"""
ROLE: Final = """
[roles.legacy]
source = "access-key-secret"
secret_id = "SECRET"
via = "default"
"""
APP: Final = {
    "SIDECAR_APPS_WEB_ROLES": "default,legacy",
    "SIDECAR_SECRETS_MAX_STALE_SECONDS": "600",  # so that an hour is grace enough
}
Pass = Callable[..., Awaitable[None]]


@pytest.fixture
def site(aws: "Aws", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Give a user whose secret holds no key yet, and a sidecar's configuration that rotates it."""
    monkeypatch.setattr(trial, "_PAUSE", trial._PAUSE / 1000)
    site = new_site(aws, tmp_path, SCHEDULE, ROLE)
    yield site
    remove_role_policies(site)
    aws.emulator.change_iam()


@pytest.fixture
def config_file(site: Site) -> Path:
    """Give the file that sidecars are configured by."""
    return site.config


@dataclass
class Work:
    """Counts what the rotation does in threads at this moment."""

    going_on: int = 0

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        self.going_on += 1
        try:
            return await run_in_daemon_thread(work, lambda: None)
        finally:
            self.going_on -= 1


@pytest.fixture
def passing(until: "Until", clock_of_today: "ManualClock", monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Give a function that lets time pass in steps of some seconds until something is so.

    It stands still while the rotation asks AWS, which would run out of time otherwise.
    """
    work = Work()
    monkeypatch.setattr(key_rotation, "_in_thread", work.in_thread)

    async def ask(condition: Callable[[], Any], step: float = 900) -> None:
        async def moved() -> bool:
            if not work.going_on:
                await clock_of_today.advance(step)
            found = condition()
            return bool(await found if asyncio.iscoroutine(found) else found)

        await until(moved)

    return ask


@dataclass
class Watch:
    """Looks at a site again and again, with clients that are made once."""

    site: Site
    iam: Any
    manager: Any

    def status(self, access_key_id: str) -> str:
        """Tell how a key of the user is."""
        listed = self.iam.list_access_keys(UserName=self.site.user)["AccessKeyMetadata"]
        status = {each["AccessKeyId"]: str(each["Status"]) for each in listed}
        return status.get(access_key_id, "gone")

    def current(self) -> str:
        """Give the key that applications are to use."""
        reply = self.manager.get_secret_value(SecretId=self.site.arn, VersionStage="AWSCURRENT")
        found: str = json.loads(reply["SecretString"])["aws_access_key_id"]
        return found


@pytest.fixture
def watch(site: Site) -> Watch:
    return Watch(site, site.aws.client("iam"), site.aws.client("secretsmanager"))


@pytest.fixture
async def doors(start: "Start", passing: Pass, clock_of_today: "ManualClock") -> "Doors":
    """Give a sidecar that rotates."""
    return await start(clock_of_today, **APP)


async def _served(doors: "Doors") -> dict[str, str]:
    """Give the key that an application has at this moment; empty when there is none."""
    status, answer = await doors.credentials(role="legacy")
    return answer if status == 200 else {"AccessKeyId": "", "SecretAccessKey": ""}


async def _works(aws: "Aws", key: dict[str, str]) -> bool:
    """Whether AWS lets somebody in who signs with a key."""
    connect: Any = boto3.Session(
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name=aws.emulator.region,
    ).client
    client = connect("sts", endpoint_url=aws.emulator.url)
    try:
        await asyncio.to_thread(client.get_caller_identity)
    except ClientError:
        return False
    return True


def _status(site: Site) -> str:
    """Ask as an operator does, in another process."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
    line = [sys.executable, "-m", "sidecar", "rotate", site.secret, "--status"]
    ended = subprocess.run(
        [*line, "--config", site.config],
        env=inherited | APP,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout + ended.stderr


async def _new_key(doors: "Doors", passing: Pass, before: str = "", step: float = 900) -> Any:
    """Let time pass until an application is given another key than the one before."""

    async def new() -> bool:
        return (await _served(doors))["AccessKeyId"] not in ("", before)

    await passing(new, step)
    return await _served(doors)


async def test_an_application_has_the_new_key_at_once_and_the_old_one_fades_away(
    aws: "Aws", site: Site, doors: "Doors", passing: Pass, watch: Watch
) -> None:
    first = await _new_key(doors, passing)
    old = first["AccessKeyId"]
    await passing(lambda: watch.current() != old)
    second = await _new_key(doors, passing, old, step=1)  # by itself: half an hour later
    assert second["AccessKeyId"] == site.current()
    assert [await _works(aws, each) for each in (first, second)] == [True, True]
    await passing(lambda: watch.status(old) == "Inactive")
    assert [await _works(aws, each) for each in (first, second)] == [False, True]
    told = await asyncio.to_thread(_status, site)
    assert f"previous key: …{old[-4:]} (inactive" in told
    assert f"current key:  …{second['AccessKeyId'][-4:]} (active" in told
    await passing(lambda: watch.status(old) == "gone")
    assert site.keys() == {second["AccessKeyId"]: "Active"}
    assert (await _served(doors))["AccessKeyId"] == second["AccessKeyId"]


@pytest.fixture
def long_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a role come back for the key by itself after hours only, which is refused otherwise."""
    monkeypatch.setattr(consistency, "held_key_inconsistencies", lambda *_: ())
    monkeypatch.setitem(APP, "SIDECAR_ROLES_LEGACY_SESSION_DURATION_SECONDS", "43200")


@pytest.mark.usefixtures("long_lived")
async def test_after_a_failed_trial_what_is_served_is_read_again(
    *,
    site: Site,
    doors: "Doors",
    passing: Pass,
    monkeypatch: pytest.MonkeyPatch,
    all_said: Callable[[], Awaitable[str]],
) -> None:
    """Somebody put another key in, deleted the one that is served, and told nobody."""
    before = (await _new_key(doors, passing))["AccessKeyId"]
    by_hand = _replace_by_hand(site, before)
    monkeypatch.setattr(trial, "_PAUSE", timedelta(minutes=6))  # one try fills its time
    not_known = Fault("sts", status=403, code="InvalidClientTokenId", times=1)
    site.aws.emulator.set_faults(replace(not_known, operation="GetCallerIdentity"))
    asked = _trials(site)
    await passing(lambda: _trials(site) > asked)
    assert (await _new_key(doors, passing, before, step=1))["AccessKeyId"] == by_hand
    said = await all_said()
    assert "does not work yet" in said, "the search must have something to search"
    assert [each for each in _secret_halves(site) if tells(said, each)] == []


def _secret_halves(site: Site) -> list[str]:
    """Give the secret half of each key that a labelled version of the secret names."""
    manager = site.aws.client("secretsmanager")
    labels = manager.describe_secret(SecretId=site.arn)["VersionIdsToStages"]
    texts = [
        manager.get_secret_value(SecretId=site.arn, VersionId=each)["SecretString"]
        for each in labels
    ]
    found = [json.loads(text).get("aws_secret_access_key") for text in texts]
    halves = [each for each in found if each]
    assert len(halves) == 3, "the key before, the one by hand, and the pending one"
    return halves


@pytest.fixture
def all_said(
    doors: "Doors", capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], Awaitable[str]]:
    """Give a function that gives logs, audit, stdout and the admin door's pages of this test."""
    caplog.set_level(logging.DEBUG)

    async def gathered() -> str:
        pages = []
        for path in ("/", "/readyz", "/metrics"):
            async with doors.http.get(doors.urls["admin"] + path) as response:
                pages.append(await response.text())
        printed = capfd.readouterr()
        return "\n".join((printed.out, printed.err, caplog.text, *pages))

    return gathered


def _trials(site: Site) -> int:
    return site.aws.emulator.calls().get("sts.GetCallerIdentity", 0)


def _replace_by_hand(site: Site, access_key_id: str) -> str:
    """Put another key in the secret and delete the one before; gives the other's id."""
    iam = site.aws.client("iam")
    made = iam.create_access_key(UserName=site.user)["AccessKey"]
    value = {
        "user_name": site.user,
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
    }
    site.aws.client("secretsmanager").put_secret_value(
        SecretId=site.arn, SecretString=json.dumps(value)
    )
    iam.delete_access_key(UserName=site.user, AccessKeyId=access_key_id)
    return str(made["AccessKeyId"])
