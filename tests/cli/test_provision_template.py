"""`sidecar provision template`: the flags make a wish, and what it prints is a whole template."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint

from sidecar.cli import main
from sidecar.cli.wish_problems import FLAG_OF
from sidecar.provision import wish_checks
from tests.provision.wishes import BUNDLE, REVOKED, USER_POLICY

ROTATE = ("--rotate-user", "batch-user", "--rotate-secret", "legacy/batch-user")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text(BUNDLE)
    return path


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], bundle: Path) -> Callable[..., Any]:
    """Give a function that prints a template by some flags, and returns it."""

    def run(*words: object) -> Any:
        line = ["provision", "template", "--ca-bundle", str(bundle), *map(str, words)]
        assert main(line) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_an_authority_alone_makes_a_template(printed: Callable[..., Any]) -> None:
    given = printed("--secret", "prod/web/*")
    assert set(given["Resources"]) == {"TrustAnchor", "RevocationList", "WorkloadRole", "Profile"}


def test_every_flag_is_in_what_is_printed(printed: Callable[..., Any], tmp_path: Path) -> None:
    policy, crl = tmp_path / "policy.json", tmp_path / "crl.pem"
    policy.write_text(json.dumps(USER_POLICY))
    crl.write_text(REVOKED)
    given = printed(
        *("--name", "prod", "--crl", crl, "--duration-seconds", 900, "--session-policy", policy),
        *("--allow-common-name", "web-1", "--allow-source-identity", "CN=web-*"),
        *("--list-buckets", "--bucket", "reports", "--function", "model"),
        *("--kms-key", "arn:aws:kms:eu-central-1:123456789012:key/1"),
        *ROTATE,
        *("--schedule", "rate(60 days)", "--window", "3h", "--user-policy", policy),
        *("--grace-hours", 48, "--recovery-hours", 24),
        *("--code-bucket", "my-code", "--code-key", "v1.zip"),
        *("--no-trail", "--no-queue", "--no-alarms"),
        *("--slack-workspace", "T0123456789", "--slack-channel", "C0123456789"),
    )
    values = {name: each["Default"] for name, each in given["Parameters"].items()}
    assert values == {
        "Name": "prod",
        "CaBundle": BUNDLE,
        "RevocationListPem": REVOKED,
        "UserName": "batch-user",
        "SecretName": "legacy/batch-user",
        "ScheduleExpression": "rate(60 days)",
        "GraceHours": 48,
        "RecoveryHours": 24,
        "CodeBucket": "my-code",
        "CodeKey": "v1.zip",
        "SlackWorkspaceId": "T0123456789",
        "SlackChannelId": "C0123456789",
    }
    said = json.dumps(given)
    needles = ('"900"', "web-1", "CN=web-*", "reports/*", "function:model", "key/1", '"3h"')
    assert [each for each in needles if each.strip('"') not in said] == []
    assert not {"Trail", "ChangeQueue", "RotationFunctionAlarm"} & given["Resources"].keys()


def test_a_private_ca_needs_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provision", "template", "--private-ca", "--general-purpose", "--events"]) == 0
    text = capsys.readouterr().out
    assert "GENERAL_PURPOSE" in text
    assert lint(text, regions=["eu-central-1"]) == []


def test_the_same_for_terraform(printed: Callable[..., Any]) -> None:
    given = printed("--format", "terraform", *ROTATE)
    assert "aws_rolesanywhere_trust_anchor" in given["resource"]
    assert given["variable"]["user_name"]["default"] == "batch-user"
    assert "default" not in given["variable"]["code_bucket"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rotate-user", "a"), "--rotate-user and --rotate-secret need each other"),
        (("--schedule", "rate(9 days)"), "--schedule needs --rotate-user"),
        (("--slack-channel", "C1"), "--slack-workspace and --slack-channel need each other"),
        (("--no-queue",), "--no-queue needs --events"),
        (("--general-purpose",), "--general-purpose needs --private-ca"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(
    refusal: Callable[..., str], bundle: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in refusal("provision", "template", "--ca-bundle", bundle, *words, code=2)


def test_a_file_that_is_not_there_is_a_failure(refusal: Callable[..., str], bundle: Path) -> None:
    words = ("provision", "template", "--ca-bundle", bundle, "--crl", "/nowhere")
    assert "--crl /nowhere cannot be read" in refusal(*words)


def test_a_policy_that_is_none_is_refused_by_its_flag(
    refusal: Callable[..., str], bundle: Path
) -> None:
    words = ("provision", "template", "--ca-bundle", bundle, *ROTATE, "--user-policy", bundle)
    assert "--user-policy" in refusal(*words)


def test_no_authority_is_refused(refusal: Callable[..., str]) -> None:
    assert "give --ca-bundle or --private-ca" in refusal("provision", "template", code=2)


def test_what_aws_would_refuse_is_named_and_nothing_is_printed(
    capsys: pytest.CaptureFixture[str], bundle: Path
) -> None:
    words = ["provision", "template", "--ca-bundle", str(bundle), *ROTATE]
    assert main([*words, "--schedule", "rate(2 minutes)", "--name", "X"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("sidecar: command line has 2 problems\n")
    assert "  --schedule: " in printed.err
    assert "  --name: cannot be used (got 'X')\n" in printed.err


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--duration-seconds", "1"),
        ("--allow-common-name", "*"),
        ("--allow-source-identity", "*;"),
        ("--secret", "a b"),
        ("--bucket", "B"),
        ("--kms-key", "alias/a"),
        ("--function", "a:b"),
        ("--rotate-user", "a b"),
        ("--rotate-secret", "a b"),
        ("--window", "3m"),
        ("--grace-hours", "0"),
        ("--recovery-hours", "0"),
        ("--slack-workspace", "t"),
        ("--slack-channel", "#a"),
    ],
)
def test_a_value_that_aws_would_refuse_is_told_by_the_flag_that_it_was_given_by(
    flag: str, value: str, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slack = ("--slack-workspace", "T0", "--slack-channel", "C0")
    words = ["--ca-bundle", str(bundle), *ROTATE, *slack, flag, value]
    assert main(["provision", "template", *words]) == 2
    assert capsys.readouterr().err.splitlines()[1].startswith(f"  {flag}: ")


def test_every_field_of_a_wish_that_is_checked_has_its_flag() -> None:
    checked = Path(wish_checks.__file__).read_text()
    named = set(re.findall(r'"((?:[a-z_]+\.)+[a-z_]+)"', checked))
    # The private authority's are never said.
    assert {each for each in named if not each.startswith("authority.")} <= set(FLAG_OF)
