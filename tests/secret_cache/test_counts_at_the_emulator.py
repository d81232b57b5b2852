"""The same counts where they matter: calls that really reached the emulator."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.credentials import Credentials
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits

if TYPE_CHECKING:
    from tests.conftest import Aws, ManualClock

TTL: Final = 60
SECONDS: Final = 600
SECRETS: Final = 50
READS_A_SECOND: Final = 2000
OPERATION: Final = "secretsmanager.GetSecretValue"


class Asking:
    """Reads from the emulator as its administrator, and tells when nothing is under way."""

    def __init__(self, aws: "Aws") -> None:
        administrator = aws.emulator.administrator
        moment = datetime.now(UTC)
        self._credentials = Credentials(
            access_key_id=administrator.access_key_id,
            secret_access_key=administrator.secret_access_key,
            session_token=Secret(""),  # a user's key has none
            issued_at=moment,
            expires_at=moment + timedelta(days=1),
            role_arn="",
            account_id="",
        )
        self._manager = SecretsManager(lambda *_: aws.emulator.url)
        self._under_way: set[asyncio.Task[SecretValue]] = set()

    async def fetch(self, reader: Reader, query: SecretQuery) -> SecretValue:
        call = self._manager.get_secret_value(query, self._credentials, region=reader.region)
        task = asyncio.ensure_future(call)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await task

    async def rest(self) -> None:
        """Wait until every call has been answered."""
        while self._under_way:
            await asyncio.wait(self._under_way)


@pytest.fixture
def emulated(aws: "Aws", reader: Reader) -> Reader:
    """Give a reader in the emulator's region."""
    return Reader(reader.role, aws.emulator.region)


@pytest.fixture
def asking(aws: "Aws") -> Asking:
    return Asking(aws)


@pytest.fixture
def cache(asking: Asking, clock: "ManualClock") -> SecretCache:
    return SecretCache(asking.fetch, clock, Limits(TTL, max_stale_seconds=86400, size=1000))


async def test_five_hundred_cold_clients_are_one_call(
    aws: "Aws", cache: SecretCache, emulated: Reader
) -> None:
    name = aws.new_secret("canary")
    aws.emulator.clear_calls()
    reads = [cache.get(emulated, SecretQuery(name)) for _ in range(500)]
    answers = await asyncio.gather(*reads)
    assert {id(each.agent_body) for each in answers} == {id(answers[0].agent_body)}
    assert aws.emulator.calls() == {OPERATION: 1}


async def test_four_aliases_are_one_entry(aws: "Aws", cache: SecretCache, emulated: Reader) -> None:
    name = aws.new_secret("canary")
    arn = aws.client("secretsmanager").describe_secret(SecretId=name)["ARN"]
    aws.emulator.clear_calls()
    aliases = [SecretQuery(each) for each in (name, arn, arn[:-7])]
    aliases.append(SecretQuery(name, version_stage="AWSCURRENT"))
    answers = [await cache.get(emulated, each) for each in aliases]
    assert {each.value.arn for each in answers} == {arn}
    assert (cache.statistics().entries, aws.emulator.calls()) == (1, {OPERATION: 1})


async def test_ten_minutes_of_reads_need_a_tenth_more_calls_than_the_fewest_at_most(
    aws: "Aws", cache: SecretCache, emulated: Reader, asking: Asking, clock: "ManualClock"
) -> None:
    client = aws.client("secretsmanager")
    queries = [SecretQuery(f"counted/{number}") for number in range(SECRETS)]
    for query in queries:
        client.create_secret(Name=query.secret_id, SecretString="canary")
    await asyncio.gather(*(cache.get(emulated, query) for query in queries))
    aws.emulator.clear_calls()
    renewing = asyncio.create_task(cache.run())
    states: set[str] = set()
    for _ in range(SECONDS - 1):
        await clock.advance(1)
        await asking.rest()
        for _ in range(READS_A_SECOND // SECRETS):
            states |= {(await cache.get(emulated, query)).state for query in queries}
    renewing.cancel()
    await asyncio.wait([renewing])
    fewest = SECONDS // TTL * SECRETS
    assert states == {"hit"}
    assert fewest <= SECRETS + aws.emulator.calls()[OPERATION] <= fewest * 1.1
