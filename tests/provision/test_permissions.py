"""What the described policies let in and let happen, judged by the emulator's own evaluation."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sidecar.arn import Arn
from sidecar.emulator.policy import Decision, Question, evaluate
from sidecar.emulator.roles_anywhere.trust_policy import Assumption, is_trusted
from sidecar.provision import key_events
from sidecar.provision.cloudformation import template
from sidecar.provision.naming import INLINE_POLICIES
from sidecar.provision.wish import Wish
from tests.provision.resolved import ACCOUNT, ANCHOR, SECRET, resolved
from tests.provision.wishes import FULL

SECRETS = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:"
READ = "secretsmanager:GetSecretValue"


def _made(name: str) -> str:
    return f"arn:aws:made:eu-central-1:{ACCOUNT}:{name}"


def _properties(name: str, wish: Wish = FULL) -> Any:
    given = template(wish)
    return resolved(given, given["Resources"][name]["Properties"])


def _trusted(common_name: str, *, anchor: str = ANCHOR, wish: Wish = FULL) -> bool:
    asked = Assumption(
        Arn.parse(f"arn:aws:iam::{ACCOUNT}:role/sidecar-workload"),
        Arn.parse(anchor),
        "01",
        f"CN={common_name}",
        {"x509Subject/CN": common_name},
    )
    return is_trusted(
        json.dumps(_properties("WorkloadRole", wish)["AssumeRolePolicyDocument"]), asked
    )


def test_certificates_that_are_named_are_let_in_and_no_others() -> None:
    assert _trusted("web-1")
    assert not _trusted("web-3")
    assert not _trusted("web-1", anchor=f"{ANCHOR}2")


def test_a_source_identity_that_does_not_fit_is_not_let_in() -> None:
    other = replace(FULL, sessions=replace(FULL.sessions, source_identities=("CN=batch-*",)))
    assert not _trusted("web-1", wish=other)


def test_without_names_every_certificate_of_the_anchor_is_let_in() -> None:
    anybody = replace(FULL, sessions=replace(FULL.sessions, common_names=(), source_identities=()))
    assert _trusted("whoever", wish=anybody)
    assert not _trusted("whoever", anchor=f"{ANCHOR}2", wish=anybody)


def test_each_policy_of_a_role_or_user_has_a_name_that_is_known_for_ours() -> None:
    resources = template(FULL)["Resources"] | json.loads(key_events.render(FULL))["Resources"]
    held = (each["Properties"].get("Policies", ()) for each in resources.values())
    names = {policy["PolicyName"] for policies in held for policy in policies}
    assert names == INLINE_POLICIES


ALLOWED = [
    (READ, f"{SECRETS}prod/web/database-AbCdEf"),
    (READ, f"{SECRETS}prod/one-AbCdEf"),
    (READ, SECRET),
    ("secretsmanager:BatchGetSecretValue", "*"),
    ("s3:ListAllMyBuckets", "*"),
    ("s3:GetObject", "arn:aws:s3:::demo-reports/2026.csv"),
    ("kms:Decrypt", FULL.reach.kms_keys[0]),
    ("lambda:InvokeFunction", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:model"),
    ("sqs:ReceiveMessage", _made("ChangeQueue")),
    ("sqs:DeleteMessage", _made("ChangeQueue")),
]
REFUSED = [
    (READ, f"{SECRETS}prod/webmail-AbCdEf"),
    (READ, f"{SECRETS}prod/one-other-AbCdEf"),
    ("secretsmanager:PutSecretValue", SECRET),
    ("s3:PutObject", "arn:aws:s3:::demo-reports/2026.csv"),
    ("s3:GetObject", "arn:aws:s3:::other/2026.csv"),
    ("kms:Encrypt", FULL.reach.kms_keys[0]),
    ("lambda:InvokeFunction", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:other"),
    ("sqs:SendMessage", _made("ChangeQueue")),
    ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/batch-user"),
]


@pytest.mark.parametrize(
    ("asked", "decision"),
    [
        *((each, Decision.ALLOWED) for each in ALLOWED),
        *((each, Decision.NOT_ALLOWED) for each in REFUSED),
    ],
)
def test_a_session_may_do_what_was_wished_and_nothing_else(
    asked: tuple[str, str], decision: Decision
) -> None:
    action, resource = asked
    question = Question(action, resource, {})
    role = json.dumps(_properties("WorkloadRole")["Policies"][0]["PolicyDocument"])
    assert evaluate([role], question) is decision
    assert evaluate([_properties("Profile")["SessionPolicy"]], question) is decision


def test_sessions_that_read_no_secret_may_not_ask_for_many() -> None:
    none = replace(FULL, reach=replace(FULL.reach, secrets=()), rotation=None)
    role = json.dumps(_properties("WorkloadRole", none)["Policies"][0]["PolicyDocument"])
    question = Question("secretsmanager:BatchGetSecretValue", "*", {})
    assert evaluate([role], question) is Decision.NOT_ALLOWED


def _sent(policy: str, action: str, **context: tuple[str, ...]) -> Decision:
    document = json.dumps(_properties(policy)["PolicyDocument"])
    target, by = _made(policy.removesuffix("Policy")), frozenset({"Service:events.amazonaws.com"})
    about = {f"aws:{name}": value for name, value in context.items()}
    return evaluate([document], Question(action, target, about, by))


def test_the_queue_takes_from_our_rules_and_no_other() -> None:
    for rule in ("RotationRule", "ChangeRule"):
        sent = _sent("ChangeQueuePolicy", "sqs:SendMessage", SourceArn=(_made(rule),))
        assert sent is Decision.ALLOWED
    other = _sent("ChangeQueuePolicy", "sqs:SendMessage", SourceArn=(_made("ReapingRule"),))
    assert other is Decision.NOT_ALLOWED


def test_the_topic_takes_from_eventbridge_which_names_no_rule_to_it() -> None:
    assert _sent("TopicPolicy", "sns:Publish") is Decision.ALLOWED
    assert _sent("TopicPolicy", "sns:Subscribe") is Decision.NOT_ALLOWED
