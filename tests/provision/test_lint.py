"""The linter names what lets nobody in, what lets anybody in, and what is wider than needed."""

import json
from typing import Any

import pytest

from sidecar.provision.cloudformation import template
from sidecar.provision.lint import (
    lint_execution_role,
    lint_profile,
    lint_resource_policy,
    lint_trust_policy,
    lint_user_policy,
    read_document,
)
from tests.provision.resolved import SECRET, USER, resolved
from tests.provision.wishes import FULL

ACCOUNT = "123456789012"
ANCHOR = f"arn:aws:rolesanywhere:eu-central-1:{ACCOUNT}:trust-anchor/1"
ALL_THREE = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
TRUST: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "rolesanywhere.amazonaws.com"},
    "Action": ALL_THREE,
    "Condition": {
        "ArnEquals": {"aws:SourceArn": ANCHOR},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    },
}
PROFILE = {
    "roleArns": [f"arn:aws:iam::{ACCOUNT}:role/web"],
    "enabled": True,
    "durationSeconds": 3600,
    "sessionPolicy": "{}",
    "acceptRoleSessionName": False,
}
READ = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}


def _policy(*statements: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _trust(**changes: Any) -> list[tuple[str, str]]:
    return _told(lint_trust_policy(_policy(TRUST | changes)))


def _profile(**changes: Any) -> list[tuple[str, str]]:
    return _told(lint_profile(PROFILE | changes))


def _told(found: Any) -> list[tuple[str, str]]:
    return [(each.about, str(each.severity)) for each in found]


def test_a_trust_policy_that_pins_everything_has_no_finding() -> None:
    assert _trust() == []


def test_our_own_trust_policy_has_no_finding() -> None:
    role = template(FULL)["Resources"]["WorkloadRole"]["Properties"]
    assert _told(lint_trust_policy(role["AssumeRolePolicyDocument"])) == []


@pytest.mark.parametrize("action", ALL_THREE)
def test_each_missing_session_action_is_an_error(action: str) -> None:
    assert _trust(Action=[each for each in ALL_THREE if each != action]) == [(action, "error")]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}},
            ("aws:SourceArn", "error"),
        ),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": ANCHOR}}}, ("aws:SourceAccount", "warning")),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, ("Principal", "error")),
        (
            {
                "Condition": {
                    "ArnLike": {"AWS:sourcearn": "arn:aws:rolesanywhere:*"},
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                }
            },
            ("aws:SourceArn", "warning"),
        ),
        (
            {
                "Condition": {
                    "ArnEqualsIfExists": {"aws:SourceArn": ANCHOR},
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                }
            },
            ("aws:SourceArn", "error"),
        ),
        (
            {
                "Condition": {
                    "ArnNotEquals": {"aws:SourceArn": ANCHOR},
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                }
            },
            ("aws:SourceArn", "error"),
        ),
        (
            {"Principal": {"AWS": "*", "Service": "rolesanywhere.amazonaws.com"}},
            ("Principal", "warning"),
        ),
    ],
    ids=["arn", "account", "service", "pattern", "if-exists", "not", "anybody"],
)
def test_each_weakness_of_a_trust_policy_is_found(
    changes: dict[str, Any], found: tuple[str, str]
) -> None:
    assert _trust(**changes) == [found]


def test_anybody_without_a_condition_is_an_error() -> None:
    assert ("Principal", "error") in _trust(Principal="*", Condition={})


def test_a_narrow_profile_has_no_finding() -> None:
    assert _profile() == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"sessionPolicy": None}, ("sessionPolicy", "warning")),
        ({"acceptRoleSessionName": True}, ("acceptRoleSessionName", "warning")),
        ({"durationSeconds": 43200}, ("durationSeconds", "warning")),
        ({"roleArns": []}, ("roleArns", "error")),
        ({"roleArns": ["a", "b"]}, ("roleArns", "warning")),
        ({"enabled": False}, ("enabled", "error")),
        (
            {"managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
            ("managedPolicyArns", "warning"),
        ),
    ],
)
def test_each_width_of_a_profile_is_found(changes: dict[str, Any], found: tuple[str, str]) -> None:
    assert _profile(**changes) == [found]


