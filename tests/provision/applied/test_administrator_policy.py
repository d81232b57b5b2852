"""The policy that the documentation gives an administrator is enough, and no wider than it says."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from sidecar.aws.administrator import AdministratorCalls
from sidecar.emulator.addressing import Address
from sidecar.emulator.error_shapes import Protocol
from sidecar.emulator.iam_actions import iam_action
from sidecar.emulator.server import Emulator
from sidecar.errors import UpstreamRefused
from sidecar.provision.account import TAG
from sidecar.provision.applying import destroy
from sidecar.provision.leftovers import left_over
from sidecar.provision.wish import Wish
from tests.provision.applied.stack import Stack, full_wish, lazy_zip, stack_of

_FILE: Final = Path(__file__).parents[3] / "docs" / "administrator-policy.json"
# What a managed policy holds, without white space.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_LONGEST: Final = 6144
# AWS asks for them where a call names tags, a role or a function.
_BESIDE: Final = {
    *("iam:PassRole", "iam:TagRole", "iam:TagUser", "iam:CreateServiceLinkedRole"),
    *("lambda:InvokeFunction", "s3:TagResource", "sqs:TagQueue", "cloudtrail:AddTags"),
    # Without it AWS leaves the tags out of what GetFunction gives.
    "lambda:ListTags",
    *(
        f"{each}:TagResource"
        for each in ("chatbot", "cloudwatch", "events", "lambda", "logs", "rolesanywhere")
    ),
    *("secretsmanager:TagResource", "sns:TagResource", "acm-pca:TagCertificateAuthority"),
}
# Called where something is there already, or has become different.
_OF_CHANGES: Final = {
    *("iam:UpdateRole", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy"),
    *("iam:DetachRolePolicy", "iam:DetachUserPolicy", "iam:DeleteAccessKey"),
    *("iam:PutUserPolicy", "iam:GetUserPolicy", "iam:DeleteUserPolicy"),
    *("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
    *("secretsmanager:UpdateSecret", "secretsmanager:RestoreSecret"),
    *("cloudtrail:UpdateTrail", "cloudtrail:StopLogging", "s3:DeleteObject"),
    *(
        f"rolesanywhere:{verb}{noun}"
        for verb in ("Update", "Enable", "Disable")
        for noun in ("TrustAnchor", "Profile", "Crl")
    ),
    "rolesanywhere:PutNotificationSettings",
}
_CHANGING: Final = ("Delete", "Disable", "Enable", "Issue", "Put", "Update", "ImportCert")
# What the emulator has not, or not whole.
_ELSEWHERE: Final = ("chatbot:", "acm-pca:")


# Of these services' making of things the emulator asks for no resource: nobody judges it here.
# And it does not compare the tags of what is there.
_BY_TAG: Final = "OfThisStack"
_WITHOUT_RESOURCES: Final = ("logs", "events", "cloudtrail", "cloudwatch", "lambda", "sns")


def _policy(stack: str, region: str, account: str) -> Any:
    names = {
        "NAME": stack,
        "USER": f"{stack}-user",
        "SECRET": f"{stack}/key",
        "ACCOUNT": account,
        "REGION": region,
    }
    text = _FILE.read_text()
    for placeholder, value in names.items():
        text = text.replace(placeholder, value)
    return json.loads(text)


def _for_the_emulator(policy: Any) -> str:
    for each in policy["Statement"]:
        if str(each["Resource"]).removeprefix("arn:aws:").split(":")[0] in _WITHOUT_RESOURCES:
            each["Resource"] = "*"
        if each["Sid"] == _BY_TAG:
            del each["Condition"]
    return json.dumps(policy)


@pytest.fixture
def wish(fresh_stack_name: str, bundle: str, revoked: str) -> Wish:
    return full_wish(fresh_stack_name, bundle, revoked)


@pytest.fixture
def limited(
    administrator: AdministratorCalls,
    provisioned_emulator: Emulator,
    wish: Wish,
    monkeypatch: pytest.MonkeyPatch,
) -> Stack:
    """Give a stack that is worked on by somebody who has the documentation's policy alone."""
    emulator, user = provisioned_emulator, {"UserName": f"{wish.name}x"}
    policy = _policy(wish.name, emulator.region, emulator.administrator.account)
    document = _for_the_emulator(policy)
    administrator.ask("iam", "create_user", **user)
    administrator.ask("iam", "put_user_policy", PolicyName="it", PolicyDocument=document, **user)
    key = administrator.ask("iam", "create_access_key", **user)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    calls = AdministratorCalls(emulator.region, emulator.url)
    emulator.wait_for_rotations()
    emulator.clear_calls()
    return stack_of(wish, calls, emulator.region, lazy_zip())


