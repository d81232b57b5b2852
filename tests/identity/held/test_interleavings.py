"""A thousand random interleavings of replacement, reading, signing and asking.

Every step of a replacement is a step by itself: a truncation, a chunk, a rename, a link. Between
any two of them, and in the middle of a reading, anything else may happen. AWS's side verifies each
signature with the emulator's own code. A seed tells a run exactly, so that it can be repeated.
"""

import asyncio
import json
import random
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from cryptography import x509

from sidecar.access.callers import Access, Callers, OwnTokens
from sidecar.access.own_token import OwnTokenRules
from sidecar.access.policy import App
from sidecar.access.token_key import TokenKey
from sidecar.access.tokens import load_tokens
from sidecar.arn import profile_arn, role_arn, trust_anchor_arn
from sidecar.audit.event import NoAudit
from sidecar.aws.roles_anywhere import RolesAnywhere
from sidecar.ca import KeyKind
from sidecar.credentials import Credentials
from sidecar.emulator.request import Request
from sidecar.emulator.roles_anywhere.signature import BadSignature, verify_request
from sidecar.errors import UpstreamRefused
from sidecar.identity.examined import examine
from sidecar.identity.held import HeldIdentity
from sidecar.identity.places import IdentityPlaces
from sidecar.providers.refreshing import RefreshingRole
from sidecar.providers.roles_anywhere import RolesAnywhereSource
from sidecar.redaction import Secret
from sidecar.signing.create_session import SessionParameters, build_request
from sidecar.signing.x509 import CertifiedKey
from sidecar.web.credentials_door import CredentialsDoor
from sidecar.web.ledger import Ledger

if TYPE_CHECKING:
    from tests.conftest import ManualClock
    from tests.identity.held.conftest import Files, Issue, Issued

REGION: Final = "eu-central-1"
SCOPE: Final = f"arn:aws:rolesanywhere:{REGION}:123456789012"
PARAMETERS: Final = SessionParameters(
    trust_anchor_arn(f"{SCOPE}:trust-anchor/a"),
    profile_arn(f"{SCOPE}:profile/p"),
    role_arn("arn:aws:iam::123456789012:role/web"),
)
TOKEN: Final = "token-of-the-web-app"
PASSWORD: Final = b"open sesame"

Step = Callable[[], object]


@dataclass
class Aws:
    """CreateSession: says yes to a good signature with the leaf's issuer, and notes bad ones."""

    clock: "ManualClock"
    sessions: list[x509.Certificate] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)

    async def create_session(self, parameters: SessionParameters, key: CertifiedKey) -> Credentials:
        now = self.clock.now()
        sent = build_request(
            parameters, endpoint="https://aws.test", region=REGION, key=key, now=now
        )
        path, _, query = sent.target.partition("?")
        received = Request(sent.method, path, query, sent.headers, sent.body)
        try:
            signer = verify_request(received, region=REGION, now=now)
        except BadSignature as exc:
            self.bad.append(str(exc))
            raise
        if [each.subject for each in signer.chain] != [signer.leaf.issuer]:
            raise UpstreamRefused("Untrusted signing certificate", status=403)
        self.sessions.append(signer.leaf)
        return Credentials(
            access_key_id=f"ASIA{len(self.sessions)}",
            secret_access_key=Secret("secret"),
            session_token=Secret("token"),
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            role_arn=str(parameters.role_arn),
            account_id="123456789012",
        )


class Meddler:
    """The key's password, and somebody who goes on replacing files whenever it is read."""

    asks = False

    def __init__(self, chance: random.Random, steps: deque[Step]) -> None:
        self._chance = chance
        self._steps = steps

    def read(self, what: str) -> Secret:  # noqa: ARG002
        while self._steps and self._chance.random() < 0.3:
            self._steps.popleft()()
        return Secret(PASSWORD.decode())


