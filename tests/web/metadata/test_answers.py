"""What a holder of a token gets: what the SDKs' IMDS clients rely on, and what peers got wrong."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.errors import UpstreamUnavailable
from sidecar.web.metadata_paths import InstanceFacts

if TYPE_CHECKING:
    from sidecar.access.callers import Callers
    from tests.conftest import ManualClock
    from tests.web.conftest import PlannedSource, Reply
    from tests.web.metadata.conftest import Imds, OpenImds

TOKEN: Final = "X-aws-ec2-metadata-token"
TTL: Final = "X-aws-ec2-metadata-token-ttl-seconds"
META: Final = "/latest/meta-data"
ROLES: Final = f"{META}/iam/security-credentials"
EXTENDED: Final = f"{ROLES}-extended"
DOCUMENT: Final = "/latest/dynamic/instance-identity/document"
REGION_PATH: Final = f"{META}/placement/region"
HOUR: Final = 3600.0
DOWN: Final = UpstreamUnavailable("no answer from AWS", hint="check the network")
SESSION: Final = {
    "Code": "Success",
    "LastUpdated": "2026-03-01T12:00:00Z",
    "Type": "AWS-HMAC",
    "AccessKeyId": "ASIADEFAULT1",
    "SecretAccessKey": "secret-key-1",
    "Token": "session-token-1",
    "Expiration": "2026-03-01T13:00:00Z",
}


def is_refused(reply: "Reply", status: int, message: str) -> bool:
    return (reply.status, reply.body.decode()) == (status, message)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (ROLES, "default"),
        (EXTENDED, "default"),
        (REGION_PATH, "eu-west-1"),
        (f"{META}/placement/availability-zone", "eu-west-1a"),
        (f"{META}/placement/availability-zone-id", "euw1-az1"),
        (f"{META}/instance-id", "i-00000000000000000"),
        (f"{META}/instance-type", "t3.micro"),
        ("/latest", "dynamic/\nmeta-data/"),
        (META, "iam/\ninstance-id\ninstance-type\nplacement/"),
        (f"{META}/iam", "info\nsecurity-credentials-extended/\nsecurity-credentials/"),
        (f"{META}/placement", "availability-zone\navailability-zone-id\nregion"),
        ("/latest/dynamic", "instance-identity/"),
        ("/latest/dynamic/instance-identity", "document"),
    ],
)
@pytest.mark.parametrize("form", ["{}", "{}/", "/{}", "//{}/"])
async def test_values_and_listings_are_served_with_and_without_slashes(
    form: str, path: str, text: str, imds: "Imds"
) -> None:
    reply = await imds.get(form.format(path))
    assert (reply.status, reply.body.decode()) == (200, text)
    assert reply.header("Content-Type") == "text/plain"
    assert reply.header("Location") is None


@pytest.mark.parametrize("form", ["{}", "{}/", "/{}"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{ROLES}/default", SESSION),
        (f"{EXTENDED}/default", SESSION | {"AccountId": "123456789012"}),
        (f"{ROLES}/reports", SESSION | {"AccessKeyId": "ASIAREPORTS1"}),
    ],
)
async def test_credentials_are_what_every_sdk_can_read(
    form: str, path: str, expected: dict[str, str], imds: "Imds"
) -> None:
    reply = await imds.get(form.format(path))
    assert (reply.status, reply.json()) == (200, expected)
    assert list(reply.json()) == list(expected)
    assert reply.header("Content-Type") == "text/plain"
    assert reply.header("Cache-Control") == "no-store"
    assert reply.header("Connection") == "close"


async def test_json_has_the_form_that_old_parsers_know(imds: "Imds") -> None:
    body = (await imds.get(f"{ROLES}/default")).body.decode()
    assert body.startswith('{\n  "Code" : "Success",\n  "LastUpdated" : "')


async def test_the_instance_profile_is_told(imds: "Imds") -> None:
    found = (await imds.get(f"{META}/iam/info")).json()
    assert re.fullmatch("AIPA[A-Z2-7]{17}", found.pop("InstanceProfileId"))
    assert found == {
        "Code": "Success",
        "LastUpdated": "2026-03-01T12:00:00Z",
        "InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/default",
    }


async def test_the_document_tells_what_is_known(imds: "Imds") -> None:
    assert (await imds.get(DOCUMENT)).json() == {
        "accountId": "123456789012",
        "availabilityZone": "eu-west-1a",
        "instanceId": "i-00000000000000000",
        "instanceType": "t3.micro",
        "region": "eu-west-1",
        "version": "2017-09-30",
    }


async def test_what_is_not_known_has_no_path(
    open_imds: "OpenImds",
) -> None:
    imds = await open_imds(InstanceFacts("eu-west-1", "123456789012", "i-00000000", "eu-west-1a"))
    assert (await imds.get(f"{META}/instance-type")).status == 404
    assert (await imds.get(f"{META}/placement/availability-zone-id")).status == 404
    assert (await imds.get(f"{META}/placement")).body == b"availability-zone\nregion"
    assert "instanceType" not in (await imds.get(DOCUMENT)).json()


@pytest.mark.parametrize(
    ("target", "status", "message"),
    [
        ("/", 404, "there is nothing at this path"),
        ("/latest/user-data", 404, "there is nothing at this path"),
        (f"{META}/iam/infos", 404, "there is nothing at this path"),
        (f"{ROLES}//", 404, "there is nothing at this path"),
        (f"{ROLES}/default/x", 404, "there is nothing at this path"),
        (f"{ROLES}/../info", 404, "there is nothing at this path"),
        (f"{ROLES}/nobody", 404, "there is no such role"),
        (f"{ROLES}/Default", 404, "there is no such role"),
        (f"{ROLES}/default%0Areports", 404, "there is no such role"),
        (f"{EXTENDED}/arn:aws:iam::123456789012:role", 404, "there is no such role"),
        (f"{ROLES}/default?", 400, "this door takes no query string"),
    ],
)
async def test_other_paths_are_refused_and_the_remaining_ttl_told(
    target: str, status: int, message: str, imds: "Imds"
) -> None:
    reply = await imds.get(target)
    assert is_refused(reply, status, message)
    assert reply.header(TTL) == "21600"


async def test_every_answer_tells_how_long_the_token_is_still_good(
    imds: "Imds", clock: "ManualClock"
) -> None:
    """weep computes it backwards and never sends it; the signing helper sends it too late."""
    token = await imds.token(300)
    clock.jump(100.5)
    for target in (ROLES, f"{ROLES}/default", f"{ROLES}/nobody", REGION_PATH, DOCUMENT, "/nothing"):
        assert (await imds.wire.ask(target, f"{TOKEN}: {token}")).header(TTL) == "199"


@pytest.mark.parametrize("target", [f"{ROLES}/default", f"{EXTENDED}/default", f"{META}/iam/info"])
async def test_an_expired_or_empty_set_is_never_served_as_success(
    target: str, imds: "Imds", sources: "dict[str, PlannedSource]", clock: "ManualClock"
) -> None:
    """weep serves the expired set; the signing helper 200, "Success", with empty keys."""
    sources["default"].failure = DOWN
    await clock.advance(HOUR - 0.5)
    assert (await imds.get(target)).status == 200
    clock.jump(0.5)
    reply = await imds.get(target)
    assert is_refused(reply, 503, "there is no valid session")
    assert reply.header(TTL) == "21600"
    assert (await imds.get(f"{ROLES}/reports")).status == 200


async def test_a_failed_start_is_503_and_says_nothing_of_aws(
    cold: "Imds", sources: "dict[str, PlannedSource]", run_roles: Callable[[], Awaitable[None]]
) -> None:
    sources["default"].failure = DOWN
    await run_roles()
    assert is_refused(await cold.get(f"{ROLES}/default"), 503, "there is no valid session")
    assert (await cold.get(ROLES)).body == b"default"


async def test_a_new_set_is_served_as_soon_as_it_is_there(
    imds: "Imds", clock: "ManualClock"
) -> None:
    await clock.advance(HOUR - 60)
    body = (await imds.get(f"{ROLES}/default")).json()
    assert body["AccessKeyId"] == "ASIADEFAULT2"
    assert body["Expiration"] > "2026-03-01T13:15:00Z"


async def test_answers_come_from_memory(imds: "Imds", sources: "dict[str, PlannedSource]") -> None:
    """The signing helper renews while the SDK waits, whose patience is one second."""
    bodies = {(await imds.get(f"{ROLES}/default")).body for _ in range(20)}
    assert len(bodies) == 1
    assert json.loads(bodies.pop())["Code"] == "Success"
    assert sources["default"].asked == 1


async def test_a_reload_that_changes_the_app_changes_what_is_served(
    imds: "Imds", callers: "Callers"
) -> None:
    assert (await imds.get(f"{ROLES}/")).body == b"default"
    web, *others = callers.access.apps
    narrowed = replace(web, roles=("reports",))
    callers.replace(replace(callers.access, apps=(narrowed, *others)))
    assert (await imds.get(f"{ROLES}/")).body == b"reports"
    assert (await imds.get(f"{ROLES}/default")).status == 404
