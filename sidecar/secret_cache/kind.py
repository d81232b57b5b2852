"""What a cache must know of the things that it holds."""

from collections.abc import Hashable, Iterable
from typing import Protocol, TypeVar

Question = TypeVar("Question", bound=Hashable)
Value = TypeVar("Value")
Value_contra = TypeVar("Value_contra", contravariant=True)


class Kind(Protocol[Question, Value_contra]):
    """How questions and values of one kind are told apart; all of it is pure.

    A question has an *identity*, which is the id as it was given and whose credentials ask, and a
    *selector*, which says what version of it. A value belongs to a *subject*, the one thing that
    many identities may mean.
    """

    def canonical(self, question: Question) -> Question:
        """Write a question as AWS is asked it; equal answers are certain for equal results."""
        ...

    def identity(self, question: Question) -> Hashable:
        """Say what is asked for, as it was given."""
        ...

    def selector(self, question: Question) -> Hashable:
        """Say which version is asked for."""
        ...

    def subject(self, question: Question, value: Value_contra) -> Hashable:
        """Say what AWS answered about."""
        ...

    def identities(self, question: Question, value: Value_contra) -> Iterable[Hashable]:
        """Give the identities that certainly mean the subject, the question's own included."""
        ...

    def version(self, selector: Hashable, value: Value_contra) -> Hashable:
        """Say which of the subject's values this is."""
        ...

    def answers(self, selector: Hashable, value: Value_contra) -> bool:
        """Whether AWS would have given this value for another selector too."""
        ...

    def label(self, question: Question) -> str:
        """Name what is asked for in a log."""
        ...

    def same(self, value: Value_contra, other: Value_contra) -> bool:
        """Whether two values are one for those who only use what is in them."""
        ...

    def size(self, value: Value_contra) -> int:
        """Tell about how many bytes a value takes."""
        ...

    def agent_body(self, value: Value_contra) -> bytes:
        """Write the body of the secrets door."""
        ...

    def api_body(self, value: Value_contra) -> bytes:
        """Write the body of AWS's own API."""
        ...
