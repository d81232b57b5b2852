"""What becomes of a key is told at the edges, and with no more than the end of a key's id."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from sidecar.clock import SystemClock
from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.notice import Kind, Notice, Severity
from sidecar.rotation.keeper import Keeper
from sidecar.rotation.stuck import RotationNotYet, RotationStuck
from sidecar.rotation_notices import (
    RETIRE,
    ROTATE,
    OnceBegun,
    RotationNotices,
    ToldCalls,
    ToldKeeper,
)
from tests.rotation.conftest import clients_of

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.rotation.conftest import Legacy

DOWN = UpstreamUnavailable("no answer")
NO = UpstreamRefused("access denied", hint="allow it")
STUCK = RotationStuck("there is no place", hint="wait")
LEASED = RotationNotYet("another sidecar rotates")


@pytest.fixture
def told() -> list[Notice]:
    return []


@pytest.fixture
def notices(told: list[Notice], now: datetime) -> RotationNotices:
    return RotationNotices("legacy/batch", "batch", told.append, lambda: now)


def _fail(notices: RotationNotices, what: str, exc: SidecarError) -> None:
    with pytest.raises(type(exc)), notices.watching(what):
        raise exc


@pytest.mark.parametrize(
    ("failures", "kinds"),
    [
        pytest.param([NO], [Kind.ROTATION_FAILED], id="no is told at once"),
        pytest.param([NO, NO, NO], [Kind.ROTATION_FAILED], id="and once"),
        pytest.param([DOWN], [], id="an outage may pass"),
        pytest.param([DOWN, DOWN, DOWN], [Kind.ROTATION_FAILED], id="or not"),
        pytest.param([DOWN, DOWN, NO], [Kind.ROTATION_FAILED] * 2, id="or gets an error"),
        pytest.param([NO, DOWN, DOWN], [Kind.ROTATION_FAILED], id="less than an error is no news"),
        pytest.param([LEASED], [], id="another sidecar is rotating"),
        pytest.param([STUCK, STUCK], [Kind.ROTATION_ABANDONED], id="stuck"),
        pytest.param([NO, STUCK], [Kind.ROTATION_FAILED, Kind.ROTATION_ABANDONED], id="worse"),
    ],
)
def test_which_failures_are_told(
    failures: list[SidecarError],
    kinds: list[Kind],
    notices: RotationNotices,
    told: list[Notice],
) -> None:
    for each in failures:
        _fail(notices, ROTATE, each)
    assert [each.kind for each in told] == kinds


def test_a_failure_after_a_success_is_news_again(
    notices: RotationNotices, told: list[Notice]
) -> None:
    for _ in range(2):
        _fail(notices, ROTATE, NO)
        with notices.watching(ROTATE):
            pass
    _fail(notices, ROTATE, DOWN)
    assert len(told) == 2


def test_a_success_of_something_else_makes_no_failure_news(
    notices: RotationNotices, told: list[Notice]
) -> None:
    for _ in range(3):
        _fail(notices, ROTATE, NO)
        with notices.watching(RETIRE):
            pass
    assert len(told) == 1


def test_a_failure_says_why_and_what_to_do(notices: RotationNotices, told: list[Notice]) -> None:
    _fail(notices, RETIRE, STUCK)
    [notice] = told
    assert notice.severity is Severity.ERROR
    assert notice.sentence == "the key in legacy/batch was not looked after: there is no place"
    assert notice.facts == {"secret": "legacy/batch", "user": "batch", "hint": "wait"}


@pytest.mark.parametrize(
    ("begun", "kinds"), [(False, []), (True, [Kind.ROTATION_STARTED, Kind.ROTATION_ABANDONED])]
)
def test_by_hand_a_failure_is_told_only_of_a_rotation_that_was_begun(
    notices: RotationNotices, told: list[Notice], *, begun: bool, kinds: list[Kind]
) -> None:
    notices.tell = OnceBegun(told.append)
    if begun:
        notices.begun("token-1")
    _fail(notices, ROTATE, STUCK)
    assert [each.kind for each in told] == kinds


def test_by_hand_what_was_done_is_told_all_the_same(
    notices: RotationNotices, told: list[Notice]
) -> None:
    notices.tell = OnceBegun(told.append)
    notices.restored("token-1")
    assert [each.kind for each in told] == [Kind.KEY_RESTORED]


def test_a_rotation_that_is_continued_is_begun_once_and_has_one_thread(
    notices: RotationNotices, told: list[Notice]
) -> None:
    notices.begun("token-1")
    _fail(notices, ROTATE, NO)
    notices.begun("token-1")
    notices.rotated("token-1")
    notices.begun("token-2")
    assert [each.kind.value for each in told] == [
        "rotation-started",
        "rotation-failed",
        "rotation-succeeded",
        "rotation-started",
    ]
    assert [each.thread[-1] for each in told] == ["1", "1", "1", "2"]


@pytest.fixture
def told_keeper(legacy: Callable[[], "Legacy"], aws: "Aws", told: list[Notice]) -> ToldKeeper:
    """Give a keeper of a new user's key at the emulator, without grace or recovery."""
    kept = legacy()
    old = kept.keeper
    notices = RotationNotices(kept.arn, kept.user, told.append, SystemClock().now)
    calls = ToldCalls(clients_of(aws), SystemClock().now, notices)
    return ToldKeeper(
        calls,
        old.target,
        old.retirement,
        old.holder,
        old.now,
        old.sleep,
        notices.begun,
        notices=notices,
    )


def test_two_rotations_and_the_end_of_the_first_key_are_told(
    told_keeper: ToldKeeper, told: list[Notice]
) -> None:
    told_keeper.rotate()
    version = told_keeper.rotate()
    told_keeper.reap()
    kinds = [each.kind for each in told]
    begun = [Kind.ROTATION_STARTED, Kind.ROTATION_SUCCEEDED]
    assert kinds[:3] == [*begun, Kind.ROTATION_STARTED]
    assert kinds.count(Kind.ROTATION_SUCCEEDED) == 2
    assert kinds.count(Kind.KEY_DEACTIVATED) == kinds.count(Kind.KEY_DELETED) == 1
    [succeeded] = [each for each in told[2:] if each.kind is Kind.ROTATION_SUCCEEDED]
    assert succeeded.facts["version"] == version
    assert not any("AKIA" in str(each) for each in told)


def test_a_failure_at_aws_reaches_the_caller_and_is_told(
    told_keeper: ToldKeeper, told: list[Notice], aws: "Aws"
) -> None:
    aws.client("iam").delete_user(UserName=told_keeper.target.user_name)
    with pytest.raises(SidecarError):
        told_keeper.rotate()
    assert [each.kind for each in told] in ([Kind.ROTATION_FAILED], [Kind.ROTATION_ABANDONED])


def test_a_look_that_fails_beside_a_retirement_that_works_is_told_once(
    told_keeper: ToldKeeper, told: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Keeper) -> datetime | None:
        raise NO

    monkeypatch.setattr(Keeper, "rotated_at", refused)
    for _ in range(3):
        told_keeper.reap()
        with pytest.raises(UpstreamRefused):
            told_keeper.rotated_at()
    assert [each.kind for each in told] == [Kind.ROTATION_FAILED]
