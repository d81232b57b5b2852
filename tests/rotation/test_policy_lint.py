"""What a policy lacks for a rotation, by the documents that are usually copied."""

import json
from typing import Any

import pytest

from sidecar.rotation.policy_lint import Severity, lint_policy

USER = "arn:aws:iam::123456789012:user/robots/backup"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:backup-AbCdEf"
OF_THE_SECRET = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
]
TAG = "secretsmanager:TagResource"
KEY_CHANGES = ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:UpdateAccessKey"]
OF_THE_USER = [*KEY_CHANGES, "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"]
OWN_NAME = "arn:aws:iam::*:user/${aws:username}"


def _allow(action: object, resource: object, **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


ON_THE_SECRET = _allow([*OF_THE_SECRET, TAG], SECRET)
ON_THE_USER = _allow(OF_THE_USER, USER)
USER_POLICY = _allow([*OF_THE_USER, "iam:GetUser", "iam:TagUser"], OWN_NAME)
EXECUTION_ROLE = [
    _allow(OF_THE_SECRET, SECRET),
    _allow("secretsmanager:GetRandomPassword", "*"),
]


def _found(*statements: object) -> list[tuple[str, str, str]]:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    findings = lint_policy(document, user_arn=USER, secret_arn=SECRET)
    return [(each.action, str(each.severity), each.sentence) for each in findings]


def test_what_a_rotation_needs_and_no_more_has_no_finding() -> None:
    assert _found(ON_THE_SECRET, ON_THE_USER) == []


@pytest.mark.parametrize("action", [*OF_THE_SECRET, *OF_THE_USER])
def test_each_needed_action_that_is_missing_is_an_error(action: str) -> None:
    statements: list[dict[str, Any]] = [
        _allow([each for each in OF_THE_SECRET if each != action] + [TAG], SECRET),
        _allow([each for each in OF_THE_USER if each != action], USER),
    ]
    resource = SECRET if action in OF_THE_SECRET else USER
    assert _found(*statements) == [(action, "error", f"is not allowed on {resource}")]


def test_the_execution_role_of_the_tutorial_lacks_everything_about_keys() -> None:
    assert _found(*EXECUTION_ROLE) == [
        (TAG, "warning", f"is not allowed on {SECRET}"),
        *((action, "error", f"is not allowed on {USER}") for action in OF_THE_USER),
    ]


def test_the_user_policy_of_the_tutorial_does_not_help_a_role() -> None:
    what = "is allowed on user/${aws:username} only, and a role is no user: it has no such name"
    of_the_user = [each for each in _found(USER_POLICY) if each[0].startswith("iam:")]
    assert of_the_user == [(action, "error", what) for action in OF_THE_USER]
    assert {each[0] for each in _found(USER_POLICY)} == {
        *OF_THE_SECRET,
        TAG,
        *OF_THE_USER,
    }


def test_a_finding_says_what_to_write() -> None:
    document = json.dumps({"Statement": [ON_THE_SECRET, USER_POLICY]})
    finding = lint_policy(document, user_arn=USER, secret_arn=SECRET)[0]
    assert finding.severity is Severity.ERROR
    assert finding.hint == f"name the user instead: {USER}"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        pytest.param("iam:*AccessKey*", USER, id="a part of the action"),
        pytest.param("iam:*", USER, id="every action of the service"),
        pytest.param("IAM:*accesskey*", USER, id="in any case"),
        pytest.param(OF_THE_USER, "arn:aws:iam::*:user/robots/backup", id="any account"),
    ],
)
def test_a_pattern_allows_what_fits_it(action: object, resource: str) -> None:
    assert _found(ON_THE_SECRET, _allow(action, resource)) == []


@pytest.mark.parametrize("secret", [f"{SECRET[:-6]}??????", f"{SECRET[:-7]}*", "*"])
def test_a_pattern_of_the_secret_is_enough(secret: str) -> None:
    assert _found(_allow("secretsmanager:*", secret), ON_THE_USER) == []


@pytest.mark.parametrize(
    "user", [USER.lower().replace("backup", "Backup"), f"{USER}?", f"{USER[:-1]}[p]"]
)
def test_a_resource_that_does_not_fit_allows_nothing(user: str) -> None:
    what = f"is allowed on {user} and not on {USER}"
    expected = [(action, "error", what) for action in OF_THE_USER]
    assert _found(ON_THE_SECRET, _allow("iam:*", user)) == expected


@pytest.mark.parametrize("resource", ["*", "arn:aws:iam::123456789012:user/*", f"{USER}*"])
def test_keys_of_other_users_are_too_much(resource: str) -> None:
    what = f"is allowed on {resource}: keys of other users can be changed too"
    expected = [(action, "warning", what) for action in KEY_CHANGES]
    assert _found(ON_THE_SECRET, _allow(OF_THE_USER, resource)) == expected


def test_a_deny_counts_more_than_an_allow() -> None:
    deny = {"Effect": "Deny", "Action": "iam:Delete*", "Resource": "*"}
    what = "is denied by statement 3"
    assert _found(ON_THE_SECRET, ON_THE_USER, deny) == [("iam:DeleteAccessKey", "error", what)]
    elsewhere = deny | {"Resource": f"{USER}2"}
    assert _found(ON_THE_SECRET, ON_THE_USER, elsewhere) == []


@pytest.mark.parametrize(
    ("statements", "what"),
    [
        pytest.param(
            [_allow(OF_THE_USER, USER, Condition={"Bool": {"aws:SecureTransport": "true"}})],
            "is allowed by statement 2 under a condition, which is not judged",
            id="an allow under a condition",
        ),
        pytest.param(
            [
                ON_THE_USER,
                {"Effect": "Deny", "Action": "iam:*", "Resource": "*", "Condition": {1: 2}},
            ],
            "is denied by statement 3 under a condition, which is not judged",
            id="a deny under a condition",
        ),
        pytest.param(
            [{"Effect": "Allow", "NotAction": "s3:*", "Resource": USER}],
            "may be allowed by statement 2, whose NotAction is not judged",
            id="an allow of everything but",
        ),
        pytest.param(
            [ON_THE_USER, {"Effect": "Deny", "NotAction": "iam:*", "Resource": USER}],
            "may be denied by statement 3, whose NotAction is not judged",
            id="a deny of everything but",
        ),
        pytest.param(
            [{"Effect": "Allow", "Action": "iam:*", "NotResource": SECRET}],
            "may be allowed by statement 2, whose NotResource is not judged",
            id="an allow of every resource but",
        ),
    ],
)
def test_what_is_not_judged_is_said_and_not_guessed(statements: list[object], what: str) -> None:
    expected = [(action, "warning", what) for action in OF_THE_USER]
    assert _found(ON_THE_SECRET, *statements) == expected


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not an IAM policy document: it has no Statement"),
        ("{}", "is not an IAM policy document: it has no Statement"),
        ('{"Statement": 1}', "statement 1 has no Effect Allow or Deny"),
        ('{"Statement": [{"Effect": "allow"}]}', "statement 1 has no Effect Allow or Deny"),
        ('{"Statement": {"Effect": "Allow", "Resource": "*"}}', "statement 1 has no Action"),
        ('{"Statement": {"Effect": "Allow", "Action": "*"}}', "statement 1 has no Resource"),
        (
            '{"Statement": {"Effect": "Allow", "Action": [1], "Resource": "*"}}',
            "statement 1 has no text as Action",
        ),
    ],
)
def test_what_is_no_policy_document_is_refused(document: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        lint_policy(document, user_arn=USER, secret_arn=SECRET)
    assert str(caught.value) == reason
