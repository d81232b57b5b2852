"""Which secret a question is about, and which questions one answer of AWS answers."""

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.secret_cache import secret_body

SecretQuestion = tuple[Reader, SecretQuery]

CURRENT: Final = "AWSCURRENT"
_ARN: Final = re.compile(r"arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)", re.DOTALL)
# What AWS appends to the name in an ARN: Secrets Manager user guide, "What's in a secret".
_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}")
_SUFFIX_LENGTH: Final = 7


class SecretKind:
    """Secrets: the subject is an ARN, the version its id, and stages point to versions."""

    agent_body = staticmethod(secret_body.agent_body)
    api_body = staticmethod(secret_body.api_body)

    def canonical(self, question: SecretQuestion) -> SecretQuestion:
        """Name the stage, as policies that look at ``secretsmanager:VersionStage`` need it."""
        reader, query = question
        if query.version_id is None and query.version_stage is None:
            return reader, replace(query, version_stage=CURRENT)
        return question

    def identity(self, question: SecretQuestion) -> Hashable:
        """Give reader and id."""
        return question[0], question[1].secret_id

    def selector(self, question: SecretQuestion) -> Hashable:
        """Give version id and stage; with both, AWS answers only if they belong together."""
        query = self.canonical(question)[1]
        return query.version_id, query.version_stage

    def subject(self, question: SecretQuestion, value: SecretValue) -> Hashable:
        """Give reader and ARN: one made anew under the same name has another."""
        return question[0], value.arn

    def identities(self, question: SecretQuestion, value: SecretValue) -> Iterable[Hashable]:
        """Give the id as it was given, the ARN, and the ARN without its suffix.

        Not the name when an ARN was given: names are looked up in the reader's own account, which
        need not be the ARN's.
        """
        reader, query = question
        return {(reader, each) for each in (query.secret_id, *_arns(value))}

    def version(self, selector: Hashable, value: SecretValue) -> Hashable:  # noqa: ARG002 - the value says it
        """Give the version id."""
        return value.version_id

    def answers(self, selector: Any, value: SecretValue) -> bool:
        """Whether the value has the version id and the stage that a selector names."""
        version_id, stage = selector
        return version_id in (None, value.version_id) and stage in (None, *value.version_stages)

    def label(self, question: SecretQuestion) -> str:
        """Give the id."""
        return f"secret {question[1].secret_id}"

    def same(self, value: SecretValue, other: SecretValue) -> bool:
        """Whether version and content are the same, whatever its stages are."""
        return _content(value) == _content(other)

    def size(self, value: SecretValue) -> int:
        """Count the bytes of its content."""
        return sum(len(each.encoded()) for each in (value.text, value.binary) if each is not None)


def secret_names(secret_id: str) -> frozenset[str]:
    """Give the names that an id may stand for: AWS takes a name, a partial and a whole ARN."""
    arn = _ARN.fullmatch(secret_id)
    if arn is None:
        return frozenset({secret_id})
    rest = arn[1]
    whole = _SUFFIX.fullmatch(rest[-_SUFFIX_LENGTH:])
    return frozenset({rest, rest[:-_SUFFIX_LENGTH]} if whole else {rest})


def _arns(value: SecretValue) -> Iterator[str]:
    """Give the whole ARN, and the partial one unless it might be another secret's whole one."""
    yield value.arn
    partial, suffix = value.arn[:-_SUFFIX_LENGTH], value.arn[-_SUFFIX_LENGTH:]
    if _SUFFIX.fullmatch(suffix) and not _SUFFIX.fullmatch(partial[-_SUFFIX_LENGTH:]):
        yield partial


def _content(value: SecretValue) -> tuple[object, ...]:
    return value.arn, value.version_id, value.text, value.binary
