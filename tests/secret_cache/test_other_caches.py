"""Parameters and raw replies: the same cache, with identities and bodies of their own."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.errors import UpstreamRefused, UpstreamUnreachable
from sidecar.redaction import Secret
from sidecar.secret_cache import parameter_body
from sidecar.secret_cache.cache import ParameterCache
from sidecar.secret_cache.limits import Limits
from sidecar.secret_cache.parameter_kind import parameter_names
from sidecar.secret_cache.reply_cache import ReplyCache

if TYPE_CHECKING:
    from tests.conftest import ManualClock

ARN: Final = "arn:aws:ssm:eu-central-1:123456789012:parameter/prod/web"
LIMITS: Final = Limits(ttl_seconds=300, max_stale_seconds=600, size=20)
VALUE: Final = ParameterValue(
    arn=ARN,
    name="/prod/web",
    type="SecureString",
    value=Secret('canary "é"'),
    version=3,
    last_modified=datetime(2019, 9, 26, 21, 32, 14, 46000, UTC),
    data_type="text",
    selector=None,
    source_result=None,
)


class Store:
    """A parameter that answers each question with its version and its selector."""

    def __init__(self) -> None:
        self.asked: list[ParameterQuery] = []

    async def fetch(self, _reader: Reader, query: ParameterQuery) -> ParameterValue:
        self.asked.append(query)
        selector = query.version or query.label
        return replace(VALUE, selector=f":{selector}" if selector else None)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def parameters(store: Store, clock: "ManualClock") -> ParameterCache:
    return ParameterCache(store.fetch, clock, LIMITS)


@pytest.mark.parametrize(
    ("value", "parameter"),
    [
        pytest.param(
            VALUE,
            '"DataType":"text","LastModifiedDate":"2019-09-26T21:32:14.046Z",'
            '"Name":"/prod/web","Selector":null,"SourceResult":null,"Type":"SecureString",'
            '"Value":"canary \\"é\\"","Version":3',
            id="whole",
        ),
        pytest.param(
            replace(
                VALUE,
                last_modified=datetime(2019, 9, 26, 21, 32, 14, tzinfo=UTC),
                selector=":3",
                source_result=Secret("{}"),
            ),
            '"DataType":"text","LastModifiedDate":"2019-09-26T21:32:14Z",'
            '"Name":"/prod/web","Selector":":3","SourceResult":"{}","Type":"SecureString",'
            '"Value":"canary \\"é\\"","Version":3',
            id="with a selector, a source and whole seconds",
        ),
        pytest.param(
            replace(VALUE, last_modified=None),
            '"DataType":"text","LastModifiedDate":null,"Name":"/prod/web",'
            '"Selector":null,"SourceResult":null,"Type":"SecureString",'
            '"Value":"canary \\"é\\"","Version":3',
            id="without a date",
        ),
    ],
)
def test_the_extension_s_body_has_every_member(value: ParameterValue, parameter: str) -> None:
    body = f'{{"Parameter":{{"ARN":"{ARN}",{parameter}}},"ResultMetadata":{{}}}}'
    assert parameter_body.agent_body(value) == body.encode()


def test_the_api_s_body_has_a_number_for_a_date_and_nothing_that_is_absent() -> None:
    body = json.loads(parameter_body.api_body(VALUE))
    assert body["Parameter"]["LastModifiedDate"] == 1569533534.046
    assert not {"Selector", "SourceResult"} & body["Parameter"].keys()
    assert "LastModifiedDate" not in parameter_body.api_parameter(
        replace(VALUE, last_modified=None)
    )


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        (ParameterQuery(ARN), 1),
        (ParameterQuery("/prod/web"), 1),
        (ParameterQuery("/prod/web", with_decryption=True), 2),
        (ParameterQuery("/prod/web", version=3), 2),
        (ParameterQuery("/prod/web", label="blue"), 2),
        (ParameterQuery("prod/web"), 2),
        (ParameterQuery("/prod/web:3"), 2),
        (ParameterQuery(f"{ARN}:blue"), 2),
    ],
    ids=repr,
)
async def test_only_the_same_question_is_answered_from_memory(
    parameters: ParameterCache, store: Store, reader: Reader, query: ParameterQuery, calls: int
) -> None:
    await parameters.get(reader, ParameterQuery("/prod/web"))
    answer = await parameters.get(reader, query)
    assert (len(store.asked), answer.state) == (calls, "hit" if calls == 1 else "miss")
    selector = query.selected_name.removeprefix(ARN).removeprefix("/prod/web")
    assert answer.value.selector == (selector if selector.startswith(":") else None)
    assert (await parameters.get(reader, ParameterQuery("/prod/web"))).value.selector is None


@pytest.mark.parametrize(
    "query",
    [
        ParameterQuery("/prod/web:3"),
        ParameterQuery("/prod/web", label="3"),
        ParameterQuery(f"{ARN}:3"),
        ParameterQuery(ARN, version=3),
    ],
    ids=repr,
)
async def test_however_a_version_is_written_it_is_one_entry(
    parameters: ParameterCache, store: Store, reader: Reader, query: ParameterQuery
) -> None:
    await parameters.get(reader, ParameterQuery("/prod/web", version=3))
    assert (await parameters.get(reader, query)).state == "hit"
    assert (len(store.asked), parameters.statistics().entries) == (1, 1)


@pytest.mark.parametrize("value_id", ["/prod/web", "prod/web", ARN])
async def test_a_parameter_is_invalidated_by_name_and_by_arn(
    parameters: ParameterCache, reader: Reader, value_id: str
) -> None:
    await parameters.get(reader, ParameterQuery("/prod/web"))
    await parameters.get(reader, ParameterQuery("/prod/web", version=3))
    assert parameters.invalidate("/prod/web2") == 0
    assert parameters.invalidate(value_id) == 2
    await parameters.close()


@pytest.mark.parametrize(
    ("value_id", "name"), [("/a/b", "a/b"), ("b", "b"), (ARN, "prod/web"), ("a b", "a b")]
)
def test_a_parameter_s_name_is_compared_without_its_first_slash(value_id: str, name: str) -> None:
    assert parameter_names(value_id) == {name}


class Replies:
    """A cache of replies, and how often each was asked for."""

    def __init__(self, clock: "ManualClock") -> None:
        self.cache = ReplyCache(clock, LIMITS, jitter=lambda: 0.5)
        self.asked: list[str] = []
        self.failure: Exception | None = None

    async def get(self, key: str) -> Any:
        async def fetch() -> bytes:
            self.asked.append(key)
            if self.failure is not None:
                raise self.failure
            return f"reply {len(self.asked)}".encode()

        return await self.cache.get(key, fetch)


@pytest.fixture
def replies(clock: "ManualClock") -> Replies:
    return Replies(clock)


async def test_a_reply_is_sent_as_it_came(replies: Replies) -> None:
    first, again = await replies.get("a"), await replies.get("a")
    assert (first.state, again.state, len(replies.asked)) == ("miss", "hit", 1)
    assert first.value is again.value is again.api_body
    assert first.value == b"reply 1"


async def test_replies_that_match_are_asked_for_again_and_no_others(replies: Replies) -> None:
    for key in "ab":
        await replies.get(key)
    replies.cache.invalidate(lambda key: key == "a")
    for key in "ab":
        await replies.get(key)
    assert replies.asked == ["a", "b", "a"]


async def test_an_invalidated_reply_does_not_stand_in(replies: Replies) -> None:
    await replies.get("a")
    replies.cache.invalidate(lambda _: True)
    replies.failure = UpstreamUnreachable("Read Error")
    with pytest.raises(UpstreamUnreachable):
        await replies.get("a")


async def test_a_reply_stands_in_for_one_that_does_not_come(
    replies: Replies, clock: "ManualClock"
) -> None:
    await replies.get("a")
    replies.failure = UpstreamUnreachable("Read Error")
    clock.jump(300)
    assert (await replies.get("a")).state == "stale"
    replies.failure = UpstreamRefused("no", status=400, code="AccessDeniedException")
    clock.jump(1)
    await replies.get("a")
    await clock.advance(0)
    with pytest.raises(UpstreamRefused):
        await replies.get("a")
    assert replies.cache.statistics().failures == 2
