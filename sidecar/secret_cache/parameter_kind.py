"""Which parameter a question is about."""

from collections.abc import Hashable, Iterable

from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.reader import Reader
from sidecar.secret_cache import parameter_body

ParameterQuestion = tuple[Reader, ParameterQuery]


class ParameterKind:
    """Parameters: the subject is an ARN; an answer repeats its selector, so it answers no other."""

    agent_body = staticmethod(parameter_body.agent_body)
    api_body = staticmethod(parameter_body.api_body)

    def canonical(self, question: ParameterQuestion) -> ParameterQuestion:
        """Take the selector off the name, since ``a:3`` is another value than ``a``."""
        reader, query = question
        written, decrypted = query.selected_name, query.with_decryption
        return reader, ParameterQuery.parse(written, with_decryption=decrypted)

    def identity(self, question: ParameterQuestion) -> Hashable:
        """Give reader and name."""
        reader, query = self.canonical(question)
        return reader, query.name

    def selector(self, question: ParameterQuestion) -> Hashable:
        """Give version, label and whether the value is in clear text."""
        query = self.canonical(question)[1]
        return query.version, query.label, query.with_decryption

    def subject(self, question: ParameterQuestion, value: ParameterValue) -> Hashable:
        """Give reader and ARN."""
        return question[0], value.arn

    def identities(self, question: ParameterQuestion, value: ParameterValue) -> Iterable[Hashable]:
        """Give the name as it was given, but for its selector, and the ARN.

        Not the name when an ARN was given: names are looked up in the reader's own account, which
        need not be the ARN's.
        """
        reader, query = self.canonical(question)
        return {(reader, query.name), (reader, value.arn)}

    def version(self, selector: Hashable, value: ParameterValue) -> Hashable:
        """Give version and selector."""
        return value.version, selector

    def answers(self, selector: Hashable, value: ParameterValue) -> bool:  # noqa: ARG002 - see the class
        """Say no."""
        return False

    def label(self, question: ParameterQuestion) -> str:
        """Give the name."""
        return f"parameter {question[1].selected_name}"

    def same(self, value: ParameterValue, other: ParameterValue) -> bool:
        """Whether version and content are the same."""
        return _content(value) == _content(other)

    def size(self, value: ParameterValue) -> int:
        """Count the characters of its content."""
        return len(value.value) + len(value.source_result or ())


def parameter_names(name_or_arn: str) -> frozenset[str]:
    """Give the name without its first slash, which an ARN does not show."""
    _, parameter, name = name_or_arn.partition(":parameter/")
    return frozenset({(name if parameter else name_or_arn).removeprefix("/")})


def _content(value: ParameterValue) -> tuple[object, ...]:
    return value.arn, value.version, value.type, value.value, value.source_result
