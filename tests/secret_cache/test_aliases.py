"""Names, ARNs, versions and stages: which questions are one, and which must never be mixed up."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery
from sidecar.errors import UpstreamRefused
from sidecar.secret_cache.cache import SecretCache
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.secret_kind import secret_names

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.secret_cache.conftest import MakeCache, World

LIMITS: Final = Limits(ttl_seconds=300, max_stale_seconds=600, size=20)
NAME: Final = "prod/web"


@pytest.fixture
def cache(make_cache: "MakeCache", world: "World", clock: "ManualClock") -> SecretCache:
    return make_cache(world, clock, LIMITS)


async def test_every_form_of_an_id_is_one_entry_and_one_call(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    arn = world.create(NAME)
    forms = [(each, stage) for each in (NAME, arn, arn[:-7]) for stage in (None, "AWSCURRENT")]
    answers = [
        await cache.get(reader, SecretQuery(each, version_stage=stage)) for each, stage in forms
    ]
    assert [each.state for each in answers] == ["miss"] + ["hit"] * 5
    assert len({id(each.agent_body) for each in answers}) == 1
    assert (cache.statistics().entries, len(world.asked)) == (1, 1)


async def test_a_name_is_asked_for_itself_after_the_arn_as_it_may_be_of_another_account(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    arn = world.create(NAME)
    await cache.get(reader, SecretQuery(arn))
    assert (await cache.get(reader, SecretQuery(arn[:-7]))).state == "hit"
    assert (await cache.get(reader, SecretQuery(NAME))).state == "miss"
    assert cache.statistics().entries == 1


async def test_every_upstream_read_names_its_stage(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    world.create(NAME)
    await cache.get(reader, SecretQuery(NAME))
    assert world.asked == [SecretQuery(NAME, version_stage="AWSCURRENT")]


async def test_a_version_and_the_stage_that_it_is_on_share_one_entry(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    world.create(NAME)
    current = await cache.get(reader, SecretQuery(NAME))
    version = current.value.version_id
    for query in (
        SecretQuery(NAME, version_id=version),
        SecretQuery(NAME, version_id=version, version_stage="AWSCURRENT"),
    ):
        answer = await cache.get(reader, query)
        assert (answer.state, answer.agent_body) == ("hit", current.agent_body)
    assert (cache.statistics().entries, len(world.asked)) == (1, 1)


async def test_a_version_that_is_not_on_the_stage_is_refused_as_aws_does(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    world.create(NAME)
    old = (await cache.get(reader, SecretQuery(NAME))).value.version_id
    world.rotate(NAME)
    await cache.get(reader, SecretQuery(NAME), refresh_now=True)
    with pytest.raises(UpstreamRefused):
        await cache.get(reader, SecretQuery(NAME, old, "AWSCURRENT"))
    assert (await cache.get(reader, SecretQuery(NAME, old, "AWSPREVIOUS"))).value.version_id == old


async def test_other_versions_are_entries_of_their_own(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    world.create(NAME)
    world.rotate(NAME)
    current = await cache.get(reader, SecretQuery(NAME))
    previous = await cache.get(reader, SecretQuery(NAME, version_stage="AWSPREVIOUS"))
    assert current.value.version_id != previous.value.version_id
    assert cache.statistics().entries == 2


@pytest.mark.parametrize("query", [SecretQuery(NAME, ""), SecretQuery(NAME, None, "")], ids=repr)
async def test_an_empty_version_or_stage_is_aws_s_to_refuse(
    cache: SecretCache, world: "World", reader: Reader, query: SecretQuery
) -> None:
    world.create(NAME)
    await cache.get(reader, SecretQuery(NAME))
    with pytest.raises(UpstreamRefused):
        await cache.get(reader, query)


async def test_one_answer_moves_every_alias_to_the_new_version(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    arn = world.create(NAME)
    ids = (NAME, arn, arn[:-7])
    for each in ids:
        await cache.get(reader, SecretQuery(each))
    version = world.rotate(NAME)
    await cache.get(reader, SecretQuery(arn), refresh_now=True)
    answers = [await cache.get(reader, SecretQuery(each)) for each in ids]
    assert {(each.value.version_id, each.state) for each in answers} == {(version, "hit")}


async def test_an_answer_about_a_version_moves_the_stages_that_it_names(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    world.create(NAME)
    old = (await cache.get(reader, SecretQuery(NAME))).value.version_id
    new = world.rotate(NAME)
    await cache.get(reader, SecretQuery(NAME, version_id=new))
    assert (await cache.get(reader, SecretQuery(NAME))).value.version_id == new
    assert (await cache.get(reader, SecretQuery(NAME, version_id=old))).state != "hit"


async def test_a_stage_that_has_left_its_version_is_not_served_as_fresh(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    world.create(NAME)
    old = (await cache.get(reader, SecretQuery(NAME))).value.version_id
    new = world.rotate(NAME)
    await cache.get(reader, SecretQuery(NAME, version_id=old), refresh_now=True)
    answer = await cache.get(reader, SecretQuery(NAME))
    assert (answer.value.version_id, answer.state) == (new, "miss")


async def test_a_secret_made_anew_is_not_mixed_up_with_the_old_one(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    old = world.create(NAME)
    for each in (NAME, old):
        await cache.get(reader, SecretQuery(each))
    new = world.create(NAME)
    clock.jump(LIMITS.ttl_seconds)
    assert (await cache.get(reader, SecretQuery(NAME))).value.arn == new
    with pytest.raises(UpstreamRefused):
        await cache.get(reader, SecretQuery(old))
    assert (await cache.get(reader, SecretQuery(new))).state == "hit"


async def test_a_name_outlives_the_arn_by_which_it_was_renewed(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    old = world.create(NAME)
    for each in (old, NAME):
        await cache.get(reader, SecretQuery(each))
    new = world.create(NAME)
    clock.jump(LIMITS.ttl_seconds)
    assert (await cache.get(reader, SecretQuery(NAME))).value.arn == new


async def test_an_arn_that_ends_like_a_whole_one_is_never_taken_for_another_secret(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    whole = world.create("foo")
    twin = f"foo{whole[-7:]}"
    world.create(twin)
    assert (await cache.get(reader, SecretQuery(twin))).value.name == twin
    assert (await cache.get(reader, SecretQuery(whole))).value.name == "foo"


async def test_a_late_answer_to_an_early_question_takes_nothing_back(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    arn = world.create(NAME)
    await cache.get(reader, SecretQuery(NAME))
    world.gate = gate = asyncio.Event()
    late = asyncio.create_task(cache.get(reader, SecretQuery(NAME), refresh_now=True))
    await clock.advance(1)
    world.gate = None
    version = world.rotate(NAME)
    await cache.get(reader, SecretQuery(arn, version_id=version))
    gate.set()
    await late
    assert (await cache.get(reader, SecretQuery(NAME))).value.version_id == version
    assert cache.statistics().entries == 1


async def test_a_late_answer_about_a_version_moves_no_stage_back(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    old = world.secrets[NAME].stages["AWSCURRENT"]
    world.gate = gate = asyncio.Event()
    late = asyncio.create_task(cache.get(reader, SecretQuery(NAME, version_id=old)))
    await clock.advance(1)
    world.gate = None
    new = world.rotate(NAME)
    await cache.get(reader, SecretQuery(NAME))
    gate.set()
    assert (await late).value.version_id == old
    assert (await cache.get(reader, SecretQuery(NAME))).value.version_id == new


async def test_a_late_answer_brings_no_earlier_stages_back(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    version = world.secrets[NAME].stages["AWSCURRENT"]
    world.gate = gate = asyncio.Event()
    late = asyncio.create_task(cache.get(reader, SecretQuery(NAME, version_id=version)))
    await clock.advance(1)
    world.gate = None
    world.secrets[NAME].stages["blue"] = version
    await cache.get(reader, SecretQuery(NAME))
    gate.set()
    await late
    answer = await cache.get(reader, SecretQuery(NAME))
    assert answer.value.version_stages == ("AWSCURRENT", "blue")


async def test_a_late_answer_about_a_deleted_secret_does_not_displace_the_new_one(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    world.gate = gate = asyncio.Event()
    late = asyncio.create_task(cache.get(reader, SecretQuery(NAME)))
    await clock.advance(1)
    world.gate = None
    new = world.create(NAME)
    await cache.get(reader, SecretQuery(new))
    gate.set()
    await late
    assert (await cache.get(reader, SecretQuery(new))).state == "hit"
    assert (await cache.get(reader, SecretQuery(NAME))).value.arn == new


async def test_what_is_refused_under_one_stage_is_doubted_under_all(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    world.create(NAME)
    version = (await cache.get(reader, SecretQuery(NAME))).value.version_id
    await cache.get(reader, SecretQuery(NAME, version_id=version))
    del world.secrets[NAME]
    for query in (SecretQuery(NAME), SecretQuery(NAME, version_id=version)):
        with pytest.raises(UpstreamRefused):
            await cache.get(reader, query, refresh_now=query.version_id is None)


async def test_what_made_room_leaves_nothing_behind(
    make_cache: "MakeCache", world: "World", clock: "ManualClock", reader: Reader
) -> None:
    cache = make_cache(world, clock, Limits(ttl_seconds=300, max_stale_seconds=600, size=2))
    for number in range(50):
        await cache.get(reader, SecretQuery(world.create(f"secret/{number}")))
        await cache.get(reader, SecretQuery(f"secret/{number}"))
    lines = cache._holding._lines
    assert len(list(lines)) == 2
    assert (len(lines._subjects), len(lines._by_identity), len(lines.by_question)) == (2, 6, 8)


@pytest.mark.parametrize(
    ("secret_id", "names"),
    [
        ("prod/web", {"prod/web"}),
        ("prod/web-a1B2c3", {"prod/web-a1B2c3"}),
        ("arn:aws:secretsmanager:eu:1:secret:prod/web-a1B2c3", {"prod/web-a1B2c3", "prod/web"}),
        ("arn:aws:secretsmanager:eu:1:secret:prod/web", {"prod/web"}),
        ("arn:aws:secretsmanager:eu:1:secret:web-a1B2c", {"web-a1B2c"}),
        ("arn:aws:ssm:eu:1:parameter/web", {"arn:aws:ssm:eu:1:parameter/web"}),
        ("a b+c%2F", {"a b+c%2F"}),
    ],
)
def test_an_id_stands_for_every_name_that_it_may_mean(secret_id: str, names: set[str]) -> None:
    assert secret_names(secret_id) == names


async def test_an_old_arn_is_not_answered_with_what_its_name_leads_to_by_now(
    cache: SecretCache, world: "World", reader: Reader
) -> None:
    old = world.create(NAME)
    for each in (NAME, old):
        await cache.get(reader, SecretQuery(each))
    world.create(NAME)
    with pytest.raises(UpstreamRefused):
        await cache.get(reader, SecretQuery(old), refresh_now=True)


async def test_what_is_denied_under_one_stage_is_forgotten_under_all(
    make_cache: "MakeCache", world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    cache = make_cache(world, clock, replace(LIMITS, keep_warm_seconds=0))
    arn = world.create(NAME)
    version = (await cache.get(reader, SecretQuery(NAME))).value.version_id
    held = [SecretQuery(each, version) for each in (NAME, arn, arn[:-7])]
    for query in held:
        await cache.get(reader, query)
    clock.jump(1)
    world.failure = UpstreamRefused("denied", status=400, code="AccessDeniedException")
    with pytest.raises(UpstreamRefused):
        await cache.get(reader, SecretQuery(NAME), refresh_now=True)
    assert not any(cache.holds(reader, query) for query in held)
    asked = len(world.asked)
    with pytest.raises(UpstreamRefused):
        await cache.get(reader, SecretQuery(NAME))
    assert len(world.asked) == asked


async def test_a_call_that_began_before_a_refusal_does_not_bring_the_value_back(
    cache: SecretCache, world: "World", reader: Reader, clock: "ManualClock"
) -> None:
    world.create(NAME)
    version = (await cache.get(reader, SecretQuery(NAME))).value.version_id
    await cache.get(reader, SecretQuery(NAME, version))
    world.gate = gate = asyncio.Event()
    late = asyncio.create_task(cache.get(reader, SecretQuery(NAME, version), refresh_now=True))
    await clock.advance(1)
    world.gate = None
    world.failure = UpstreamRefused("denied", status=400, code="AccessDeniedException")
    with pytest.raises(UpstreamRefused):
        await cache.get(reader, SecretQuery(NAME), refresh_now=True)
    world.failure = None
    gate.set()
    assert (await late).value.version_id == version
    assert not cache.holds(reader, SecretQuery(NAME))


async def test_a_stage_does_not_go_back_when_the_version_that_it_is_on_made_room(
    make_cache: "MakeCache", world: "World", clock: "ManualClock", reader: Reader
) -> None:
    cache = make_cache(world, clock, Limits(ttl_seconds=300, max_stale_seconds=600, size=2))
    for name in (NAME, "other"):
        world.create(name)
    old = world.secrets[NAME].stages["AWSCURRENT"]
    await cache.get(reader, SecretQuery(NAME, old))
    clock.jump(1)
    new = world.rotate(NAME)
    await cache.get(reader, SecretQuery(NAME), refresh_now=True)
    await cache.get(reader, SecretQuery(NAME))
    await cache.get(reader, SecretQuery(NAME, old))
    await cache.get(reader, SecretQuery("other"))
    assert not cache.holds(reader, SecretQuery(NAME))
    assert (await cache.get(reader, SecretQuery(NAME))).value.version_id == new
