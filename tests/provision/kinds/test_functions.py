"""Whose a function is, where AWS does not tell its tags to everybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from sidecar.errors import UpstreamRefused
from sidecar.provision.account import Account, Surrounding
from sidecar.provision.kinds.functions import KINDS
from sidecar.provision.kinds.kind import Found, Wanted

_FUNCTION = "AWS::Lambda::Function"


@dataclass(frozen=True)
class Held:
    """Calls that give one function, with what is said of its tags."""

    said: Mapping[str, Any]

    def ask(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        del service, operation, arguments
        return {"Configuration": {"FunctionArn": "arn"}, **self.said}

    def listed(self, service: str, operation: str, member: str, **arguments: Any) -> list[Any]:
        raise NotImplementedError


def _found(**said: Any) -> Found | None:
    account = Account(Held(said), "web", Surrounding("1" * 12, "aws", "eu-central-1"))
    return KINDS[_FUNCTION].find(account, Wanted("It", _FUNCTION, {"FunctionName": "web-rotation"}))


def test_a_function_whose_tags_may_not_be_read_is_not_taken_for_somebody_elses() -> None:
    problem = {"ErrorCode": "AccessDeniedException", "Message": "no lambda:ListTags"}
    with pytest.raises(UpstreamRefused, match="web-rotation cannot be read: no lambda") as refused:
        _found(TagsError=problem)
    assert (refused.value.code, refused.value.hint) == (
        problem["ErrorCode"],
        "allow lambda:ListTags",
    )


@pytest.mark.parametrize(("stack", "ours"), [("web@eu-central-1", True), ("web@us-east-1", False)])
def test_a_function_with_tags_is_ours_by_the_stacks_own(stack: str, *, ours: bool) -> None:
    found = _found(Tags={"credential-sidecar:stack": stack})
    assert found is not None
    assert found.ours is ours
