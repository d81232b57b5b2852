"""Every app keeps places of its own, however greedy the others are."""

from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import TooManyRequests
from sidecar.web.app_shares import AppShares


def _filled(shares: AppShares, app: str, stack: ExitStack) -> int:
    """Take as many places as an app gets."""
    taken = 0
    with suppress(TooManyRequests):
        while True:
            stack.enter_context(shares.one_of(app))
            taken += 1
    return taken


@pytest.mark.parametrize(
    ("most", "apps", "taken"), [(800, 1, 800), (800, 2, 600), (800, 10, 440), (3, 3, 3), (1, 2, 1)]
)
def test_an_app_alone_gets_its_own_places_and_the_common_ones(
    most: int, apps: int, taken: int
) -> None:
    with ExitStack() as stack:
        assert _filled(AppShares(most, lambda: apps), "greedy", stack) == taken


@given(apps=st.integers(2, 20), most=st.integers(1, 400), greedy=st.integers(1, 19))
def test_however_many_are_greedy_another_gets_its_own_places(
    apps: int, most: int, greedy: int
) -> None:
    shares = AppShares(most, lambda: apps)
    with ExitStack() as stack:
        taken = [_filled(shares, str(each), stack) for each in range(min(greedy, apps - 1))]
        modest = _filled(shares, "modest", stack)
        assert modest >= most // (2 * apps)
        assert sum(taken) + modest <= most


def test_a_place_is_free_again_when_its_request_has_ended() -> None:
    shares = AppShares(1, lambda: 1)
    with shares.one_of("web"), pytest.raises(TooManyRequests), shares.one_of("web"):
        pass
    with shares.one_of("web"):
        assert shares.full()
    assert not shares.full()