def _chunks(chance: random.Random, content: bytes) -> list[bytes]:
    cuts = sorted(chance.sample(range(len(content)), chance.randint(0, 2)))
    return [content[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def _in_place(chance: random.Random, path: Path, content: bytes) -> Iterator[Step]:
    yield partial(path.write_bytes, b"")
    yield from (partial(_append, path, each) for each in _chunks(chance, content))


def _removed_first(chance: random.Random, path: Path, content: bytes) -> Iterator[Step]:
    yield path.unlink
    yield from _in_place(chance, path, content)


def _renamed(chance: random.Random, path: Path, content: bytes) -> Iterator[Step]:
    beside = path.with_name(f"{path.name}.new")
    yield from _in_place(chance, beside, content)
    yield partial(beside.replace, path)


def _steps(chance: random.Random, files: "Files", issued: "Issued") -> Iterator[Step]:
    """Replace the three files in any order, each in a way of its own, their steps mixed at will."""
    ways = (_in_place, _removed_first, _renamed)
    parts = [deque(chance.choice(ways)(chance, *each)) for each in files.contents(issued).items()]
    one_by_one = chance.random() < 0.5
    while parts := [each for each in parts if each]:
        part = parts[0] if one_by_one else chance.choice(parts)
        yield part.popleft()


@dataclass
class World:
    """One run: who replaces, who watches, who renews, who asks."""

    chance: random.Random
    clock: "ManualClock"
    held: HeldIdentity
    role: RefreshingRole
    door: CredentialsDoor
    request: web.Request
    aws: Aws
    steps: deque[Step]

    async def ask(self) -> None:
        response = await self.door.handle(self.request)
        assert response.status == 200
        assert isinstance(response.body, bytes)
        assert json.loads(response.body)["AccessKeyId"] == f"ASIA{len(self.aws.sessions)}"

    async def look(self) -> None:
        await self.clock.advance(self.chance.choice((0.01, 2, 2, 7)))
        await self.held.look()

    async def renew(self) -> None:
        self.role.renew_soon()
        await self.clock.advance(5)

    async def step(self) -> None:
        for _ in range(self.chance.randint(1, 6)):
            if self.steps:
                self.steps.popleft()()

    async def live(self) -> None:
        """Do anything at any time until every replacement is over."""
        actions = (self.ask, self.look, self.renew, self.step)
        while self.steps:
            await self.chance.choices(actions, weights=(2, 4, 1, 4))[0]()
            await self.ask()

    async def rest(self) -> None:
        """Let it come to rest, with nobody writing any more."""
        for _ in range(6):
            await self.clock.advance(2)
            await self.held.look()
        await self.clock.advance(10)
        await self.ask()


@pytest.fixture(scope="module")
def pool(issue: "Issue") -> list["Issued"]:
    """Give identities of the kinds that are quick to read."""
    kinds = [KeyKind.EC_P256] * 20 + [KeyKind.EC_P384] * 3 + [KeyKind.ML_DSA_44] * 3
    return [*(issue(kind, password=PASSWORD) for kind in kinds), issue()]


@pytest.fixture(scope="module")
def slow(issue: "Issue") -> "Issued":
    """Give an identity of the kind that OpenSSL takes 30 ms to read."""
    return issue(KeyKind.RSA_2048)


class OnlySession:
    """Gives the one session that there is."""

    def __init__(self, role: RefreshingRole) -> None:
        self._role = role

    def knows(self, role: str) -> bool:
        return role == self._role.name

    def of(self, app: App, role: str) -> RefreshingRole:
        assert (app.name, role) == ("web", "web")
        return self._role


Begin = Callable[[int, "Issued", list["Issued"]], World]


@pytest.fixture
def begin(files: "Files", clock: "ManualClock") -> Begin:
    """Give a function that makes a world of its own for a seed."""
    make_clock, make_files = type(clock), type(files)
    request = make_mocked_request("GET", "/credentials", headers={"Authorization": TOKEN})
    app = App("web", ("web",), ())
    static, _ = load_tokens({app: "TOKEN"}, {"TOKEN": TOKEN})
    no_time = timedelta(0)
    own = OwnTokens(
        TokenKey.generate("HS256"), OwnTokenRules(audience="", lifetime=no_time, grace=no_time)
    )
    access = Access((app,), static, own)

    def made(seed: int, first: "Issued", others: list["Issued"]) -> World:
        chance = random.Random(seed)
        time = make_clock(clock.now())
        here = make_files(files.directory / str(seed))
        here.directory.mkdir()
        steps: deque[Step] = deque()
        swapped = chance.random() < 0.25
        (here.swap if swapped else here.write)(first)
        places = IdentityPlaces(
            certificate=str(here.certificate),
            private_key=str(here.key),
            chain=here.chain,
            password=Meddler(chance, steps),
        )
        held = HeldIdentity(examine(places, time.now()).identity, places, time)
        aws = Aws(time)
        source = RolesAnywhereSource(cast("RolesAnywhere", aws), PARAMETERS, held.key)
        role = RefreshingRole("web", source, time, jitter=chance.random)
        held.on_change(lambda _: role.renew_soon())
        for each in others:
            steps.extend([partial(here.swap, each)] if swapped else _steps(chance, here, each))
        ledger = Ledger("credentials", NoAudit(), time)
        door = CredentialsDoor(OnlySession(role), Callers(access, time), ledger)
        return World(chance, time, held, role, door, request, aws, steps)

    return made


@pytest.mark.parametrize("hundred", range(10))
async def test_no_request_fails_and_no_mismatched_pair_signs_whatever_is_interleaved(
    hundred: int, begin: Begin, pool: list["Issued"], slow: "Issued", tmp_path: Path
) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        first, second, third = random.Random(seed).sample(pool, 3)
        others = [slow if seed % 100 == 0 else second, third]
        world = begin(seed, first, others)
        renewing = asyncio.create_task(world.role.run())
        try:
            await world.clock.advance(0)
            await world.live()
            await world.rest()
        except AssertionError as exc:
            exc.add_note(f"seed {seed}")
            raise
        finally:
            renewing.cancel()
        at_the_end = (world.held.current.certificate, world.aws.sessions[-1], world.aws.bad)
        assert at_the_end == (others[-1].leaf, others[-1].leaf, []), f"seed {seed}"
        shutil.rmtree(tmp_path / str(seed))
