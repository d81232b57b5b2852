"""How long to wait before AWS is asked again for what nobody waits for: a pure function."""

from typing import Final

_SHORTEST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 60.0
_MOST_DOUBLINGS: Final = 6


def pause_after(failures: int, *, jitter: float) -> float:
    """Give the seconds to wait after failures in a row: from one up to two, four, … 60.

    Args:
        failures: how many attempts have failed since the last success, at least 1.
        jitter: random, 0 up to 1; spreads machines that fail together.

    """
    longest = min(float(1 << min(failures, _MOST_DOUBLINGS)), _LONGEST_SECONDS)
    return _SHORTEST_SECONDS + (longest - _SHORTEST_SECONDS) * jitter
