"""Secrets of every kind, read from the emulator as a role."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from sidecar.aws.secret import SecretFilter, SecretQuery
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.credentials import Credentials
from sidecar.errors import UpstreamRefused
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.aws.conftest import RoleSession
    from tests.conftest import Aws

LARGEST = 65_536


@pytest.fixture(scope="module")
def manager(shared_aws: "Aws") -> SecretsManager:
    return SecretsManager(lambda *_: shared_aws.emulator.url)


@pytest.fixture
def region(aws: "Aws") -> str:
    return aws.emulator.region


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x", id="short"),
        pytest.param("x" * LARGEST, id="the largest"),
        pytest.param("☃" * (LARGEST // 3), id="the largest in bytes"),
        pytest.param(
            "zwölf 雪 \U0001f512 \x00\t\r\n\x7f\u2028 \"'\\ </script>", id="any character"
        ),
        pytest.param('{"password":"\\u00e4"}', id="JSON is not touched"),
    ],
)
async def test_a_text_arrives_as_it_was_put(
    aws: "Aws", manager: SecretsManager, reader: Credentials, region: str, text: str
) -> None:
    name = aws.new_secret(text)
    value = await manager.get_secret_value(SecretQuery(name), reader, region=region)
    assert value.text is not None
    assert value.text.reveal() == text
    assert (value.name, value.binary, value.version_stages) == (name, None, ("AWSCURRENT",))


@pytest.mark.parametrize(
    ("content", "encoded"),
    [
        pytest.param(b"\x00", "AA==", id="one byte"),
        pytest.param(b"\xff\xfe\xfd", "//79", id="no UTF-8"),
        pytest.param(b"\xfb" * LARGEST, "+/v7" * (LARGEST // 3) + "+w==", id="the largest"),
    ],
)
async def test_bytes_arrive_as_they_were_put(
    aws: "Aws",
    manager: SecretsManager,
    reader: Credentials,
    region: str,
    content: bytes,
    encoded: str,
) -> None:
    name = f"demo/{uuid4().hex}"
    aws.client("secretsmanager").create_secret(Name=name, SecretBinary=content)
    value = await manager.get_secret_value(SecretQuery(name), reader, region=region)
    assert value.binary is not None
    assert (value.text, value.binary.reveal()) == (None, encoded)


@pytest.mark.parametrize("name", ["a+b", "a/b/c", "a=b@c.d_e-f", "with-AbCdEf", "rds!db"])
async def test_a_name_is_asked_for_as_it_is_written(
    aws: "Aws", manager: SecretsManager, reader: Credentials, region: str, name: str
) -> None:
    name = f"{name}-{uuid4().hex}"
    arn = aws.client("secretsmanager").create_secret(Name=name, SecretString="x")["ARN"]
    for secret_id in (name, arn):
        value = await manager.get_secret_value(SecretQuery(secret_id), reader, region=region)
        assert (value.arn, value.name) == (arn, name)


@pytest.mark.parametrize("name", ["a b", "a%2Fb", "a%20b", "a?b", "a#b", "ä", ""])
async def test_a_name_that_no_secret_can_have_is_refused_by_aws(
    aws: "Aws", manager: SecretsManager, reader: Credentials, region: str, name: str
) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        await manager.get_secret_value(SecretQuery(name), reader, region=region)
    assert caught.value.status == 400
    assert aws.emulator.calls() == {"secretsmanager.GetSecretValue": 1}


async def test_a_deleted_secret_is_refused_and_one_made_anew_is_another(
    aws: "Aws", manager: SecretsManager, reader: Credentials, region: str
) -> None:
    client, query = aws.client("secretsmanager"), SecretQuery(f"demo/{uuid4().hex}")
    first = client.create_secret(Name=query.secret_id, SecretString="first")["ARN"]
    client.delete_secret(SecretId=query.secret_id, RecoveryWindowInDays=7)
    with pytest.raises(UpstreamRefused) as marked:
        await manager.get_secret_value(query, reader, region=region)
    described = await manager.describe_secret(query.secret_id, reader, region=region)
    client.delete_secret(SecretId=query.secret_id, ForceDeleteWithoutRecovery=True)
    with pytest.raises(UpstreamRefused) as gone:
        await manager.get_secret_value(query, reader, region=region)
    client.create_secret(Name=query.secret_id, SecretString="second")
    value = await manager.get_secret_value(query, reader, region=region)
    assert (marked.value.code, gone.value.code) == (
        "InvalidRequestException",
        "ResourceNotFoundException",
    )
    assert described.deleted is not None
    assert value.text == Secret("second")
    assert value.arn != first


async def test_a_replica_is_read_in_its_own_region(
    aws: "Aws", manager: SecretsManager, reader: Credentials, region: str
) -> None:
    name = aws.new_secret("everywhere")
    client = aws.client("secretsmanager")
    client.replicate_secret_to_regions(
        SecretId=name, AddReplicaRegions=[{"Region": "eu-central-1"}]
    )
    primary, replica = [
        await manager.get_secret_value(SecretQuery(name), reader, region=each)
        for each in (region, "eu-central-1")
    ]
    assert replica.text == primary.text == Secret("everywhere")
    assert replica.arn == primary.arn.replace(region, "eu-central-1")
    with pytest.raises(UpstreamRefused) as caught:
        await manager.get_secret_value(SecretQuery(name), reader, region="eu-west-3")
    assert caught.value.code == "ResourceNotFoundException"


async def test_readers_see_what_their_own_role_may_see(
    aws: "Aws", manager: SecretsManager, role_session: "RoleSession", region: str
) -> None:
    name = aws.new_secret("x")
    may, may_not = (
        role_session("secretsmanager:GetSecretValue"),
        role_session("sts:GetCallerIdentity"),
    )
    for _ in range(2):
        await manager.get_secret_value(SecretQuery(name), may, region=region)
        with pytest.raises(UpstreamRefused) as caught:
            await manager.get_secret_value(SecretQuery(name), may_not, region=region)
        assert caught.value.code == "AccessDeniedException"


async def test_a_batch_reads_what_it_may_and_names_what_it_may_not(
    aws: "Aws", manager: SecretsManager, reader: Credentials, region: str
) -> None:
    names = [aws.new_secret(str(number)) for number in range(3)]
    client = aws.client("secretsmanager")
    deleted, none = aws.new_secret("deleted"), f"demo/{uuid4().hex}"
    client.delete_secret(SecretId=deleted)
    arn = client.describe_secret(SecretId=names[0])["ARN"]
    asked = [arn, *names[1:], deleted, none]
    aws.emulator.clear_calls()
    batch = await manager.batch_get_secret_value(asked, reader, region=region)
    assert [value.text for value in batch.values.values()] == [Secret(each) for each in "012"]
    assert list(batch.values) == asked[:3]
    assert {each: error.code for each, error in batch.errors.items()} == {
        deleted: "InvalidRequestException",
        none: "ResourceNotFoundException",
    }
    assert aws.emulator.calls() == {"secretsmanager.BatchGetSecretValue": 1}


async def test_a_batch_needs_a_permission_of_its_own(
    aws: "Aws", manager: SecretsManager, role_session: "RoleSession", region: str
) -> None:
    may_not = role_session("secretsmanager:GetSecretValue")
    with pytest.raises(UpstreamRefused) as caught:
        await manager.batch_get_secret_value([aws.new_secret("x")], may_not, region=region)
    assert caught.value.code == "AccessDeniedException"


async def test_secrets_are_found_by_name_and_tag_and_read_page_by_page(
    aws: "Aws", manager: SecretsManager, reader: Credentials, region: str
) -> None:
    folder, client = f"pages-{uuid4().hex}/", aws.client("secretsmanager")

    def create(number: int) -> None:
        tags = [{"Key": "env", "Value": "prod" if number % 2 else "test"}]
        tags += [{"Key": "team", "Value": "prod"}]
        name = f"{folder}{number:03}"
        client.create_secret(Name=name, SecretString=str(number), Tags=tags)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create, range(110)))
    client.create_secret(Name=f"x{folder}", SecretString="only its middle is alike")
    aws.emulator.clear_calls()
    everything = await manager.list_secrets(SecretFilter(folder), reader, region=region)
    wanted = SecretFilter(folder, "env", "prod")
    read = [
        value.name
        async for page in manager.batch_get_matching(wanted, reader, region=region)
        for value in page.values.values()
    ]
    assert sorted(each.name for each in everything) == [f"{folder}{n:03}" for n in range(110)]
    assert sorted(read) == [f"{folder}{number:03}" for number in range(1, 110, 2)]
    assert aws.emulator.calls()["secretsmanager.BatchGetSecretValue"] == 3
