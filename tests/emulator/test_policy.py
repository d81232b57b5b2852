"""Policy documents: what they say to a question."""

import json
from typing import Any

import pytest

from sidecar.emulator.policy import Decision, PolicyNotUnderstood, Question, evaluate, parse_policy

ALLOWED, NOT_ALLOWED, DENIED = Decision.ALLOWED, Decision.NOT_ALLOWED, Decision.DENIED
READ = "secretsmanager:GetSecretValue"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*", **elements}


def ask(*documents: str, action: str = READ, resource: str = SECRET, **context: str) -> Decision:
    keys = {key.replace("__", ":"): (value,) for key, value in context.items()}
    return evaluate(documents, Question(action, resource, keys))


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param("*", ALLOWED, id="any"),
        pytest.param("secretsmanager:*", ALLOWED, id="any of the service"),
        pytest.param("secretsmanager:Get*", ALLOWED, id="prefix"),
        pytest.param("SecretsManager:getsecretvalue", ALLOWED, id="case does not matter"),
        pytest.param(["s3:GetObject", READ], ALLOWED, id="listed"),
        pytest.param("secretsmanager:GetSecretValu?", ALLOWED, id="one character"),
        pytest.param("secretsmanager:GetSecretValue?", NOT_ALLOWED, id="one character too many"),
        pytest.param("secretsmanager:Get", NOT_ALLOWED, id="not a prefix"),
        pytest.param("s3:*", NOT_ALLOWED, id="another service"),
        pytest.param("secretsmanager.GetSecretValue", NOT_ALLOWED, id="a dot is a dot"),
    ],
)
def test_actions(action: object, expected: Decision) -> None:
    assert ask(document(allow(Action=action))) is expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        pytest.param(SECRET, ALLOWED, id="itself"),
        pytest.param(SECRET[:-6] + "??????", ALLOWED, id="the documented pattern"),
        pytest.param("arn:aws:secretsmanager:*:*:secret:prod/*", ALLOWED, id="by path"),
        pytest.param("arn:aws:secretsmanager:*:*:secret:test/*", NOT_ALLOWED, id="another path"),
        pytest.param(SECRET.upper(), NOT_ALLOWED, id="case matters"),
        pytest.param([], NOT_ALLOWED, id="none"),
    ],
)
def test_resources(resource: object, expected: Decision) -> None:
    assert ask(document(allow(Resource=resource))) is expected


def test_a_deny_wins_over_any_allow_wherever_it_stands() -> None:
    deny = {"Effect": "Deny", "Action": READ, "Resource": "*"}
    assert ask(document(allow(), deny)) is DENIED
    assert ask(document(deny), document(allow())) is DENIED
    assert ask(document(deny, allow()), action="s3:GetObject") is ALLOWED


def test_nothing_allows_nothing() -> None:
    assert ask() is NOT_ALLOWED


def test_not_action_and_not_resource_mean_all_others() -> None:
    others = document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
    assert (ask(others), ask(others, action="iam:ListUsers")) == (ALLOWED, NOT_ALLOWED)
    elsewhere = document({"Effect": "Allow", "Action": "*", "NotResource": SECRET})
    assert (ask(elsewhere), ask(elsewhere, resource="other")) == (NOT_ALLOWED, ALLOWED)


def test_a_single_statement_needs_no_list() -> None:
    assert ask(json.dumps({"Statement": allow()})) is ALLOWED


def test_policy_variables_stand_for_the_callers_own_values() -> None:
    own = document(allow(Resource="arn:aws:iam::*:user/${aws:username}"))
    user = "arn:aws:iam::123456789012:user/batch"
    assert ask(own, resource=user, aws__username="batch") is ALLOWED
    assert ask(own, resource=user, aws__username="other") is NOT_ALLOWED
    assert ask(own, resource=user) is NOT_ALLOWED


def test_literal_wildcards_can_be_written_as_variables() -> None:
    literal = document(allow(Condition={"StringEquals": {"key": "a${*}b"}}))
    assert ask(literal, key="a*b") is ALLOWED
    assert ask(literal, key="axb") is NOT_ALLOWED


def test_a_condition_that_does_not_hold_silences_its_statement() -> None:
    only_current = document(
        allow(Condition={"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}})
    )
    assert ask(only_current, secretsmanager__VersionStage="AWSCURRENT") is ALLOWED
    assert ask(only_current, secretsmanager__VersionStage="AWSPENDING") is NOT_ALLOWED
    assert ask(only_current) is NOT_ALLOWED


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        pytest.param({"Service": "rolesanywhere.amazonaws.com"}, ALLOWED, id="this service"),
        pytest.param({"Service": ["a", "rolesanywhere.amazonaws.com"]}, ALLOWED, id="listed"),
        pytest.param("*", ALLOWED, id="everybody"),
        pytest.param({"AWS": "*"}, ALLOWED, id="everybody, long form"),
        pytest.param({"Service": "ec2.amazonaws.com"}, NOT_ALLOWED, id="another service"),
        pytest.param({"AWS": "rolesanywhere.amazonaws.com"}, NOT_ALLOWED, id="another kind"),
    ],
)
def test_principals(principal: object, expected: Decision) -> None:
    trust = document({"Effect": "Allow", "Action": "sts:*", "Principal": principal})
    known_as = frozenset({"Service:rolesanywhere.amazonaws.com"})
    assert evaluate([trust], Question("sts:AssumeRole", "*", {}, known_as)) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[" * 60_000, "a policy must be a JSON object with a Statement", id="deep"),
        pytest.param("{", "a policy must be a JSON object with a Statement", id="not JSON"),
        pytest.param("{}", "a policy must be a JSON object with a Statement", id="no statement"),
        pytest.param(
            document({"Effect": "allow"}), "a statement's Effect must be Allow or Deny", id="effect"
        ),
        pytest.param(
            document(allow(NotPrincipal="*")), "NotPrincipal is not supported", id="NotPrincipal"
        ),
        pytest.param(
            document(allow(Principal=["*"])), "a Principal must be * or an object", id="principal"
        ),
        pytest.param(
            document(allow(Condition={"BinaryEquals": {"a": "b"}})),
            "condition operator BinaryEquals is not supported",
            id="operator",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_rather_than_guessed(text: str, message: str) -> None:
    with pytest.raises(PolicyNotUnderstood, match=message.replace("*", r"\*")):
        parse_policy(text)
