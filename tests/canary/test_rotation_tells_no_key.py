"""No half of any key that `sidecar rotate` ever made is in what it says, does it go well or not."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.cli import main
from sidecar.emulator.faults import Fault
from sidecar.rotation import trial
from sidecar.rotation.aws_calls import AwsCalls
from sidecar.rotation.calls import NewKey
from tests.canary.test_no_secret_is_told import tells
from tests.conftest import Aws
from tests.logging_state import logging_as_it_was
from tests.rotation.site import Site, new_site, remove_role_policies

WAYS = ("--status", "--dry-run", "--reap", "--restore")
FAILING = (
    ("iam", "CreateAccessKey"),
    ("secretsmanager", "PutSecretValue"),
    ("sts", "GetCallerIdentity"),
    ("secretsmanager", "GetSecretValue"),
    # The last, since it keeps the lease from being given back.
    ("secretsmanager", "UpdateSecretVersionStage"),
)


@pytest.fixture
def site(aws: Aws, tmp_path: Path) -> Iterator[Site]:
    site = new_site(aws, tmp_path)
    yield site
    remove_role_policies(site)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo what a command does to the process's logging."""
    with logging_as_it_was():
        yield


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[NewKey]:
    """Give every key that is made from here on."""
    made, create = list[NewKey](), AwsCalls.create_key

    def noted(calls: AwsCalls, user_name: str) -> NewKey:
        key = create(calls, user_name)
        made.append(key)
        return key

    monkeypatch.setattr(AwsCalls, "create_key", noted)
    monkeypatch.setattr(trial, "_PAUSE", trial._PAUSE / 1000)
    return made


@pytest.fixture
def said(
    site: Site,
    made: list[NewKey],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> str:
    """Give all that the command said and logged in good days and in bad ones."""
    caplog.set_level(logging.DEBUG)
    line = ["rotate", site.secret, "--config", str(site.config)]
    ended = [main(line)]
    for service, operation in FAILING:
        code = "InvalidClientTokenId" if service == "sts" else "InvalidRequestException"
        site.aws.emulator.set_faults(Fault(service, operation, status=400, code=code, times=3))
        ended.append(main([*line, "--force"]))
        site.aws.emulator.set_faults()
    ended += [main([*line, "--force"]), *(main([*line, flag]) for flag in WAYS)]
    assert ended.count(1) >= len(FAILING) - 1, ended
    assert len(made) >= 3
    printed = capfd.readouterr()
    return printed.out + printed.err + caplog.text


def test_no_secret_half_and_no_whole_id_is_told(said: str, made: list[NewKey]) -> None:
    for key in made:
        assert not tells(said, key.secret_access_key.reveal())
        assert key.access_key_id not in said
    for word in (
        "AWSCURRENT is version ",
        "was refused",
        "hint: ",
        "createSecret: ",
        "does not work yet",
    ):
        assert word in said, "it said too little to be searched"
    assert made[0].access_key_id[-4:] in said
