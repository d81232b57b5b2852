"""What a session hands on to the sessions that are made with it, and who must agree to that."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

Refused = Callable[..., tuple[int, str, str]]

EVERYTHING = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
TEAM = {"Key": "team", "Value": "payments"}
STAGE = {"Key": "stage", "Value": "live"}


@dataclass
class Chain:
    """Assumes roles, each with the session of the one before."""

    connect: Callable[..., Any]
    sts: Any

    def assume(self, role: str, **wishes: Any) -> dict[str, Any]:
        """Assume a role, and go on as it."""
        answer: dict[str, Any] = self.sts.assume_role(
            RoleArn=role, RoleSessionName="here", **wishes
        )
        keys = answer["Credentials"]
        self.sts = self.connect(
            "sts",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
        return answer


@pytest.fixture
def chain(connect: Callable[..., Any]) -> Chain:
    """Give a chain that begins with the administrator."""
    return Chain(connect, connect("sts"))


@pytest.fixture
def middle(new_role: Callable[..., str], account: dict[str, str]) -> str:
    """Give the ARN of a role that anybody of the account may assume with anything."""
    return new_role(account, EVERYTHING)


def wants(account: dict[str, str], new_role: Any, **conditions: str) -> str:
    """Make a role that may be assumed on conditions."""
    return str(new_role(account, EVERYTHING, condition={"StringEquals": conditions}))


def test_a_source_identity_is_handed_on_to_the_end_of_the_chain(
    chain: Chain, middle: str, new_role: Any, account: dict[str, str]
) -> None:
    last = wants(account, new_role, **{"aws:SourceIdentity": "CN=web-1"})
    chain.assume(middle, SourceIdentity="CN=web-1")
    assert chain.assume(middle)["SourceIdentity"] == "CN=web-1"
    assert chain.assume(last)["SourceIdentity"] == "CN=web-1"


def test_a_role_is_assumed_with_a_source_identity_only_if_it_trusts_that(
    chain: Chain, middle: str, new_role: Any, account: dict[str, str], refusal: Refused
) -> None:
    untrusting = new_role(account, ["sts:AssumeRole", "sts:TagSession"])
    chain.assume(middle, SourceIdentity="CN=web-1")
    status, code, message = refusal(chain.assume, role=untrusting)
    assert (status, code) == (403, "AccessDenied")
    assert f"perform: sts:SetSourceIdentity on resource: {untrusting}" in message


def test_who_assumes_needs_permission_to_hand_on_a_source_identity(
    *,
    connect: Callable[..., Any],
    chain: Chain,
    middle: str,
    new_role: Any,
    account: dict[str, str],
    refusal: Refused,
) -> None:
    statement = {"Effect": "Deny", "Action": "sts:Set*", "Resource": "*"}
    forbidden = json.dumps({"Version": "2012-10-17", "Statement": statement})
    role = new_role(account, EVERYTHING)
    name = role.rsplit("/", 1)[-1]
    connect("iam").put_role_policy(RoleName=name, PolicyName="no", PolicyDocument=forbidden)
    chain.assume(role)
    chain.assume(middle)
    chain.sts = connect("sts")
    chain.assume(role, SourceIdentity="CN=web-1")
    assert "sts:SetSourceIdentity" in refusal(chain.assume, role=middle)[2]


def test_a_source_identity_may_be_repeated_but_never_changed(
    chain: Chain, middle: str, refusal: Refused
) -> None:
    chain.assume(middle, SourceIdentity="CN=web-1")
    chain.assume(middle, SourceIdentity="CN=web-1")
    refused = refusal(chain.assume, role=middle, SourceIdentity="CN=web-2")
    assert refused[:2] == (403, "AccessDenied")
    assert "sts:SetSourceIdentity" in refused[2]


def test_transitive_tags_are_handed_on_and_others_are_not(
    chain: Chain, middle: str, new_role: Any, account: dict[str, str], refusal: Refused
) -> None:
    for_team = wants(account, new_role, **{"aws:PrincipalTag/team": "payments"})
    for_stage = wants(account, new_role, **{"aws:PrincipalTag/stage": "live"})
    chain.assume(middle, Tags=[TEAM, STAGE], TransitiveTagKeys=["Team"])
    chain.assume(middle)
    assert refusal(chain.assume, role=for_stage)[1] == "AccessDenied"
    chain.assume(for_team)
    chain.assume(for_team)


def test_a_role_is_assumed_with_inherited_tags_only_if_it_trusts_that(
    chain: Chain, middle: str, new_role: Any, account: dict[str, str], refusal: Refused
) -> None:
    untagged = new_role(account)
    chain.assume(middle, Tags=[TEAM])
    chain.assume(untagged)
    chain.assume(middle, Tags=[TEAM], TransitiveTagKeys=["team"])
    refused = refusal(chain.assume, role=untagged)
    assert f"perform: sts:TagSession on resource: {untagged}" in refused[2]


def test_an_inherited_tag_cannot_be_given_anew(chain: Chain, middle: str, refusal: Refused) -> None:
    chain.assume(middle, Tags=[TEAM, STAGE], TransitiveTagKeys=["team"])
    again = {"Key": "TEAM", "Value": "payments"}
    refused = refusal(chain.assume, role=middle, Tags=[again])
    assert refused[:2] == (400, "ValidationError")
    assert "TEAM" in refused[2]
    chain.assume(middle, Tags=[STAGE])


def test_only_a_tag_that_is_given_can_be_made_transitive(
    chain: Chain, middle: str, refusal: Refused
) -> None:
    wishes = {"Tags": [TEAM], "TransitiveTagKeys": ["stage"]}
    refused = refusal(chain.assume, role=middle, **wishes)
    assert refused[:2] == (400, "ValidationError")
    assert "stage" in refused[2]
