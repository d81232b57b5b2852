"""A refusal of AWS's comes with what to do, and names whose policy lacks the permission."""

import pytest

from sidecar.errors import UpstreamRefused, UpstreamUnavailable
from sidecar.rotation.aws_calls import _explained

ACTION = "secretsmanager:DescribeSecret"
DENIED = (
    f"User: arn:aws:sts::123456789012:assumed-role/web/1 is not authorized to perform: {ACTION}"
)


@pytest.mark.parametrize(
    ("because", "lacking"),
    [
        ("no identity-based policy allows the action", "the role that rotates needs"),
        ("no session policy allows the action", "the session policy of the profile lacks"),
    ],
)
def test_the_hint_names_whose_policy_lacks_the_permission(because: str, lacking: str) -> None:
    refused = UpstreamRefused(f"{DENIED} because {because}", code="AccessDeniedException")
    told = _explained(refused, ACTION, "legacy/batch")
    assert told.hint.startswith(f"{lacking} {ACTION} on legacy/batch")
    assert ("name the role in via" in told.hint) is ("session" in because)


def test_another_refusal_keeps_its_own_hint() -> None:
    words = "no session policy allows"
    refused = UpstreamRefused(words, hint="wait", code="LimitExceededException")
    assert _explained(refused, ACTION, "legacy/batch").hint == "wait"
    passing = UpstreamUnavailable(words)
    assert _explained(passing, ACTION, "legacy/batch") is passing
