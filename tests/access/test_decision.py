"""What an app may do, and the reason when it may not."""

import pytest

from sidecar.access.decision import Action, decide
from sidecar.access.policy import App
from sidecar.redaction import Secret

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
PARAMETER_ARN = "arn:aws:ssm:eu-central-1:123456789012:parameter"
REFERENCE = "/aws/reference/secretsmanager/"
READER = "arn:aws:iam::123456789012:role/reader"
APP = App(
    "web",
    roles=("default",),
    secrets=("web/*", "common"),
    parameters=("/web/*",),
    assume_roles=(f"{READER}-*",),
    deny_secrets=("web/root*",),
    deny_parameters=("/web/root/*",),
)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        (Action.GET_CREDENTIALS, "default"),
        (Action.ASSUME_ROLE, f"{READER}-web"),
        (Action.NAME_SECRET, "web/database"),
        (Action.NAME_SECRET, f"{ARN}web/database-AbCdEf"),
        (Action.NAME_SECRET, f"{ARN}common"),
        (Action.READ_SECRET, "common"),
        (Action.NAME_PARAMETER, "/web/url:3"),
        (Action.READ_PARAMETER, "/web/url"),
        (Action.READ_PARAMETER, f"{PARAMETER_ARN}/web/url"),
        (Action.READ_PATH, "/web/app"),
    ],
)
def test_what_a_pattern_covers_is_allowed(action: Action, resource: str) -> None:
    assert decide(APP, action, resource).allowed
    assert decide(APP, action, resource).reason == ""


NO_SECRET = "no pattern of apps.web.secrets covers it"
ODD = "the parameter's name is not spelled as AWS gives it back"
NO_PARAMETER = "no pattern of apps.web.parameters covers it"
DENIED_SECRET = "a pattern of apps.web.deny_secrets covers it"
BELOW = "a pattern of apps.web.deny_parameters may cover something below it"
DENIED_PARAMETER = "a pattern of apps.web.deny_parameters covers it"


@pytest.mark.parametrize(
    ("action", "resource", "reason"),
    [
        (Action.GET_CREDENTIALS, "batch", "apps.web.roles does not have the role"),
        (Action.GET_CREDENTIALS, "Default", "apps.web.roles does not have the role"),
        (Action.ASSUME_ROLE, READER, "no pattern of apps.web.assume_roles covers the role"),
        (Action.NAME_SECRET, "batch/key", NO_SECRET),
        (Action.NAME_SECRET, "web/root", DENIED_SECRET),
        (Action.NAME_SECRET, f"{ARN}web/root-AbCdEf", DENIED_SECRET),
        (Action.NAME_SECRET, "x" * 2049, "the name has more than 2048 characters"),
        (Action.READ_SECRET, "web/root-2", DENIED_SECRET),
        (Action.READ_SECRET, "batch", NO_SECRET),
        (Action.NAME_PARAMETER, f"{REFERENCE}batch/key", NO_SECRET),
        (Action.READ_PARAMETER, f"{REFERENCE}web/root-key", DENIED_SECRET),
        (Action.NAME_PARAMETER, "/batch/url", NO_PARAMETER),
        (Action.NAME_PARAMETER, f"{PARAMETER_ARN}/batch/url", NO_PARAMETER),
        (Action.NAME_PARAMETER, "/web/root/key", DENIED_PARAMETER),
        (Action.NAME_PARAMETER, "web/root/key:1", DENIED_PARAMETER),
        (Action.READ_PARAMETER, "/web/root/key", DENIED_PARAMETER),
        (Action.READ_PARAMETER, "/web/../batch", ODD),
        (Action.NAME_PARAMETER, "//web/url", ODD),
        (Action.READ_PATH, "/", NO_PARAMETER),
        (Action.READ_PATH, "/batch", NO_PARAMETER),
        (Action.READ_PATH, "/web/root", BELOW),
        (Action.READ_PATH, "/web", BELOW),
    ],
)
def test_all_else_is_denied_with_the_reason(action: Action, resource: str, reason: str) -> None:
    decision = decide(APP, action, resource)
    assert (decision.allowed, decision.reason) == (False, reason)


def test_a_parameter_that_stands_for_a_secret_is_judged_as_the_secret() -> None:
    reference = f"{REFERENCE}web/database"
    told = Secret('{"Name": "batch/key"}')
    assert decide(APP, Action.READ_PARAMETER, reference).allowed
    assert not decide(APP, Action.READ_PARAMETER, reference, told).allowed


@pytest.mark.parametrize(
    ("denied", "path", "allowed"),
    [
        ("/web/root", "/web/app", True),
        ("/web/root", "/web", False),
        ("/web/app/*", "/web/app", False),
        ("/web/*/key", "/web/app", False),
        ("*key", "/web/app", False),
        ("/web/app", "/web/app", True),
        ("/other/*", "/web/app", True),
    ],
)
def test_a_path_is_denied_as_soon_as_something_below_it_may_be(
    denied: str, path: str, *, allowed: bool
) -> None:
    app = App("web", (), (), parameters=("/web/*",), deny_parameters=(denied,))
    assert decide(app, Action.READ_PATH, path).allowed is allowed