def _called(emulator: Emulator) -> set[str]:
    pairs = (each.split(".", 1) for each in emulator.calls())
    form = next(iter(Protocol))
    made = {iam_action(Address(each, name, emulator.region, form)) for each, name in pairs}
    return made - {"sts:GetCallerIdentity"}


def test_with_the_policy_everything_is_made_shown_pruned_and_deleted_and_no_action_is_needless(
    limited: Stack, wish: Wish, provisioned_emulator: Emulator
) -> None:
    bare = replace(wish, events=None)
    limited.apply()
    provisioned_emulator.wait_for_rotations()
    limited.plan()
    over = left_over(limited.account, bare)
    assert over.unseen == ()
    destroy(limited.account, over.things)
    limited.destroy()
    statements = json.loads(_FILE.read_text())["Statement"]
    allowed = {action for each in statements for action in each["Action"]}
    spoken_of = {each for each in allowed if not each.startswith(_ELSEWHERE)} - _BESIDE
    called = {each for each in _called(provisioned_emulator) if not each.startswith(_ELSEWHERE)}
    assert called == spoken_of - _OF_CHANGES
    assert allowed >= _BESIDE | _OF_CHANGES


def test_without_one_of_its_actions_it_is_not_enough(
    limited: Stack, wish: Wish, administrator: AdministratorCalls
) -> None:
    place = limited.account.place
    document = _policy(wish.name, place.region, place.account)
    for each in document["Statement"]:
        each["Action"] = [action for action in each["Action"] if action != "sqs:CreateQueue"]
    arguments = {"UserName": f"{wish.name}x", "PolicyName": "it"}
    left = _for_the_emulator(document)
    administrator.ask("iam", "put_user_policy", PolicyDocument=left, **arguments)
    with pytest.raises(UpstreamRefused, match="no identity-based policy allows the sqs:CreateQu"):
        limited.apply()


def test_it_reaches_no_stack_of_another_name(limited: Stack, bundle: str) -> None:
    other = full_wish("elsewhere", bundle)
    account = limited.account
    with pytest.raises(UpstreamRefused, match="no identity-based policy allows"):
        stack_of(other, account.calls, account.place.region, lazy_zip()).apply()


@pytest.mark.parametrize("service", ["acm-pca", "rolesanywhere"])
def test_what_has_no_name_in_its_arn_is_changed_and_signs_only_where_it_has_the_stacks_tag(
    service: str,
) -> None:
    statements = _policy("web", "eu-central-1", "1" * 12)["Statement"]
    tagged = {"StringEquals": {f"aws:ResourceTag/{TAG}": "web@eu-central-1"}}
    changing = [
        each["Sid"]
        for each in statements
        for action in each["Action"]
        if action.startswith(tuple(f"{service}:{verb}" for verb in _CHANGING))
    ]
    assert set(changing) == {_BY_TAG}
    [by_tag] = [each for each in statements if each["Sid"] == _BY_TAG]
    assert by_tag["Condition"] == tagged
    assert f"arn:aws:{service}:eu-central-1:{'1' * 12}:*" in by_tag["Resource"]


def test_it_fits_a_managed_policy() -> None:
    longest = _policy("x" * 24, "ap-northeast-2", "1" * 12)
    assert len(json.dumps(longest, separators=(",", ":"))) < _LONGEST
