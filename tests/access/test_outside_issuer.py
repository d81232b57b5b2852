"""Which app a token of an issuer proves: one, or none."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.access.kept_key_set import MOST_PATIENT, KeptKeySet, KeyUrl
from sidecar.access.key_set import NoKeysYet, parse_key_set
from sidecar.access.outside_issuer import OutsideApp, OutsideIssuer
from sidecar.access.outside_token import IssuerRules
from sidecar.access.policy import App
from sidecar.access.refused import TokenNotAccepted
from sidecar.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from tests.access.conftest import Jwks, Signer
    from tests.conftest import ManualClock

RULES = IssuerRules("cluster", "https://cluster.example", ("sidecar",), ("RS256", "ES256"))
WEB, BATCH, ANY = App("web", (), ()), App("batch", (), ()), App("any", (), ())
APPS = (
    OutsideApp(WEB, "system:serviceaccount:prod:web", {}),
    OutsideApp(BATCH, "system:serviceaccount:*:batch", {"/kubernetes.io/namespace": "prod"}),
    OutsideApp(ANY, "system:serviceaccount:test:*", {}),
)

Issue = Callable[..., str]


@pytest.fixture
def issue(signer: "Signer", now: datetime) -> Issue:
    """Give a function that signs a service account's token."""

    def token(subject: str, by: "Signer" = signer, **more: Any) -> str:
        at = int(now.timestamp())
        times = {"jti": "one", "iat": at, "exp": at + 600}
        return by.token({"iss": RULES.issuer, "aud": ["sidecar"], "sub": subject, **times, **more})

    return token


class Published:
    """What the issuer publishes, and how often it was asked for it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.gate.wait()
        if not self.content:
            raise UpstreamUnavailable("gave no answer")
        return self.content


@pytest.fixture
def published(signer: "Signer", jwks: "Jwks") -> Published:
    return Published(jwks(signer))


@pytest.fixture
def issuer(published: Published, clock: "ManualClock") -> OutsideIssuer:
    source = KeyUrl("https://cluster.example/jwks", published.fetch, 300)
    held = parse_key_set(published.content)
    return OutsideIssuer(RULES, APPS, KeptKeySet("cluster", source, clock, held))


@pytest.mark.parametrize(
    ("subject", "namespace", "app"),
    [
        ("system:serviceaccount:prod:web", "prod", WEB),
        ("system:serviceaccount:prod:batch", "prod", BATCH),
        ("system:serviceaccount:test:web", "test", ANY),
    ],
)
async def test_a_token_proves_the_app_of_its_subject_and_claims(
    issuer: OutsideIssuer, issue: Issue, now: datetime, subject: str, namespace: str, app: App
) -> None:
    token = issue(subject, **{"kubernetes.io": {"namespace": namespace}})
    ends_at = now + timedelta(seconds=600)
    proof = await issuer.identify(token, now)
    assert (proof.app, proof.token_id, proof.ends_at) == (app, "one", ends_at)


@pytest.mark.parametrize(
    ("subject", "namespace"),
    [
        ("system:serviceaccount:prod:webb", "prod"),
        ("system:serviceaccount:prod:Web", "prod"),
        ("x system:serviceaccount:prod:web", "prod"),
        ("system:serviceaccount:prod:batch", "test"),
        ("system:serviceaccount:prod", "prod"),
    ],
)
async def test_a_token_of_anybody_else_proves_no_app(
    issuer: OutsideIssuer, issue: Issue, now: datetime, subject: str, namespace: str
) -> None:
    token = issue(subject, **{"kubernetes.io": {"namespace": namespace}})
    why = r"^issuer cluster: no app has its subject and claims$"
    with pytest.raises(TokenNotAccepted, match=why):
        await issuer.identify(token, now)


async def test_a_token_of_two_apps_is_refused(
    issuer: OutsideIssuer, issue: Issue, now: datetime
) -> None:
    token = issue("system:serviceaccount:test:batch", **{"kubernetes.io": {"namespace": "prod"}})
    with pytest.raises(TokenNotAccepted) as caught:
        await issuer.identify(token, now)
    assert (
        caught.value.reason
        == "issuer cluster: several apps have its subject and claims: batch, any"
    )


async def test_a_key_that_is_new_is_looked_for_before_a_token_is_refused(
    issuer: OutsideIssuer,
    issue: Issue,
    published: Published,
    other: "Signer",
    jwks: "Jwks",
    now: datetime,
) -> None:
    published.content = jwks(other)
    found = (await issuer.identify(issue("system:serviceaccount:prod:web", other), now)).app
    assert (found, published.asked) == (WEB, 1)


async def test_a_key_that_there_is_not_costs_one_look_however_often_it_is_tried(
    issuer: OutsideIssuer, issue: Issue, published: Published, other: "Signer", now: datetime
) -> None:
    token = issue("system:serviceaccount:prod:web", other)
    for _ in range(20):
        with pytest.raises(TokenNotAccepted, match=r"^issuer cluster: its kid is that of no key "):
            await issuer.identify(token, now)
    assert published.asked == 1


async def test_a_token_whose_key_is_held_waits_for_nothing(
    issuer: OutsideIssuer, issue: Issue, published: Published, now: datetime
) -> None:
    asking = issuer.identify(issue("system:serviceaccount:prod:web"), now)
    with pytest.raises(StopIteration):
        asking.send(None)
    assert published.asked == 0


async def test_before_there_are_keys_a_good_token_is_not_called_bad(
    published: Published, issue: Issue, clock: "ManualClock", jwks: "Jwks", signer: "Signer"
) -> None:
    published.content = b""
    source = KeyUrl("https://cluster.example/jwks", published.fetch, 300)
    issuer = OutsideIssuer(RULES, APPS, KeptKeySet("cluster", source, clock))
    token = issue("system:serviceaccount:prod:web")
    for _ in range(2):
        with pytest.raises(NoKeysYet, match=r"^there are no keys of issuer cluster so far$"):
            await issuer.identify(token, clock.now())
    assert issuer.trouble == "gave no answer"
    running = asyncio.create_task(issuer.run())
    published.content = jwks(signer)
    await clock.advance(0)
    assert (await issuer.identify(token, clock.now())).app == WEB
    running.cancel()


async def test_what_vouches_for_tokens_is_another_once_the_keys_are_and_only_then(
    issuer: OutsideIssuer,
    published: Published,
    other: "Signer",
    jwks: "Jwks",
    clock: "ManualClock",
) -> None:
    before = issuer.vouching
    await issuer.keys.renewed()
    assert issuer.vouching is before
    await clock.advance(10)
    published.content = jwks(other)
    await issuer.keys.renewed()
    assert issuer.vouching is not before


async def test_strangers_who_wait_for_a_key_are_few_and_those_who_need_none_do_not_wait(
    issuer: OutsideIssuer,
    issue: Issue,
    published: Published,
    other: "Signer",
    clock: "ManualClock",
    now: datetime,
) -> None:
    published.gate.clear()
    token = issue("system:serviceaccount:prod:web", other)
    waiting = [asyncio.create_task(issuer.identify(token, now)) for _ in range(MOST_PATIENT)]
    await clock.advance(0)
    with pytest.raises(NoKeysYet, match="too many wait for keys of issuer cluster"):
        await asyncio.wait_for(issuer.identify(token, now), 5)
    assert (await issuer.identify(issue("system:serviceaccount:prod:web"), now)).app is WEB
    published.gate.set()
    for each in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(each, TokenNotAccepted)
        assert "its kid is that of no key" in each.reason
    with pytest.raises(TokenNotAccepted, match="its kid is that of no key"):
        await issuer.identify(token, now)
