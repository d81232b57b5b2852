"""Every grant and every denial is told to the audit, and reads of anything else are not."""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.audit.event import AuditEvent, Result
from sidecar.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from tests.conftest import HeardAudit, ManualClock
    from tests.web.conftest import PlannedSource
    from tests.web.metadata.conftest import Imds

TOKEN: Final = "X-aws-ec2-metadata-token"
META: Final = "/latest/meta-data"
ROLES: Final = f"{META}/iam/security-credentials"
EXTENDED: Final = f"{ROLES}-extended"
DOCUMENT: Final = "/latest/dynamic/instance-identity/document"
REGION_PATH: Final = f"{META}/placement/region"
DOWN: Final = UpstreamUnavailable("no answer from AWS", hint="check the network")


async def test_a_grant_is_audited_with_the_session_that_was_given(
    imds: "Imds", audit: "HeardAudit", clock: "ManualClock"
) -> None:
    await imds.get(f"{EXTENDED}/reports")
    (event,) = audit.events
    assert re.fullmatch(r"127\.0\.0\.1:\d+", event.peer)
    assert event == AuditEvent(
        time=clock.now(),
        door="metadata",
        action="GetCredentials",
        result=Result.GRANTED,
        resource="reports",
        app="web",
        peer=event.peer,
        access_key_id="ASIAREPORTS1",
    )


async def test_reads_of_anything_else_are_not_audited(imds: "Imds", audit: "HeardAudit") -> None:
    for target in (ROLES, REGION_PATH, DOCUMENT, f"{META}/iam/info", "/nothing"):
        await imds.get(target)
    assert audit.events == []


@pytest.mark.parametrize(
    ("target", "action", "resource"),
    [
        (f"{ROLES}/default", "GetCredentials", "default"),
        (REGION_PATH, "GetMetadata", REGION_PATH),
        (f"{ROLES}/{'x' * 300}", "GetCredentials", "x" * 300),
    ],
)
async def test_a_denial_is_audited_with_its_reason(
    target: str, action: str, resource: str, imds: "Imds", audit: "HeardAudit"
) -> None:
    await imds.wire.ask(target)
    await imds.wire.ask(target, f"{TOKEN}: {'A' * 56}")
    assert audit.told() == [(Result.DENIED, action, resource)] * 2
    reasons = [each.reason for each in audit.events]
    assert reasons == ["there is no token", "the token was not made by this process"]


async def test_a_role_that_is_not_the_app_s_is_an_audited_denial(
    imds: "Imds", audit: "HeardAudit"
) -> None:
    await imds.get(f"{ROLES}/nobody")
    assert audit.told() == [(Result.DENIED, "GetCredentials", "nobody")]
    assert audit.events[0].reason == "apps.web.roles does not have the role"


async def test_a_failure_is_audited_with_what_the_answer_does_not_tell(
    cold: "Imds",
    audit: "HeardAudit",
    sources: "dict[str, PlannedSource]",
    run_roles: Callable[[], Awaitable[None]],
) -> None:
    sources["default"].failure = DOWN
    await run_roles()
    await cold.get(f"{ROLES}/default")
    assert audit.told() == [(Result.FAILED, "GetCredentials", "default")]
    assert audit.events[0].reason == "no valid session for role default: no answer from AWS"


async def test_no_audit_line_and_no_refusal_holds_a_token(
    imds: "Imds", audit: "HeardAudit"
) -> None:
    token = await imds.token(60)
    spoiled = token[:-1] + ("A" if token[-1] != "A" else "B")
    reply = await imds.wire.ask(ROLES, f"{TOKEN}: {spoiled}")
    assert reply.status == 401
    assert spoiled[:40] not in f"{reply}{audit.events}"
