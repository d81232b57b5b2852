"""Each app has its own session of each of its roles, and what it once had stays its own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sidecar.access.policy import App
from sidecar.access.shared_role import RoleHolders
from sidecar.app_sessions import AppSessions
from sidecar.background import Background
from sidecar.clock import Clock
from sidecar.credentials import Credentials
from sidecar.errors import NotReady
from sidecar.providers.refreshing import RefreshingRole
from sidecar.redaction import Secret
from sidecar.role_graph import RoleGraph

if TYPE_CHECKING:
    from tests.conftest import ManualClock

WEB = App("web", ("default",), ())
BATCH = App("batch", ("default", "own"), ())
THIRD = App("third", ("default",), ())


class Source:
    """Gives sessions that are named by whose they are."""

    def __init__(self, label: str, clock: Clock) -> None:
        self._label = label
        self._clock = clock

    async def fetch(self) -> Credentials:
        now = self._clock.now()
        return Credentials(
            access_key_id=f"ASIA of {self._label}",
            secret_access_key=Secret("secret"),
            session_token=Secret("token"),
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            role_arn="arn:aws:iam::123456789012:role/web",
            account_id="123456789012",
        )


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    background = Background()
    yield background
    await background.close()


@pytest.fixture
def graph(clock: "ManualClock") -> RoleGraph:
    def session(_: str, label: str) -> RefreshingRole:
        return RefreshingRole(label, Source(label, clock), clock, jitter=float)

    return RoleGraph({name: session(name, name) for name in ("default", "own")}, session)


@pytest.fixture
async def sessions(graph: RoleGraph, background: Background, clock: "ManualClock") -> AppSessions:
    made = AppSessions(graph, (), background, clock)
    made.start((WEB, BATCH))
    await clock.advance(0)
    return made


def holder(sessions: AppSessions, key_id: str) -> str | None:
    found = sessions.vended.find(key_id)
    assert found is not None
    return found.app


async def test_a_signature_names_the_app_even_where_a_role_is_that_of_several(
    sessions: AppSessions,
) -> None:
    keys = [sessions.of(app, "default").current().access_key_id for app in (WEB, BATCH)]
    assert keys == ["ASIA of default", "ASIA of default of app batch"]
    assert [holder(sessions, key) for key in keys] == ["web", "batch"]
    assert holder(sessions, sessions.of(BATCH, "own").current().access_key_id) == "batch"
    assert list(sessions.all()) == ["default", "own", "default of app batch"]


async def test_where_a_session_is_shared_a_signature_names_nobody(
    graph: RoleGraph, background: Background, clock: "ManualClock"
) -> None:
    sessions = AppSessions(graph, ("default",), background, clock)
    sessions.start((WEB, BATCH))
    await clock.advance(0)
    assert sessions.of(WEB, "default") is sessions.of(BATCH, "default")
    assert holder(sessions, "ASIA of default") is None


async def test_an_app_that_comes_later_gets_a_session_of_its_own(
    sessions: AppSessions, clock: "ManualClock"
) -> None:
    with pytest.raises(NotReady):
        sessions.of(THIRD, "default")
    sessions.assign((WEB, BATCH, THIRD))
    await clock.advance(0)
    key = sessions.of(THIRD, "default").current().access_key_id
    assert holder(sessions, key) == "third"


async def test_a_session_never_becomes_another_app_s(
    sessions: AppSessions, clock: "ManualClock"
) -> None:
    sessions.assign((BATCH, THIRD))
    await clock.advance(0)
    assert holder(sessions, "ASIA of default") == "web"
    keys = {sessions.of(app, "default").current().access_key_id for app in (BATCH, THIRD)}
    assert "ASIA of default" not in keys
    assert len(keys) == 2


async def test_a_session_that_nobody_may_have_any_more_is_renewed_no_more(
    sessions: AppSessions, clock: "ManualClock"
) -> None:
    before = len(asyncio.all_tasks())
    sessions.assign((WEB,))
    await clock.advance(0)
    assert len(asyncio.all_tasks()) < before
    assert list(sessions.all()) == ["default", "own"]
    with pytest.raises(NotReady):
        sessions.of(BATCH, "default")


async def test_an_app_without_the_role_gets_no_session_of_it(sessions: AppSessions) -> None:
    with pytest.raises(NotReady):
        sessions.of(WEB, "own")
    assert sessions.knows("own")
    assert not sessions.knows("ghost")


async def test_all_sessions_of_a_role_are_found(sessions: AppSessions) -> None:
    names = [each.name for each in sessions.of_roles(["default"])]
    assert names == ["default", "default of app batch"]


async def test_what_was_the_sidecar_s_alone_stays_that_of_the_first_app_it_was_given_to(
    graph: RoleGraph, background: Background, clock: "ManualClock"
) -> None:
    sessions = AppSessions(graph, (), background, clock)
    sessions.start(())
    await clock.advance(0)
    assert holder(sessions, "ASIA of default") is None
    sessions.assign((WEB,))
    key = sessions.of(WEB, "default").current().access_key_id
    sessions.assign((THIRD,))
    await clock.advance(0)
    assert (key, holder(sessions, key)) == ("ASIA of default", "web")


async def test_a_shared_session_is_never_taken_for_one_of_those_that_stay(
    graph: RoleGraph, background: Background, clock: "ManualClock"
) -> None:
    sessions = AppSessions(graph, ("default",), background, clock)
    sessions.start((WEB, BATCH))
    await clock.advance(0)
    sessions.assign((BATCH, THIRD))
    found = sessions.vended.find("ASIA of default")
    assert found is not None
    assert found.former == (WEB,)
    holders = RoleHolders.of("default", (BATCH, THIRD), found.app, found.former)
    assert holders.apps == (BATCH, THIRD, WEB)
    assert RoleHolders.of("default", (), found.app, found.former).apps == ()


async def test_those_that_stay_get_a_session_which_who_has_left_never_had(
    graph: RoleGraph, background: Background, clock: "ManualClock"
) -> None:
    sessions = AppSessions(graph, ("default",), background, clock)
    sessions.start((WEB, BATCH))
    await clock.advance(0)
    sessions.assign((BATCH,))
    await clock.advance(60)
    newest = sessions.vended.find(sessions.of(BATCH, "default").current().access_key_id)
    assert newest is not None
    assert newest.former == ()
