"""One held value and what points to it."""

import math
from collections.abc import Hashable
from typing import Generic

from sidecar.secret_cache.answer import Copy
from sidecar.secret_cache.freshness import Bucket, Schedule
from sidecar.secret_cache.kind import Question, Value


class Subject(Generic[Question, Value]):
    """One secret or parameter, as one reader sees it.

    Args:
        key: what tells it from all others.

    Attributes:
        derived_from: what AWS was asked for before this moment answers no other selector than its
            own: something that was known later, and may have said otherwise, has been forgotten.

    """

    __slots__ = ("derived_from", "identities", "key", "lines")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.derived_from = -math.inf
        self.identities: set[Hashable] = set()
        self.lines: dict[Hashable, Line[Question, Value]] = {}


class Held(Generic[Question, Value]):
    """One version of a subject, in memory once, however many lines point to it."""

    __slots__ = ("copy", "subject", "version")

    def __init__(
        self, subject: Subject[Question, Value], version: Hashable, copy: Copy[Value]
    ) -> None:
        self.subject = subject
        self.version = version
        self.copy = copy

    def lines(self) -> "list[Line[Question, Value]]":
        """Give the lines that point to it."""
        return [line for line in self.subject.lines.values() if line.held is self]


class Line(Generic[Question, Value]):
    """What one selector of a subject points to, since when and for how long.

    Args:
        selector: of the subject's values this one.
        question: what AWS is asked to renew it.
        held: what it points to.
        plan: the moments of that.

    """

    __slots__ = (
        "attend_at",
        "bucket",
        "held",
        "last_read",
        "plan",
        "question",
        "questions",
        "selector",
    )

    def __init__(
        self,
        selector: Hashable,
        question: Question,
        held: Held[Question, Value],
        plan: Schedule,
    ) -> None:
        self.selector = selector
        self.question = question
        self.questions: set[Question] = set()
        self.last_read = -math.inf
        self.bucket = Bucket()
        self.point_to(held, plan)

    def point_to(self, held: Held[Question, Value], plan: Schedule) -> None:
        """Point to a value with these moments."""
        self.held = held
        self.follow(plan)

    def follow(self, plan: Schedule) -> None:
        """Live by these moments."""
        self.plan = plan
        # A read compares with this one and looks at nothing else.
        self.attend_at = plan.attend_at
