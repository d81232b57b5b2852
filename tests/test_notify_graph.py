"""Which notices a sink's patterns are for."""

from datetime import datetime

import pytest

from sidecar.notice import Kind, Notice, Severity
from sidecar.notify_graph import is_about

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/web/db-AbCdEf"


@pytest.mark.parametrize(
    ("facts", "pattern", "wanted"),
    [
        ({"secret": "prod/web/db"}, "prod/*", True),
        ({"secret": "prod/web/db"}, "prod/web", False),
        ({"secret": ARN}, "prod/web/db", True),
        ({"secret": ARN}, "prod/*/other", False),
        ({"secret": "arn"}, "arn:*", False),
        ({"role": "billing"}, "bill*", True),
        ({"role": "billing", "app": "web"}, "web", True),
        ({"app": "batch, web"}, "web", True),
        ({"app": "batch, web"}, "batch, web", False),
        ({"door": "web", "user": "web", "hint": "web"}, "web", False),
        ({"subject": "CN=web"}, "*", False),
        ({}, "*", False),
        ({"app": "web"}, "*", True),
    ],
)
def test_a_notice_is_about_its_secret_its_role_and_its_app(
    *, facts: dict[str, str], pattern: str, wanted: bool, now: datetime
) -> None:
    notice = Notice(Kind.SECRET_CHANGED, Severity.INFO, "x", now, facts)
    assert is_about(("another", pattern), notice) is wanted
