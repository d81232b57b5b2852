"""`sidecar rotate --status` shows every state that a rotation does not leave by itself.

Left out are those that only a step which Secrets Manager calls can meet: a rotation that it did not
begin, and AWSPENDING on another version, which a sidecar takes for its own and brings to its end.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from sidecar.cli import main
from sidecar.demo.stage import ROLE_NAME
from sidecar.rotation import trial
from tests.conftest import Aws
from tests.rotation.site import Site, new_site, remove_role_policies

Run = Callable[..., tuple[int, str]]
Arrange = Callable[[Site, Run], object]
NOT_NOW: Final = "rotation:     not now: "


@pytest.fixture
def site(aws: Aws, tmp_path: Path) -> Iterator[Site]:
    site = new_site(aws, tmp_path, "grace_hours = 25")
    yield site
    remove_role_policies(site, "lacks")


@pytest.fixture
def run(site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs the command, and returns how it ended and what it said."""
    monkeypatch.setattr(trial, "_PAUSE", trial._PAUSE / 1000)

    def ran(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        ended = main(["rotate", site.secret, *words, "--config", str(site.config)])
        printed = capsys.readouterr()
        return ended, printed.out + printed.err

    return ran


def put(site: Site, value: str, label: str = "AWSCURRENT") -> str:
    """Write a version by hand; gives its id."""
    reply = site.aws.client("secretsmanager").put_secret_value(
        SecretId=site.arn,
        SecretString=value,
        VersionStages=[label],
        ClientRequestToken=str(uuid4()),
    )
    return str(reply["VersionId"])


def more(site: Site, effect: str, action: str) -> None:
    """Allow or deny the role something on everything."""
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    site.aws.client("iam").put_role_policy(
        RoleName=ROLE_NAME,
        PolicyName="lacks",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def no_value(site: Site, _: Run) -> None:
    more(site, "Allow", "secretsmanager:*")  # the secret that is made anew has another ARN
    manager = site.aws.client("secretsmanager")
    manager.delete_secret(SecretId=site.arn, ForceDeleteWithoutRecovery=True)
    manager.create_secret(Name=site.secret)


def another_user(site: Site, _: Run) -> None:
    put(site, '{"user_name": "somebody"}')


def no_key_s_value(site: Site, _: Run) -> None:
    put(site, '{"password": "canary"}')


def a_key_by_hand(site: Site, _: Run) -> None:
    site.aws.client("iam").create_access_key(UserName=site.user)


def rotated_twice(_: Site, run: Run) -> None:
    assert [run()[0], run()[0]] == [0, 0]


def left_half_done(site: Site, run: Run) -> None:
    """Leave a pending version whose key is there, as a crash before testSecret does."""
    run()
    key = site.aws.client("iam").create_access_key(UserName=site.user)["AccessKey"]
    value = {
        "user_name": site.user,
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    put(site, json.dumps(value), "AWSPENDING")


def current_key_deleted(site: Site, run: Run) -> None:
    run()
    site.aws.client("iam").delete_access_key(UserName=site.user, AccessKeyId=site.current())


def user_deleted(site: Site, _: Run) -> None:
    iam = site.aws.client("iam")
    iam.delete_user_policy(UserName=site.user, PolicyName="works")
    iam.delete_user(UserName=site.user)


def secret_deleted(site: Site, _: Run) -> None:
    site.aws.client("secretsmanager").delete_secret(SecretId=site.arn)


def secret_gone(site: Site, _: Run) -> None:
    more(site, "Allow", "secretsmanager:DescribeSecret")  # AWS tells nobody else that it is gone
    site.aws.client("secretsmanager").delete_secret(
        SecretId=site.arn, ForceDeleteWithoutRecovery=True
    )


@pytest.mark.parametrize(
    ("arrange", "said", "advice"),
    [
        (another_user, f"{NOT_NOW}the current version of the secret names user", "pinned by"),
        (a_key_by_hand, "that no version of the secret names", "--adopt"),
        (a_key_by_hand, "unknown key:", "not seen in use: no version of the secret names it"),
        (rotated_twice, f"{NOT_NOW}there is no place for a new key", "--force"),
        (left_half_done, "under way:    AWSPENDING is on version ", "pending key:"),
        (current_key_deleted, "which the user does not have", "nothing stands in its way"),
    ],
)
def test_what_a_rotation_would_meet_is_shown_with_what_to_do(
    site: Site, run: Run, arrange: Arrange, said: str, advice: str
) -> None:
    arrange(site, run)
    ended, shown = run("--status")
    assert ended == 0
    assert said in shown
    assert advice in shown


@pytest.mark.parametrize(
    ("arrange", "said", "advice"),
    [
        (no_value, "has no value", 'store {"user_name": "…"} in it first'),
        (no_key_s_value, "has no user_name", "its value must be JSON with user_name"),
        (user_deleted, "there is no IAM user batch-", "create the user again, or remove"),
        (secret_deleted, "is being deleted", "restore-secret brings it back"),
        (secret_gone, "there is no secret demo/batch-", "or correct the configuration"),
    ],
)
def test_where_it_cannot_be_seen_how_it_stands_the_reason_is_told(
    site: Site, run: Run, arrange: Arrange, said: str, advice: str
) -> None:
    arrange(site, run)
    ended, shown = run("--status")
    assert ended == 1
    assert shown.startswith("sidecar: ")
    assert said in shown
    assert advice in shown.partition("\nhint: ")[2]
    assert "canary" not in shown


@pytest.mark.parametrize(
    "lacking",
    [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
    ],
)
def test_a_call_that_is_denied_is_named_with_the_permission(
    site: Site, run: Run, lacking: str
) -> None:
    rotated_twice(site, run)
    more(site, "Deny", lacking)
    ended, shown = run("--status")
    assert ended == 1
    assert f"{lacking} was refused" in shown
    assert f"hint: the role that rotates needs {lacking}" in shown


def test_that_secrets_manager_rotates_it_is_shown(site: Site, run: Run) -> None:
    function = f"arn:aws:lambda:us-east-1:123456789012:function:{uuid4().hex}"
    site.aws.emulator.register_function(function, lambda *_: None)
    site.aws.client("secretsmanager").rotate_secret(
        SecretId=site.arn,
        RotationLambdaARN=function,
        RotationRules={"AutomaticallyAfterDays": 30},
        RotateImmediately=False,
    )
    site.aws.emulator.wait_for_rotations()
    assert "rotated by:   Secrets Manager, with a function" in run("--status")[1]


def test_who_works_on_it_is_shown(site: Site, run: Run) -> None:
    run()
    site.aws.client("secretsmanager").put_secret_value(
        SecretId=site.arn,
        SecretString=json.dumps({"held_by": "host-7/1/x", "since": "2026-03-01T12:00:00Z"}),
        VersionStages=["SIDECARLEASE", "SIDECARHELD"],
    )
    assert "worked on by: host-7/1/x since 20" in run("--status")[1]


def test_a_secret_that_waits_for_its_first_key_stands_in_nobody_s_way(run: Run) -> None:
    ended, shown = run("--status")
    assert ended == 0
    assert "current key:  none yet" in shown
    assert "rotation:     nothing stands in its way" in shown
