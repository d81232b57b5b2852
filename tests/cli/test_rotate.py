"""`sidecar rotate` against an emulator, with a role that may do no more than a rotation needs."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidecar.cli import main
from sidecar.demo.stage import ROLE_NAME
from sidecar.rotation import trial
from sidecar.secret_graph import SecretGraph
from tests.conftest import Aws
from tests.rotation.site import Site, new_site, remove_role_policies

Rotate = Callable[..., str]


@pytest.fixture
def site(aws: Aws, tmp_path: Path) -> Iterator[Site]:
    site = new_site(aws, tmp_path, "grace_hours = 25")
    yield site
    remove_role_policies(site, "lacks")


@pytest.fixture
def rotate(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Rotate:
    """Give a function that runs the command, which must end so, and returns what it said."""
    monkeypatch.setattr(trial, "_PAUSE", trial._PAUSE / 1000)

    def run(*words: str, code: int = 0, secret: str = "") -> str:
        capsys.readouterr()
        ended = main(["rotate", secret or site.secret, *words, "--config", str(site.config)])
        printed = capsys.readouterr()
        assert ended == code, printed.err
        return printed.out or printed.err

    return run


def test_a_rotation_makes_a_key_and_the_status_shows_it(site: Site, rotate: Rotate) -> None:
    assert f"create a key of user {site.user}" in rotate("--dry-run")
    rotated = rotate()
    assert rotated.startswith("AWSCURRENT is version ")
    assert rotated.endswith(f", with key …{site.current()[-4:]}\n")
    status = rotate("--status")
    assert f"…{site.current()[-4:]} (active" in status
    assert "nothing stands in its way" in status
    assert site.current() not in status


def test_what_stands_in_its_way_is_told_with_what_to_do(site: Site, rotate: Rotate) -> None:
    rotate()
    rotate()
    assert "not now: there is no place for a new key" in rotate("--status")
    refused = rotate(code=75)  # waiting is enough
    assert "is in its grace until" in refused
    assert "--force" in refused
    second, keys = site.current(), site.keys()
    rotate("--force")
    assert set(site.keys()) - set(keys) == {site.current()}
    assert second in set(site.keys())


def test_reaping_and_restoring(site: Site, rotate: Rotate) -> None:
    rotate()
    old = site.current()
    rotate()
    told = rotate("--reap")
    assert "the previous key is in its grace, until 20" in told
    assert "again" in rotate("--restore")
    assert site.current() == old


def test_a_user_s_key_is_adopted_from_stdin(
    site: Site, rotate: Rotate, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = site.aws.client("iam").create_access_key(UserName=site.user)["AccessKey"]
    assert "unknown key" in rotate("--status")
    text = {
        "user_name": site.user,
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(text)))
    assert rotate("--adopt").startswith("adopted as version ")
    assert site.current() == key["AccessKeyId"]


@pytest.mark.parametrize("text", ["canary", '{"user_name": "batch"}'])
def test_what_is_no_key_is_not_adopted(
    rotate: Rotate, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    told = rotate("--adopt", code=1)
    assert "stdin" in told
    assert "canary" not in told


def test_a_secret_without_a_section_is_refused(site: Site, rotate: Rotate) -> None:
    told = rotate(secret="demo/other", code=2)
    assert 'rotation."demo/other": there is no such section' in told
    assert 'add [rotation."demo/other"] with user_name and a via' in told
    assert site.secret in told


@pytest.mark.parametrize("lacking", ["iam:CreateAccessKey", "secretsmanager:PutSecretValue"])
def test_a_permission_that_lacks_is_named(site: Site, rotate: Rotate, lacking: str) -> None:
    deny = {"Effect": "Deny", "Action": lacking, "Resource": "*"}
    site.aws.client("iam").put_role_policy(
        RoleName=ROLE_NAME,
        PolicyName="lacks",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    told = rotate(code=1)
    assert f"{lacking} was refused" in told
    assert f"hint: the role that rotates needs {lacking}" in told
    assert len(site.keys()) <= 1


def test_a_rotation_is_told_to_every_sink_before_the_command_ends(
    site: Site, rotate: Rotate, tmp_path: Path
) -> None:
    lines = tmp_path / "notices"
    with site.config.open("a") as config:
        config.write(f'\n[notify.log]\ntype = "file"\ndestination = "{lines}"\n')
    rotate()
    rotate("--status")
    told = [json.loads(each) for each in lines.read_text().splitlines()]
    assert [each["kind"] for each in told] == ["rotation-started", "rotation-succeeded"]
    assert told[0]["thread"] == told[1]["thread"]
    assert told[1]["facts"]["user"] == site.user
    assert site.current() not in lines.read_text()


def test_a_rotation_that_is_refused_before_it_begins_pages_nobody(
    site: Site, rotate: Rotate, tmp_path: Path
) -> None:
    lines = tmp_path / "notices"
    with site.config.open("a") as config:
        config.write(f'\n[notify.log]\ntype = "file"\ndestination = "{lines}"\n')
    rotate()
    site.aws.client("iam").create_access_key(UserName=site.user)
    told = lines.read_text()
    assert "that no version of the secret names" in rotate(code=1)
    assert lines.read_text() == told


def test_the_reading_of_a_sink_s_address_ends_with_the_command(
    rotate: Rotate, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[SecretGraph] = []
    close = SecretGraph.close

    async def closed(graph: SecretGraph) -> None:
        ended.append(graph)
        await close(graph)

    monkeypatch.setattr(SecretGraph, "close", closed)
    rotate("--status")
    assert len(ended) == 1
