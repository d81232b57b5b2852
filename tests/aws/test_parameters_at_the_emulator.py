"""Parameters and messages, read from the emulator as a role."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.parameter_store import ParameterStore
from sidecar.aws.queue import Queue
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamError, UpstreamRefused
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import Aws, Eventually


@pytest.fixture(scope="module")
def store(shared_aws: "Aws") -> ParameterStore:
    return ParameterStore(lambda *_: shared_aws.emulator.url)


@pytest.fixture
def region(aws: "Aws") -> str:
    return aws.emulator.region


async def test_each_version_of_a_parameter_has_its_selectors(
    aws: "Aws", store: ParameterStore, reader: Credentials, region: str
) -> None:
    client, name = aws.client("ssm"), f"/demo/{uuid4().hex}"
    for text in ("first", "second"):
        client.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True)
    client.label_parameter_version(Name=name, ParameterVersion=1, Labels=["old"])
    arn = client.get_parameter(Name=name)["Parameter"]["ARN"]

    async def read(query: ParameterQuery) -> tuple[str, int, str | None]:
        value = await store.get_parameter(query, reader, region=region)
        assert (value.name, value.arn, value.type) == (name, arn, "SecureString")
        return value.value.reveal(), value.version, value.selector

    assert await read(ParameterQuery(name, with_decryption=True)) == ("second", 2, None)
    assert await read(ParameterQuery(name, 1, with_decryption=True)) == ("first", 1, ":1")
    labelled = ParameterQuery(arn, label="old", with_decryption=True)
    assert await read(labelled) == ("first", 1, ":old")
    encrypted, *_ = await read(ParameterQuery(name))
    assert encrypted != "second"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "ParameterNotFound"),
        ({"version": 7}, "ParameterVersionNotFound"),
    ],
)
async def test_a_parameter_that_is_not_there_is_refused(
    aws: "Aws",
    store: ParameterStore,
    reader: Credentials,
    region: str,
    more: dict[str, Any],
    code: str,
) -> None:
    name = f"/demo/{uuid4().hex}"
    if more:
        aws.client("ssm").put_parameter(Name=name, Value="x", Type="String")
    with pytest.raises(UpstreamError) as caught:
        await store.get_parameter(ParameterQuery(name, **more), reader, region=region)
    assert (type(caught.value), caught.value.code) == (UpstreamRefused, code)


async def test_a_parameter_may_stand_for_a_secret(
    aws: "Aws", store: ParameterStore, reader: Credentials, region: str
) -> None:
    name = aws.new_secret("canary")
    query = ParameterQuery(f"/aws/reference/secretsmanager/{name}", with_decryption=True)
    value = await store.get_parameter(query, reader, region=region)
    assert value.value == Secret("canary")
    assert value.source_result is not None
    assert "canary" in value.source_result.reveal()
    assert "canary" not in repr(value)


async def test_several_parameters_are_read_at_once(
    aws: "Aws", store: ParameterStore, reader: Credentials, region: str
) -> None:
    client, name = aws.client("ssm"), f"/demo/{uuid4().hex}"
    client.put_parameter(Name=name, Value="x", Type="StringList")
    asked = [name, f"{name}:1", f"{name}:9", "/nope"]
    batch = await store.get_parameters(asked, reader, region=region)
    assert {each: value.version for each, value in batch.values.items()} == {
        name: 1,
        f"{name}:1": 1,
    }
    assert {error.code for error in batch.errors.values()} == {"ParameterNotFound"}
    assert list(batch.errors) == asked[2:]


@pytest.fixture
def queue_url(aws: "Aws") -> Iterator[str]:
    client = aws.client("sqs")
    url = client.create_queue(QueueName=f"events-{uuid4().hex}")["QueueUrl"]
    yield url
    client.delete_queue(QueueUrl=url)


async def test_a_poll_ends_as_soon_as_a_message_comes_and_a_deleted_one_comes_no_more(
    aws: "Aws", reader: Credentials, region: str, queue_url: str, eventually: "Eventually"
) -> None:
    queue = Queue(queue_url, region=region, endpoint_of=lambda *_: aws.emulator.url)
    polling = asyncio.create_task(queue.receive(reader))
    await asyncio.to_thread(eventually, lambda: aws.emulator.calls().get("sqs.ReceiveMessage"))
    assert not polling.done()
    client = aws.client("sqs")
    client.send_message(QueueUrl=queue_url, MessageBody='{"detail":"zwölf"}')
    (message,) = await asyncio.wait_for(polling, 15)
    assert message.body == '{"detail":"zwölf"}'
    await queue.delete([message], reader)
    kept = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=kept)["Attributes"]
    assert left == dict.fromkeys(kept, "0")


async def test_a_poll_that_is_cancelled_hinders_no_other(
    aws: "Aws", reader: Credentials, region: str, queue_url: str, eventually: "Eventually"
) -> None:
    queue = Queue(queue_url, region=region, endpoint_of=lambda *_: aws.emulator.url)
    for _ in range(2):
        aws.emulator.clear_calls()
        polling = asyncio.create_task(queue.receive(reader, wait_seconds=5))
        await asyncio.to_thread(eventually, aws.emulator.calls)
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
    assert await queue.receive(reader, wait_seconds=0) == ()


async def test_a_queue_that_is_not_there_is_refused(
    aws: "Aws", reader: Credentials, region: str, queue_url: str
) -> None:
    url = f"{queue_url}-nope"
    queue = Queue(url, region=region, endpoint_of=lambda *_: aws.emulator.url)
    with pytest.raises(UpstreamRefused) as caught:
        await queue.receive(reader)
    assert caught.value.code.endswith(("NonExistentQueue", "QueueDoesNotExist"))
