"""Why an app may not: the reason names what an operator has to look at."""

import pytest

from sidecar.access.decision import Action, decide
from sidecar.access.policy import App

ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter"
REFERENCE = "/aws/reference/secretsmanager/"
APP = App(
    "web",
    ("default",),
    secrets=("web/*",),
    parameters=("/web/*",),
    deny_secrets=("web/root-*",),
    deny_parameters=("/web/root-*",),
)
NO_SECRET = "no pattern of apps.web.secrets covers it"
DENIED_SECRET = "a pattern of apps.web.deny_secrets covers it"
NO_PARAMETER = "no pattern of apps.web.parameters covers it"
DENIED_PARAMETER = "a pattern of apps.web.deny_parameters covers it"
ODD = "the parameter's name is not spelled as AWS gives it back"
LONG = "the name has more than 2048 characters"


@pytest.mark.parametrize(
    ("action", "resource", "reason"),
    [
        (Action.GET_CREDENTIALS, "reports", "apps.web.roles does not have the role"),
        (Action.ASSUME_ROLE, "arn:x", "no pattern of apps.web.assume_roles covers the role"),
        (Action.NAME_SECRET, "batch/key", NO_SECRET),
        (Action.READ_SECRET, "web/root-key", DENIED_SECRET),
        (Action.NAME_SECRET, "web/" + "a" * 2048, LONG),
        (Action.NAME_PARAMETER, "/batch/url", NO_PARAMETER),
        (Action.NAME_PARAMETER, f"{ARN}/batch/url", NO_PARAMETER),
        (Action.READ_PARAMETER, "/web/root-url", DENIED_PARAMETER),
        (Action.NAME_PARAMETER, "/web/../batch/url", ODD),
        (Action.NAME_PARAMETER, "//web/url", ODD),
        (Action.NAME_PARAMETER, f"{REFERENCE}batch/key", NO_SECRET),
        (Action.READ_PARAMETER, f"{REFERENCE}web/root-key", DENIED_SECRET),
        (Action.READ_PATH, "/", NO_PARAMETER),
        (Action.READ_PATH, "/batch", NO_PARAMETER),
    ],
)
def test_a_denial_says_why(action: Action, resource: str, reason: str) -> None:
    decision = decide(APP, action, resource)
    assert (decision.allowed, decision.reason) == (False, reason)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        (Action.GET_CREDENTIALS, "default"),
        (Action.NAME_SECRET, "web/key"),
        (Action.READ_SECRET, "web/key"),
        (Action.NAME_PARAMETER, "/web/url"),
        (Action.READ_PARAMETER, f"{ARN}/web/url"),
        (Action.NAME_PARAMETER, f"{REFERENCE}web/key"),
    ],
)
def test_a_grant_needs_no_reason(action: Action, resource: str) -> None:
    decision = decide(APP, action, resource)
    assert (decision.allowed, decision.reason) == (True, "")
