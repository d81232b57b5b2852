"""Many readers of one service: which address each is asked at, and that none holds up another."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from sidecar.aws.asker import asking_for
from sidecar.aws.boto_service import BOTO_CONFIG, MOST_WAITING, PLACES, BotoService, Call
from sidecar.aws.daemon_threads import DaemonThreads
from sidecar.errors import UpstreamRefused, UpstreamTimeout, UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sidecar.credentials import Credentials
    from tests.aws.conftest import CannedServer, MakeCredentials

REGION = "eu-central-1"
IMPATIENT = BOTO_CONFIG.merge(Config(read_timeout=0.2, retries={"total_max_attempts": 1}))
PATIENT = BOTO_CONFIG.merge(Config(read_timeout=30, retries={"total_max_attempts": 1}))
CALL = Call("ListSecrets", "everything", {})


def _service(
    endpoint_of: Callable[[str, str], str], settings: Config = IMPATIENT, **more: float
) -> BotoService:
    return BotoService("secretsmanager", endpoint_of, ca_bundle=None, boto_config=settings, **more)


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the address of a server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=PLACES) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_each_call_goes_to_its_region_s_address_and_is_signed_for_it(
    canned: "CannedServer", credentials: "Credentials"
) -> None:
    asked = []

    def endpoint_of(service: str, region: str) -> str:
        asked.append((service, region))
        return canned.url

    canned.then({"SecretList": []})
    service = _service(endpoint_of)
    for region in ("eu-central-1", "us-east-1", "eu-central-1"):
        await service.ask(CALL, lambda _: None, credentials, region=region)
    scopes = [each["Authorization"].split("/")[2] for each in canned.headers]
    assert scopes == ["eu-central-1", "us-east-1", "eu-central-1"]
    assert set(asked) == {("secretsmanager", "eu-central-1"), ("secretsmanager", "us-east-1")}


async def test_a_region_without_an_address_is_refused_before_anything_is_sent(
    credentials: "Credentials",
) -> None:
    def endpoint_of(service: str, region: str) -> str:
        raise ValueError(f"no endpoint of {service} is known in region {region!r}")

    with pytest.raises(UpstreamRefused) as caught:
        await _service(endpoint_of).ask(CALL, lambda _: None, credentials, region="mars")
    assert str(caught.value) == "no endpoint of secretsmanager is known in region 'mars'"
    assert caught.value.hint == "AWS was not asked: check the region"


@asynccontextmanager
async def _hanging(calls: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Let calls wait for as long as the block lasts."""
    tasks = [asyncio.create_task(each) for each in calls]
    await asyncio.sleep(0)
    yield
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_role_whose_calls_hang_in_many_regions_holds_up_no_other(
    canned: "CannedServer", silent: str, make_credentials: "MakeCredentials"
) -> None:
    canned.then({"SecretList": []})
    service = _service(lambda _, region: canned.url if region == REGION else silent, PATIENT)
    hung = make_credentials(role="hung")
    calls = (
        service.ask(CALL, lambda _: None, hung, region=f"us-east-{number}")
        for number in range(PLACES * 2)
    )
    async with _hanging(calls):
        answers = [
            service.ask(CALL, lambda _: "answered", make_credentials(role=role), region=REGION)
            for role in ("web", "batch")
        ]
        assert await asyncio.wait_for(asyncio.gather(*answers), 30) == ["answered"] * 2


async def test_an_app_whose_calls_hang_holds_up_no_other_that_reads_with_the_same_role(
    canned: "CannedServer", silent: str, credentials: "Credentials"
) -> None:
    canned.then({"SecretList": []})
    service = _service(lambda _, region: canned.url if region == REGION else silent, PATIENT)

    async def greedy() -> None:
        with asking_for("greedy"):
            await service.ask(CALL, lambda _: None, credentials, region="us-east-1")

    async with _hanging(greedy() for _ in range(PLACES * 2)):
        answer = service.ask(CALL, lambda _: "answered", credentials, region=REGION)
        assert await asyncio.wait_for(answer, 5) == "answered"


async def test_a_role_for_which_very_many_wait_is_throttled_and_no_other_is(
    canned: "CannedServer", silent: str, make_credentials: "MakeCredentials"
) -> None:
    canned.then({"SecretList": []})
    service = _service(lambda _, region: canned.url if region == REGION else silent, PATIENT)
    hung = make_credentials(role="hung")
    calls = (
        service.ask(CALL, lambda _: None, hung, region="us-east-1")
        for _ in range(PLACES // 2 + MOST_WAITING)
    )
    async with _hanging(calls):
        one_more = service.ask(CALL, lambda _: None, hung, region=REGION)
        with pytest.raises(UpstreamUnavailable) as caught:
            await asyncio.wait_for(one_more, 10)
        assert caught.value.code == "ThrottlingException"
        other = service.ask(CALL, lambda _: "answered", make_credentials(), region=REGION)
        assert await asyncio.wait_for(other, 30) == "answered"


async def test_behind_calls_that_hang_a_call_waits_only_so_long(
    silent: str, credentials: "Credentials", caplog: pytest.LogCaptureFixture
) -> None:
    service = _service(lambda *_: silent, PATIENT, longest_wait_seconds=0.05)

    def call() -> "Coroutine[Any, Any, None]":
        return service.ask(CALL, lambda _: None, credentials, region=REGION)

    hanging = [asyncio.create_task(call()) for _ in range(PLACES // 2)]
    await asyncio.sleep(0)
    with pytest.raises(UpstreamTimeout, match="Timeout"):
        await asyncio.wait_for(call(), 30)
    assert "not asked to ListSecrets of everything" in caplog.text
    assert not any(each.done() for each in hanging)
    for each in hanging:
        each.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_calls_that_hung_give_their_places_back(
    silent: str, credentials: "Credentials"
) -> None:
    service = _service(lambda *_: silent)
    calls = [service.ask(CALL, lambda _: None, credentials, region=REGION) for _ in range(PLACES)]
    hung = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 30)
    assert {type(each) for each in hung} == {UpstreamTimeout}


async def test_a_machine_without_a_thread_left_loses_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = DaemonThreads(1)

    def refuse(self: Thread) -> Any:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            await threads.run(lambda: None)
    assert await asyncio.wait_for(threads.run(lambda: "again"), 30) == "again"
