"""Prefetching: twenty at a time, again until it works, within its share, and told as it goes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.access.policy import matches
from sidecar.aws.batch import Batch
from sidecar.aws.reader import Reader
from sidecar.aws.secret import ListedSecret, SecretFilter, SecretQuery, SecretValue
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnreachable
from sidecar.redaction import Secret
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.prefetch import Prefetch
from sidecar.secret_cache.prefetch_wanted import wanted

if TYPE_CHECKING:
    from tests.conftest import ManualClock

READER: Final = Reader("default", "us-east-1")
NO_NETWORK: Final = UpstreamUnreachable("Read Error", code="ConnectionError")
DENIED: Final = UpstreamRefused("not authorized", status=400, code="AccessDeniedException")
INVALID: Final = UpstreamRefused("invalid name", status=400, code="InvalidParameterException")
GONE: Final = UpstreamRefused("can't find it", status=400, code="ResourceNotFoundException")


def arn_of(name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-AbCdEf"


def value_of(secret_id: str) -> SecretValue:
    name = secret_id.rpartition(":")[2].removesuffix("-AbCdEf")
    return SecretValue(arn_of(name), name, "1", Secret("canary-value"), None, ("AWSCURRENT",), None)


@dataclass
class PlannedAws:
    """Secrets by name with their tags, and which failures to meet."""

    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    batch_failure: Exception | None = None
    list_failure: Exception | None = None
    failures: dict[str, Exception] = field(default_factory=dict)
    batches: list[tuple[str, ...]] = field(default_factory=list)
    lists: list[SecretFilter] = field(default_factory=list)

    reader = READER

    async def batch(self, secret_ids: Sequence[str]) -> Batch[SecretValue]:
        self.batches.append(tuple(secret_ids))
        if self.batch_failure is not None:
            raise self.batch_failure
        errors = {each: self.failures[each] for each in secret_ids if each in self.failures}
        values = {each: value_of(each) for each in secret_ids if each not in errors}
        return Batch(values, errors)  # type: ignore[arg-type] # these failures are AWS's

    async def list(self, wanted: SecretFilter) -> Sequence[ListedSecret]:
        self.lists.append(wanted)
        if self.list_failure is not None:
            raise self.list_failure
        return [
            ListedSecret(arn_of(name), name, tags)
            for name, tags in self.tags.items()
            if name.startswith(wanted.name_prefix)
            and (not wanted.tag_key or wanted.tag_key in tags)
        ]


@dataclass
class PlannedCache:
    """Holds what it is given; `get` asks the planned AWS."""

    aws: PlannedAws
    held: dict[str, SecretValue] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    invalidated_at: float = 0

    async def get(self, reader: Reader, query: SecretQuery) -> object:
        assert reader == READER
        self.read.append(query.secret_id)
        if failure := self.aws.failures.get(query.secret_id):
            raise failure
        self.held[query.secret_id] = value_of(query.secret_id)
        return None

    def put(
        self, reader: Reader, query: SecretQuery, value: SecretValue, *, asked_at: float | None
    ) -> None:
        assert reader == READER
        assert asked_at is not None
        if asked_at >= self.invalidated_at:
            self.held[query.secret_id] = value

    def holds(self, reader: Reader, query: SecretQuery) -> bool:
        assert reader == READER
        return query.secret_id in self.held


@pytest.fixture
def aws() -> PlannedAws:
    return PlannedAws()


@pytest.fixture
def cache(aws: PlannedAws) -> PlannedCache:
    return PlannedCache(aws)


Run = Callable[..., Awaitable[Prefetch]]


@pytest.fixture
async def run(aws: PlannedAws, cache: PlannedCache, clock: "ManualClock") -> AsyncIterator[Run]:
    """Give a function that prefetches, with a TTL of 300 s."""
    tasks: list[asyncio.Task[None]] = []

    async def started(
        *prefetch: str, tags: Sequence[tuple[str, str | None]] = (), size: int = 1000
    ) -> Prefetch:
        limits = Limits(ttl_seconds=300, max_stale_seconds=600, size=size)
        found = wanted(prefetch, tags, matches)
        prefetching = Prefetch(found, aws, cache, clock, limits, jitter=lambda: 1.0)
        tasks.append(asyncio.create_task(prefetching.run()))
        await clock.advance(0)
        return prefetching

    yield started
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()


async def test_ids_are_read_twenty_at_a_time(
    run: Run, aws: PlannedAws, cache: PlannedCache
) -> None:
    ids = [f"secret/{number}" for number in range(45)]
    prefetching = await run(*ids)
    assert [len(each) for each in aws.batches] == [20, 20, 5]
    assert list(cache.held) == ids
    assert prefetching.pending() == {}


async def test_an_id_that_fails_is_named_and_asked_for_again_alone(
    run: Run, aws: PlannedAws, clock: "ManualClock"
) -> None:
    aws.failures = {"b": GONE}
    prefetching = await run("a", "b")
    assert prefetching.pending() == {"secret b": "not read yet: can't find it"}
    aws.failures = {}
    await clock.advance(2)
    assert prefetching.pending() == {}
    assert aws.batches == [("a", "b"), ("b",)]


async def test_an_outage_keeps_all_waiting_and_ends_the_attempt(
    run: Run, aws: PlannedAws, clock: "ManualClock"
) -> None:
    aws.batch_failure = NO_NETWORK
    ids = [f"secret/{number}" for number in range(45)]
    prefetching = await run(*ids)
    assert len(aws.batches) == 1
    assert prefetching.pending() == {f"secret {each}": "not read yet: Read Error" for each in ids}
    await clock.advance(1000)
    pauses = 2 + 4 + 8 + 16 + 32
    assert len(aws.batches) == 1 + 5 + (1000 - pauses) // 60
    aws.batch_failure = None
    await clock.advance(60)
    assert prefetching.pending() == {}


@pytest.mark.parametrize("failure", [DENIED, INVALID])
async def test_where_a_batch_is_refused_each_id_is_asked_for(
    run: Run, aws: PlannedAws, cache: PlannedCache, failure: SidecarError
) -> None:
    aws.batch_failure = failure
    aws.failures = {"b": GONE}
    prefetching = await run("a", "b", "c")
    assert cache.read == ["a", "b", "c"]
    assert prefetching.pending() == {"secret b": "not read yet: can't find it"}


async def test_a_missing_permission_for_batches_is_named_once(
    run: Run, aws: PlannedAws, clock: "ManualClock", caplog: pytest.LogCaptureFixture
) -> None:
    aws.batch_failure = DENIED
    aws.failures = {"b": GONE}
    await run("a", "b")
    await clock.advance(300)
    assert caplog.text.count("secretsmanager:BatchGetSecretValue") == 1
    assert len(aws.batches) == 1
    assert caplog.text.count("secret b not read yet") == 1


async def test_a_refused_batch_that_is_not_denied_is_tried_again(
    run: Run, aws: PlannedAws, clock: "ManualClock"
) -> None:
    aws.batch_failure = INVALID
    aws.failures = {"b": GONE}
    await run("a", "b")
    await clock.advance(2)
    assert aws.batches == [("a", "b"), ("b",)]


async def test_a_pattern_reads_what_fits_and_nothing_else(
    run: Run, aws: PlannedAws, cache: PlannedCache
) -> None:
    aws.tags = {"prod/web/db": {}, "prod/batch/db": {}, "prod/web/key": {}}
    prefetching = await run("prod/*/db")
    assert list(cache.held) == ["prod/web/db", "prod/batch/db"]
    assert prefetching.pending() == {}


async def test_a_tag_reads_what_carries_it(run: Run, aws: PlannedAws, cache: PlannedCache) -> None:
    aws.tags = {"a": {"app": "web"}, "b": {}}
    await run(tags=[("app", None)])
    assert list(cache.held) == ["a"]


async def test_a_list_that_fails_is_waited_for_with_its_reason(
    run: Run,
    aws: PlannedAws,
    cache: PlannedCache,
    clock: "ManualClock",
    caplog: pytest.LogCaptureFixture,
) -> None:
    aws.tags = {"prod/web": {}}
    aws.list_failure = DENIED
    prefetching = await run("prod/*")
    await clock.advance(2)
    assert len(aws.lists) == 2
    assert prefetching.pending() == {"secrets prod/*": "not listed yet: not authorized"}
    assert caplog.text.count("could not be listed: not authorized") == 1
    aws.list_failure = None
    await clock.advance(4)
    assert prefetching.pending() == {}
    assert list(cache.held) == ["prod/web"]


async def test_a_pattern_is_waited_for_until_what_it_lists_is_held(
    run: Run, aws: PlannedAws, clock: "ManualClock"
) -> None:
    aws.tags = {"prod/a": {}, "prod/b": {}}
    aws.failures = {"prod/b": NO_NETWORK}
    prefetching = await run("prod/*")
    assert prefetching.pending() == {"secrets prod/*": "1 of 2 not read yet: Read Error"}
    aws.failures = {}
    await clock.advance(2)
    assert prefetching.pending() == {}


async def test_a_listed_secret_that_aws_refuses_is_told_and_not_waited_for(
    run: Run, aws: PlannedAws, clock: "ManualClock", caplog: pytest.LogCaptureFixture
) -> None:
    aws.tags = {"prod/a": {}}
    aws.failures = {"prod/a": DENIED}
    prefetching = await run("prod/*")
    assert prefetching.pending() == {}
    assert "secret prod/a not read yet: not authorized" in caplog.text
    await clock.advance(600)
    assert len(aws.batches) == 1


async def test_new_secrets_of_a_pattern_are_found_after_ten_ttls(
    run: Run, aws: PlannedAws, cache: PlannedCache, clock: "ManualClock"
) -> None:
    aws.tags = {"prod/a": {}}
    await run("prod/*")
    aws.tags |= {"prod/b": {}}
    await clock.advance(2999)
    assert "prod/b" not in cache.held
    await clock.advance(1)
    assert aws.batches == [("prod/a",), ("prod/b",)]


async def test_a_list_that_fails_later_leaves_the_sidecar_ready(
    run: Run, aws: PlannedAws, clock: "ManualClock"
) -> None:
    prefetching = await run("prod/*")
    aws.list_failure = NO_NETWORK
    await clock.advance(3500)
    assert len(aws.lists) > 2
    assert prefetching.pending() == {}


async def test_an_id_that_never_comes_does_not_keep_patterns_from_being_listed(
    run: Run, aws: PlannedAws, clock: "ManualClock"
) -> None:
    aws.failures = {"never": GONE}
    await run("never", "prod/*")
    await clock.advance(6000)
    assert len(aws.lists) == 3


async def test_four_fifths_of_the_cache_are_used_at_most_and_the_rest_is_told(
    run: Run, aws: PlannedAws, cache: PlannedCache, caplog: pytest.LogCaptureFixture
) -> None:
    aws.tags = {f"prod/{number}": {"app": "web"} for number in range(9)}
    prefetching = await run("a", "b", "prod/*", tags=[("app", None)], size=10)
    assert len(cache.held) == 8
    assert prefetching.pending() == {}
    assert "3 of secrets prod/* left out" in caplog.text
    assert "3 of secrets tagged app left out" in caplog.text


async def test_ids_over_the_share_are_told_and_not_waited_for(
    run: Run, cache: PlannedCache, caplog: pytest.LogCaptureFixture
) -> None:
    prefetching = await run("a", "b", "c", size=2)
    assert list(cache.held) == ["a"]
    assert prefetching.pending() == {}
    assert "2 of secrets.prefetch left out" in caplog.text


async def test_a_secret_of_two_selections_is_read_once(
    run: Run, aws: PlannedAws, cache: PlannedCache
) -> None:
    aws.tags = {"prod/a": {"app": "web"}}
    prefetching = await run("prod/*", tags=[("app", None)])
    assert aws.batches == [("prod/a",)]
    assert prefetching.pending() == {}


async def test_a_bug_in_one_read_does_not_end_the_prefetching(
    run: Run, aws: PlannedAws, cache: PlannedCache, clock: "ManualClock"
) -> None:
    aws.batch_failure = DENIED
    aws.failures = {"b": RuntimeError("a bug")}
    prefetching = await run("a", "b")
    assert "secret b" in prefetching.pending()
    aws.failures = {}
    await clock.advance(2)
    assert prefetching.pending() == {}


@pytest.mark.parametrize("failing", ["batch_failure", "list_failure"])
async def test_a_bug_does_not_end_the_prefetching(
    run: Run, aws: PlannedAws, cache: PlannedCache, clock: "ManualClock", failing: str
) -> None:
    aws.tags = {"prod/a": {}}
    setattr(aws, failing, RuntimeError("a bug"))
    prefetching = await run("a", "prod/*")
    assert prefetching.pending() != {}
    setattr(aws, failing, None)
    await clock.advance(2)
    assert list(cache.held) == ["a", "prod/a"]
    assert prefetching.pending() == {}


async def test_what_changed_while_it_was_read_is_read_again(
    run: Run, aws: PlannedAws, cache: PlannedCache
) -> None:
    cache.invalidated_at = 1
    prefetching = await run("a")
    assert aws.batches == [("a",)]
    assert cache.read == ["a"]
    assert prefetching.pending() == {}


@pytest.mark.parametrize(
    ("prefetch", "asked"),
    [
        ("prod/web", ["prod/web", arn_of("prod/web"), arn_of("prod/web")[:-7]]),
        (arn_of("prod/web"), [arn_of("prod/web"), arn_of("prod/web")[:-7]]),
        ("prod/*", ["prod/web", arn_of("prod/web"), arn_of("prod/web")[:-7]]),
    ],
)
async def test_what_was_prefetched_is_a_hit_by_every_alias(
    aws: PlannedAws, clock: "ManualClock", prefetch: str, asked: list[str]
) -> None:
    async def fetch(_: Reader, query: SecretQuery) -> SecretValue:
        raise AssertionError(query)

    limits = Limits(ttl_seconds=300, max_stale_seconds=600, size=10)
    cache = SecretCache(fetch, clock, limits)
    aws.tags = {"prod/web": {}}
    prefetching = Prefetch(wanted([prefetch], [], matches), aws, cache, clock, limits)
    task = asyncio.create_task(prefetching.run())
    await clock.advance(0)
    for secret_id in asked:
        for stage in (None, "AWSCURRENT"):
            answer = await cache.get(READER, SecretQuery(secret_id, version_stage=stage))
            assert (answer.state, answer.value.name) == ("hit", "prod/web")
    assert cache.statistics().entries == 1
    task.cancel()
    await cache.close()
