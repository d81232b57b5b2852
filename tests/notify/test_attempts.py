"""How long is waited before a notice is sent again."""

import pytest

from sidecar.errors import SidecarError, UpstreamRefused, UpstreamUnavailable
from sidecar.notify.attempts import GIVE_UP_SECONDS, pause_after

DOWN = UpstreamUnavailable("down")
BUSY = UpstreamUnavailable("busy", status=429, retry_after_seconds=30)


@pytest.mark.parametrize(
    ("trouble", "failures", "jitter", "pause"),
    [
        pytest.param(DOWN, 1, 0.0, 0.5, id="half a second at the least"),
        pytest.param(DOWN, 1, 1.0, 1.0, id="a second at the most"),
        pytest.param(DOWN, 4, 1.0, 8.0, id="twice as long each time"),
        pytest.param(DOWN, 10_000, 1.0, 60.0, id="a minute at the most"),
        pytest.param(BUSY, 1, 0.0, 30.5, id="not before what was asked for"),
        pytest.param(UpstreamRefused("no"), 1, 0.0, None, id="no is no"),
        pytest.param(SidecarError("bug"), 1, 0.0, None, id="a bug stays one"),
    ],
)
def test_the_pause(
    trouble: SidecarError, failures: int, jitter: float, pause: float | None
) -> None:
    assert pause_after(trouble, failures, jitter=jitter, left=GIVE_UP_SECONDS) == pause


@pytest.mark.parametrize(("left", "pause"), [(30.5, 30.5), (30.4, None), (-1.0, None)])
def test_a_notice_is_given_up_if_its_time_ends_within_the_pause(
    left: float, pause: float | None
) -> None:
    assert pause_after(BUSY, 1, jitter=0, left=left) == pause
