"""The role's trust policy decides whether Roles Anywhere may assume it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.emulator.server import Emulator

Submit = Callable[..., Any]
DENIED = (403, "AccessDeniedException")
ACCOUNT = "123456789012"


def trusting(site: Any, **changes: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "rolesanywhere.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {"ArnEquals": {"aws:SourceArn": site.trust_anchor_arn}},
        **changes,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = [
    ("as in the guide", {}, True),
    ("no AssumeRole", {"Action": ["sts:TagSession", "sts:SetSourceIdentity"]}, False),
    ("no TagSession", {"Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}, False),
    ("no SetSourceIdentity", {"Action": ["sts:AssumeRole", "sts:TagSession"]}, False),
    ("another service", {"Principal": {"Service": "ec2.amazonaws.com"}}, False),
    (
        "another anchor",
        {"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:rolesanywhere:x:1:trust-anchor/y"}}},
        False,
    ),
    ("this account", {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}, True),
    ("another account", {"Condition": {"StringEquals": {"aws:SourceAccount": "1" * 12}}}, False),
    (
        "this common name",
        {"Condition": {"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "billing"}}},
        True,
    ),
    (
        "another common name",
        {"Condition": {"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "web"}}},
        False,
    ),
    (
        "not that issuer",
        {"Condition": {"StringNotEquals": {"aws:PrincipalTag/x509Issuer/CN": "Trusted root"}}},
        False,
    ),
    (
        "not an attribute that is absent",
        {"Condition": {"StringNotEquals": {"aws:PrincipalTag/x509SAN/DNS": "a.example"}}},
        True,
    ),
    ("source identity", {"Condition": {"StringLike": {"sts:SourceIdentity": "CN=bill*"}}}, True),
    ("other source", {"Condition": {"StringLike": {"sts:SourceIdentity": "CN=web*"}}}, False),
]


@pytest.mark.parametrize(
    ("changes", "trusted"), [pytest.param(*case[1:], id=case[0]) for case in TRUST]
)
def test_the_roles_trust_policy_decides(
    *,
    emulator: Emulator,
    connect: Submit,
    register: Submit,
    draft_for: Submit,
    submit: Submit,
    changes: dict[str, Any],
    trusted: bool,
) -> None:
    site = register(emulator)
    text = trusting(site, **changes).replace(ACCOUNT, emulator.administrator.account)
    connect("iam").update_assume_role_policy(RoleName=site.role_name, PolicyDocument=text)
    reply = submit(draft_for(site))
    assert reply.status == (201 if trusted else 403)
    if not trusted:
        assert reply.json()["message"] == f"Unable to assume role for {site.role_arn}"


def test_a_role_that_was_deleted_cannot_be_assumed(
    emulator: Emulator, connect: Submit, register: Submit, draft_for: Submit, message: Submit
) -> None:
    site = register(emulator)
    connect("iam").delete_role(RoleName=site.role_name)
    assert message(draft_for(site)) == (*DENIED, f"Unable to assume role for {site.role_arn}")
