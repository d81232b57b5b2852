"""Which held value answers a question: identities mean a subject, its selectors point to values."""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic

from sidecar.secret_cache.answer import Copy
from sidecar.secret_cache.freshness import Schedule
from sidecar.secret_cache.kind import Kind, Question, Value
from sidecar.secret_cache.line import Held, Line, Subject


class Catalogue(Generic[Question, Value]):
    """Finds the line that answers a question, and places what AWS answered; it asks nobody.

    Args:
        kind: how questions and values are told apart.
        dropped: told of each value that no line points to any more.

    """

    def __init__(
        self, kind: Kind[Question, Value], dropped: Callable[[Held[Question, Value]], None]
    ) -> None:
        self._kind = kind
        self._dropped = dropped
        self._subjects: dict[Hashable, Subject[Question, Value]] = {}
        self._by_identity: dict[Hashable, Subject[Question, Value]] = {}
        # A read looks here, and goes on only when it finds nothing.
        self.by_question: dict[Question, Line[Question, Value]] = {}

    def __iter__(self) -> Iterator[Line[Question, Value]]:
        for subject in list(self._subjects.values()):
            yield from list(subject.lines.values())

    def find(self, question: Question) -> Line[Question, Value] | None:
        """Find the line that answers a question, if AWS has said so."""
        line = self.by_question.get(question)
        if line is not None:
            return line
        subject = self._by_identity.get(self._kind.identity(question))
        if subject is None:
            return None
        selector = self._kind.selector(question)
        line = subject.lines.get(selector) or self._derived(subject, selector, question)
        if line is not None:
            line.questions.add(question)
            self.by_question[question] = line
        return line

    def place(
        self, question: Question, copy: Copy[Value], plan: Schedule
    ) -> Held[Question, Value] | None:
        """Take in an answer: for the question itself, and for all that it says of others.

        What is known from a later question stays. A line whose value turns out to have another
        version now, as one whose stage has moved on, is made old.

        Args:
            question: what AWS was asked, in its canonical form.
            copy: what it answered; not kept where the same value is held already.
            plan: the moments of the answer.

        Returns:
            Where the value is held now; None when something later is known.

        """
        selector = self._kind.selector(question)
        subject = self._subject(question, copy.value, plan)
        own = None if subject is None else subject.lines.get(selector)
        if subject is None or (own is not None and own.plan.asked_at > plan.asked_at):
            return None
        before = {line.held for line in subject.lines.values()}
        held = self._held(subject, selector, copy, plan)
        if own is None:
            subject.lines[selector] = Line(selector, question, held, plan)
        for line in subject.lines.values():
            self._tell(line, held, plan, answered=line.selector == selector)
        for each in before - {line.held for line in subject.lines.values()}:
            self._dropped(each)
        return held

    def drop(self, line: Line[Question, Value]) -> None:
        """Forget what a line points to, and every question that led to it."""
        subject = line.held.subject
        subject.derived_from = max(subject.derived_from, line.plan.asked_at)
        del subject.lines[line.selector]
        for question in line.questions:
            del self.by_question[question]
        if not line.held.lines():
            self._dropped(line.held)
        if not subject.lines:
            del self._subjects[subject.key]
            for identity in subject.identities:
                del self._by_identity[identity]

    def clear(self) -> None:
        """Forget everything."""
        for line in self:
            self.drop(line)

    def _derived(
        self, subject: Subject[Question, Value], selector: Hashable, question: Question
    ) -> Line[Question, Value] | None:
        """Make a line for a selector that a held value is known to answer."""
        fitting = [
            line
            for line in subject.lines.values()
            if line.plan.asked_at >= subject.derived_from
            and self._kind.answers(selector, line.held.copy.value)
        ]
        if not fitting:
            return None
        latest = max(fitting, key=lambda line: line.plan.asked_at)
        line = Line(selector, self._kind.canonical(question), latest.held, latest.plan)
        subject.lines[selector] = line
        return line

    def _subject(
        self, question: Question, value: Value, plan: Schedule
    ) -> Subject[Question, Value] | None:
        """Find or make the subject; one that had its identities before is gone for good."""
        key = self._kind.subject(question, value)
        identities = set(self._kind.identities(question, value))
        others = {self._by_identity[each] for each in identities & self._by_identity.keys()}
        others = {other for other in others if other.key != key}
        lines = [line for other in others for line in other.lines.values()]
        if any(line.plan.asked_at > plan.asked_at for line in lines):
            return None
        for line in lines:
            self.drop(line)
        subject = self._subjects.setdefault(key, Subject(key))
        subject.identities |= identities
        self._by_identity.update(dict.fromkeys(identities, subject))
        return subject

    def _held(
        self,
        subject: Subject[Question, Value],
        selector: Hashable,
        copy: Copy[Value],
        plan: Schedule,
    ) -> Held[Question, Value]:
        version = self._kind.version(selector, copy.value)
        lines = [line for line in subject.lines.values() if line.held.version == version]
        if not lines:
            return Held(subject, version, copy)
        held = lines[0].held
        newest = max(line.plan.asked_at for line in lines)
        if newest <= plan.asked_at and held.copy.value != copy.value:
            held.copy = copy
        return held

    def _tell(
        self,
        line: Line[Question, Value],
        held: Held[Question, Value],
        plan: Schedule,
        *,
        answered: bool,
    ) -> None:
        """Let a line of the subject know of an answer that was asked for after its own."""
        if line.plan.asked_at > plan.asked_at:
            return
        if answered or self._kind.answers(line.selector, held.copy.value):
            line.point_to(held, plan)
        elif line.held is held:
            line.follow(line.plan.invalidated(plan.asked_at))
