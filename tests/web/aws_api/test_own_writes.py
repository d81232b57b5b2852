"""A write un-caches what it changed, and nothing that its caller has no business with."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import aiohttp
import pytest

from sidecar.aws.forwarding import Forwarder
from sidecar.aws.json_api import ApiCall
from sidecar.web.aws_api.writes import Write, write_of

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.web.aws_api.conftest import Call, PlannedAws, PlannedValues

GET = "secretsmanager.GetSecretValue"
PUT = "secretsmanager.PutSecretValue"
PARAMETER = "AmazonSSM.GetParameter"
PATH = "AmazonSSM.GetParametersByPath"
SECRET = {"SecretId": "web/database"}


async def state(call: "Call", target: str = GET, members: object = SECRET) -> str:
    headers: dict[str, str] = (await call(target, members)).headers
    return headers["X-Sidecar-Cache"]


def test_a_name_given_twice_counts_once() -> None:
    found = write_of(_delete(["/a", "/b", "/a"]), "DeleteParameters")
    assert found == Write("ssm", "eu-west-1", ("/a", "/b"), value=True)


@pytest.mark.parametrize(
    "names",
    [
        [f"/{number}" for number in range(11)],
        ["/a"] * 11,
        ["/a", "b" * 2049],
        ["/a", 1],
        ["/a", ""],
        [],
        "/a",
        None,
    ],
    ids=["11", "one 11 times", "too long", "a number", "empty", "none", "no list", "null"],
)
def test_names_that_aws_refuses_are_those_of_no_write(names: object) -> None:
    assert write_of(_delete(names), "DeleteParameters") is None


@pytest.mark.parametrize("name", [["/a"], "b" * 2049, "", 1])
def test_where_one_name_stands_a_list_or_too_long_a_one_is_that_of_no_write(name: object) -> None:
    asked = ApiCall("ssm", "eu-west-1", (), json.dumps({"Name": name}).encode())
    assert write_of(asked, "PutParameter") is None


def _delete(names: object) -> ApiCall:
    return ApiCall("ssm", "eu-west-1", (), json.dumps({"Names": names}).encode())


@pytest.mark.parametrize("answered", ["lost", "500"])
async def test_a_write_that_may_have_happened_leaves_alone_what_the_caller_may_not_name(
    answered: str, call: "Call", planned_aws: "PlannedAws"
) -> None:
    await call(GET, SECRET)
    await call(PARAMETER, {"Name": "/web/color"})
    if answered == "lost":
        planned_aws.then_hang_up()
    else:
        planned_aws.then({}, 500)
    await call(PUT, SECRET, role="shared")
    await call("AmazonSSM.PutParameter", {"Name": "/web/color"}, role="shared")
    assert await state(call) == "hit"
    assert await state(call, PARAMETER, {"Name": "/web/color"}) == "hit"
    await call(PUT, SECRET)
    assert await state(call) == "miss"


async def test_a_write_that_happened_counts_whatever_the_caller_may_read(
    call: "Call", planned_aws: "PlannedAws", values: "PlannedValues"
) -> None:
    await call(GET, SECRET)
    planned_aws.then({})
    values.secrets["web/database"] = "new"
    await call(PUT, SECRET, role="shared")
    assert (await call(GET, SECRET)).json()["SecretString"] == "new"


async def test_writes_that_may_have_happened_are_believed_at_a_rate_for_each_role(
    call: "Call", planned_aws: "PlannedAws", clock: "ManualClock"
) -> None:
    common = {"SecretId": "web/common"}
    planned_aws.then({}, 500)
    states = []
    for _ in range(7):
        await call(PUT, SECRET)
        states.append(await state(call))
    assert states == ["miss"] * 5 + ["hit"] * 2
    await call(GET, common)
    await call(PUT, common, role="shared")
    assert await state(call, GET, common) == "miss"
    clock.jump(1)
    await call(PUT, SECRET)
    assert await state(call) == "miss"


async def test_a_path_whose_parameter_may_have_changed_still_serves_in_an_outage(
    call: "Call", planned_aws: "PlannedAws"
) -> None:
    planned_aws.then({"Parameters": []})
    await call(PATH, {"Path": "/web"})
    planned_aws.then({}, 500)
    planned_aws.replies.pop(0)
    await call("AmazonSSM.PutParameter", {"Name": "/web/color"})
    assert await state(call, PATH, {"Path": "/web"}) == "stale"


class TestWithoutAConnection:
    """AWS's port is closed."""

    @pytest.fixture
    async def forwarder(self) -> AsyncIterator[Forwarder]:
        async with aiohttp.ClientSession() as http:
            yield Forwarder(http, lambda *_: "http://127.0.0.1:1")

    async def test_nothing_was_sent_so_nothing_is_read_anew(
        self, call: "Call", values: "PlannedValues"
    ) -> None:
        await call(GET, SECRET)
        assert (await call(PUT, SECRET)).status == 503
        assert await state(call) == "hit"
        assert len(values.asked) == 1
