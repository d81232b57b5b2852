"""Many readers of one service: which address each is asked at, and that none holds up another."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from sidecar.aws.boto_service import BOTO_CONFIG, PLACES, BotoService, Call
from sidecar.aws.daemon_threads import DaemonThreads
from sidecar.errors import UpstreamRefused, UpstreamTimeout

if TYPE_CHECKING:
    from sidecar.credentials import Credentials
    from tests.aws.conftest import CannedServer, MakeCredentials

REGION = "eu-central-1"
IMPATIENT = BOTO_CONFIG.merge(Config(read_timeout=0.2, retries={"total_max_attempts": 1}))
PATIENT = BOTO_CONFIG.merge(Config(read_timeout=30, retries={"total_max_attempts": 1}))
CALL = Call("ListSecrets", "everything", {})


def _service(endpoint_of: Callable[[str, str], str], settings: Config = IMPATIENT) -> BotoService:
    return BotoService("secretsmanager", endpoint_of, ca_bundle=None, boto_config=settings)


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


async def test_a_reader_whose_calls_hang_holds_up_no_other(
    canned: "CannedServer", silent: str, make_credentials: "MakeCredentials"
) -> None:
    canned.then({"SecretList": []})
    addresses = {"us-east-1": silent, REGION: canned.url}
    service = _service(lambda _, region: addresses[region], PATIENT)
    hanging = [
        asyncio.create_task(
            service.ask(CALL, lambda _: None, make_credentials(), region="us-east-1")
        )
        for _ in range(PLACES * 2)
    ]
    await asyncio.sleep(0)
    answers = [
        service.ask(CALL, lambda _: "answered", make_credentials(role=role), region=REGION)
        for role in ("web", "batch")
    ]
    assert await asyncio.wait_for(asyncio.gather(*answers), 30) == ["answered"] * 2
    assert not any(task.done() for task in hanging)
    for task in hanging:
        task.cancel()
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