def test_managed_policies_narrow_a_profile_too() -> None:
    changes = {"sessionPolicy": None, "managedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnly"]}
    assert _profile(**changes) == []


@pytest.mark.parametrize(
    ("principal", "found"),
    [
        ({"Principal": "*"}, [("Principal", "error")]),
        ({"Principal": {"AWS": "*"}}, [("Principal", "error")]),
        ({"NotPrincipal": {"AWS": "x"}}, [("Principal", "error")]),
        ({"Principal": "*", "Condition": {"Bool": {"x": "y"}}}, [("Principal", "warning")]),
        (
            {"Principal": {"AWS": "arn:aws:iam::210987654321:root"}},
            [(READ["Action"], "warning")],
        ),
        ({"Principal": {"AWS": "210987654321"}}, [(READ["Action"], "warning")]),
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/web"}}, []),
    ],
)
def test_who_else_reads_a_secret_is_found(
    principal: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert _told(lint_resource_policy(_policy(READ | principal), account=ACCOUNT)) == found


def test_a_statement_about_something_else_lets_nobody_read() -> None:
    other = READ | {"Action": "secretsmanager:DescribeSecret", "Principal": "*"}
    assert _told(lint_resource_policy(_policy(other))) == []
    denied = READ | {"Effect": "Deny", "Principal": "*"}
    assert _told(lint_resource_policy(_policy(denied))) == []


def test_a_user_who_makes_keys_outlives_the_rotation() -> None:
    statement = {"Effect": "Allow", "Action": ["iam:*AccessKey"], "Resource": "*"}
    actions = [about for about, _ in _told(lint_user_policy(_policy(statement)))]
    assert actions == ["iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey"]


def test_a_user_who_reads_secrets_and_one_who_reads_objects() -> None:
    assert _told(lint_user_policy(_policy(READ))) == [(READ["Action"], "warning")]
    assert _told(lint_user_policy(_policy(READ | {"Action": "s3:GetObject"}))) == []


def _execution(document: dict[str, object]) -> list[tuple[str, str]]:
    return _told(lint_execution_role(document, user_arn=USER, secret_arn=SECRET))


def test_the_tutorial_s_execution_role_lacks_the_key_actions() -> None:
    assert ("iam:CreateAccessKey", "error") in _execution(_policy(READ))


def test_our_own_execution_role_has_no_finding() -> None:
    given = template(FULL)
    (policy,) = given["Resources"]["FunctionRole"]["Properties"]["Policies"]
    assert _execution(resolved(given, policy["PolicyDocument"])) == []


def test_an_execution_role_that_reads_other_secrets_is_too_wide() -> None:
    assert (READ["Action"], "warning") in _execution(_policy(READ))
    for resource in (SECRET, f"{SECRET[:-6]}??????"):
        assert (READ["Action"], "warning") not in _execution(_policy(READ | {"Resource": resource}))


def test_a_reaper_that_cannot_tag_is_told() -> None:
    tag = ("secretsmanager:TagResource", "warning")
    assert tag in _execution(_policy(READ))
    assert tag not in _execution(_policy(READ | {"Action": "secretsmanager:*"}))


@pytest.mark.parametrize(
    "wrapped",
    [
        {"Role": {"RoleName": "r", "AssumeRolePolicyDocument": _policy()}},
        {"PolicyVersion": {"Document": _policy()}},
        {"RoleName": "r", "PolicyDocument": _policy()},
        {"Name": "s", "ResourcePolicy": json.dumps(_policy())},
        _policy(),
    ],
)
def test_the_answers_of_aws_s_command_line_are_read(wrapped: object) -> None:
    assert read_document(json.dumps(wrapped)) == _policy()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"ResourcePolicy": "{"}', "[" * 100_000])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        read_document(text)


def test_what_is_no_policy_and_what_is_no_profile_are_refused() -> None:
    with pytest.raises(ValueError, match="not an IAM policy document"):
        list(lint_trust_policy({"roleArns": []}))
    with pytest.raises(ValueError, match="no profile"):
        list(lint_profile(_policy()))
