"""The pause between two attempts to renew a session, and what may shorten it."""

import math
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when to do nothing, and from when on a doubt or a hurry may shorten that.

    Moments are those of `Clock.elapsed`: setting the wall clock must not make a pause longer. Only
    ``renewal``, which a session's end decides, is by that one.
    """

    ends: float = math.inf
    renewal: datetime | None = None
    doubted_from: float = math.inf
    hurried_from: float = 0
