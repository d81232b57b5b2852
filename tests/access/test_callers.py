"""Telling callers apart by their tokens, whoever made these, and forgetting nothing too early."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import jwt
import pytest

from sidecar.access.callers import Access, Callers, OwnTokens
from sidecar.access.own_token import OwnTokenRules, issue
from sidecar.access.policy import App
from sidecar.access.proof import Proof
from sidecar.access.refused import TokenNotAccepted
from sidecar.access.token_key import TokenKey
from sidecar.access.tokens import AppToken, AppTokens
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.conftest import ManualClock

WEB, BATCH = App("web", (), ()), App("batch", (), ())
STATIC = "a-static-token-of-batch"
KEY = TokenKey.generate("EdDSA")
RULES = OwnTokenRules(audience="here", lifetime=timedelta(hours=1), grace=timedelta(hours=1))
UNKNOWN = "the token belongs to no app"


def access(**changes: object) -> Access:
    static = AppTokens((AppToken(BATCH, Secret(STATIC)),))
    return replace(Access((WEB, BATCH), static, OwnTokens(KEY, RULES)), **changes)  # type: ignore[arg-type]


@pytest.fixture
def callers(clock: "ManualClock") -> Callers:
    return Callers(access(), clock)


def own(app: str, now: datetime, token_id: str = "one") -> bytes:
    return issue(app, KEY, RULES, now, token_id).encoded()


async def reason(callers: Callers, presented: bytes) -> str:
    with pytest.raises(TokenNotAccepted) as caught:
        await callers.identify(presented)
    return caught.value.reason


async def test_every_kind_of_token_names_its_app(callers: Callers, now: datetime) -> None:
    static = await callers.identify(STATIC.encode())
    assert (static.app, static.token_id) == (BATCH, "static")
    for _ in range(2):
        found = await callers.identify(own("web", now, "seven"))
        assert (found.app, found.token_id) == (WEB, "seven")


@pytest.mark.parametrize(
    ("presented", "why"),
    [
        (b"", UNKNOWN),
        (b"a-static-token-of-nobody", UNKNOWN),
        (b"\xff.\xff.\xff", UNKNOWN),
        (b"one.dot", UNKNOWN),
        (b"a.b.c.d", UNKNOWN),
        (b"a.b.c", "the token is no well-formed JWT"),
        (b"a" * 8001, "the token has more than 8000 bytes"),
    ],
)
async def test_whoever_shows_something_else_is_nobody(
    presented: bytes, why: str, callers: Callers
) -> None:
    assert await reason(callers, presented) == why


async def test_a_token_of_an_app_that_is_not_configured_is_nobody_s(
    callers: Callers, now: datetime
) -> None:
    assert await reason(callers, own("ghost", now)) == "the token's app is not configured"


async def test_a_remembered_token_ends_when_it_ends(
    callers: Callers, clock: "ManualClock", now: datetime
) -> None:
    token = own("web", now)
    await clock.advance(2 * 3600 - 1)
    assert (await callers.identify(token)).app is WEB
    await clock.advance(1)
    assert await reason(callers, token) == "the token has expired"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rules": replace(RULES, revoked={"one"})}, "the token is revoked"),
        (
            {"rules": replace(RULES, not_before=datetime.fromisoformat("2026-03-01T12:00:01Z"))},
            "the token was issued before not_before",
        ),
        ({"key": TokenKey.generate("EdDSA")}, "the token was signed with a key that is not"),
        ({"key": TokenKey.generate("HS256")}, "the token's algorithm is not HS256"),
    ],
)
async def test_what_was_remembered_is_forgotten_when_access_changes(
    change: dict[str, object], why: str, callers: Callers, now: datetime
) -> None:
    token = own("web", now)
    assert (await callers.identify(token)).app is WEB
    changed = replace(OwnTokens(KEY, RULES), **change)  # type: ignore[arg-type]
    callers.replace(access(own=changed))
    assert why in await reason(callers, token)
    assert (await callers.identify(STATIC.encode())).app is BATCH


async def test_a_policy_that_changes_is_the_new_one_at_once(
    callers: Callers, now: datetime
) -> None:
    token = own("web", now)
    await callers.identify(token)
    wider = App("web", ("default",), ("*",))
    callers.replace(access(apps=(wider, BATCH)))
    assert (await callers.identify(token)).app is wider


class Issuer:
    """An issuer of others, whose tokens say which app they are for."""

    issuer = "https://there"
    trouble = None

    def __init__(self, ends_at: datetime, issued_at: datetime | None = None) -> None:
        self.asked = 0
        self._issued_at = issued_at
        self.vouching: object = "a key"
        self._ends_at = ends_at

    async def identify(self, token: str, now: datetime) -> Proof:
        del now
        self.asked += 1
        if "web" not in jwt.decode(token, options={"verify_signature": False})["sub"]:
            raise TokenNotAccepted("no app of this issuer has this subject")
        return Proof(WEB, "theirs", self._issued_at, self._ends_at)

    async def run(self) -> None:
        """Keep nothing fresh."""


def theirs(issuer: str, subject: str = "web") -> bytes:
    return jwt.encode({"iss": issuer, "sub": subject}, "k" * 32, algorithm="HS256").encode()


async def test_an_outside_issuer_is_asked_for_its_own_tokens_only_and_once_a_minute(
    clock: "ManualClock", now: datetime
) -> None:
    issuer = Issuer(now + timedelta(hours=1))
    callers = Callers(access(outside=(issuer,)), clock)
    for _ in range(3):
        found = await callers.identify(theirs("https://there"))
        assert (found.app, found.token_id) == (WEB, "theirs")
    assert issuer.asked == 1
    await clock.advance(60)
    await callers.identify(theirs("https://there"))
    assert issuer.asked == 2
    unknown = "the token's issuer (iss) is none of those configured"
    assert await reason(callers, theirs("https://elsewhere")) == unknown
    assert issuer.asked == 2


async def test_a_token_is_looked_at_again_once_its_issuer_has_other_keys(
    clock: "ManualClock", now: datetime
) -> None:
    issuer = Issuer(now + timedelta(hours=1))
    callers = Callers(access(outside=(issuer,)), clock)
    await callers.identify(theirs("https://there"))
    issuer.vouching = "another key"
    for _ in range(2):
        await callers.identify(theirs("https://there"))
    assert issuer.asked == 2


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (replace(RULES, revoked={"theirs"}), "the token is revoked"),
        (
            replace(RULES, not_before_of={"web": datetime.fromisoformat("2026-03-01T12:00:01Z")}),
            "the token was issued before not_before",
        ),
    ],
)
async def test_a_token_of_an_outside_issuer_can_be_taken_back_too(
    rules: OwnTokenRules, why: str, clock: "ManualClock", now: datetime
) -> None:
    issuer = Issuer(now + timedelta(hours=1))
    callers = Callers(access(outside=(issuer,), own=OwnTokens(KEY, rules)), clock)
    with pytest.raises(TokenNotAccepted) as caught:
        await callers.identify(theirs("https://there"))
    assert (caught.value.reason, caught.value.app, caught.value.token_id) == (why, "web", "theirs")


def test_a_token_that_does_not_tell_its_age_may_be_as_old_as_any(now: datetime) -> None:
    rules = replace(RULES, not_before=now)
    assert rules.why_taken_back("web", "one", None) == "the token was issued before not_before"
    assert RULES.why_taken_back("web", "one", None) is None


@pytest.mark.parametrize(
    ("seconds", "counts"), [(-1, False), (0, True), (None, False)], ids=["old", "new", "unknown"]
)
@pytest.mark.parametrize("whose", ["all", "web", "batch"])
async def test_what_an_issuer_signed_before_not_before_counts_no_more(
    seconds: int | None, counts: bool, whose: str, clock: "ManualClock", now: datetime
) -> None:
    everybody = {"not_before": now} if whose == "all" else {}
    rules = replace(RULES, not_before_of={whose: now}, **everybody)  # type: ignore[arg-type]
    issued_at = None if seconds is None else now + timedelta(seconds=seconds)
    issuer = Issuer(now + timedelta(hours=1), issued_at)
    callers = Callers(access(outside=(issuer,), own=OwnTokens(KEY, rules)), clock)
    if counts or whose == "batch":
        assert (await callers.identify(theirs("https://there"))).app is WEB
        return
    assert "before not_before" in await reason(callers, theirs("https://there"))


async def test_what_an_outside_issuer_refuses_is_not_remembered_as_good(
    clock: "ManualClock", now: datetime
) -> None:
    issuer = Issuer(now + timedelta(seconds=30))
    callers = Callers(access(outside=(issuer,)), clock)
    for asked in (1, 2):
        assert "no app" in await reason(callers, theirs("https://there", "other"))
        assert issuer.asked == asked
    await callers.identify(theirs("https://there"))
    await clock.advance(30)
    await callers.identify(theirs("https://there"))
    assert issuer.asked == 4


async def test_who_is_replaced_while_keys_are_fetched_is_let_in_no_more(
    clock: "ManualClock", now: datetime
) -> None:
    class Slow(Issuer):
        async def identify(self, token: str, now: datetime) -> Proof:
            asking.replace(access())
            return await super().identify(token, now)

    asking = Callers(access(outside=(Slow(now + timedelta(hours=1)),)), clock)
    assert "algorithm" in await reason(asking, theirs("https://there"))


async def test_no_more_than_a_thousand_tokens_are_remembered(
    callers: Callers, now: datetime
) -> None:
    for number in range(1100):
        await callers.identify(own("web", now, str(number)))
    assert len(callers._known) == 1024
