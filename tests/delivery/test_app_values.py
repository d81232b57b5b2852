"""What an app may read by reference: its policy before and after AWS is asked."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sidecar.access.policy import App
from sidecar.aws.parameter import ParameterValue
from sidecar.aws.reader import Reader
from sidecar.aws.secret import SecretValue
from sidecar.delivery.app_values import AppValues
from sidecar.delivery.reference import Reference
from sidecar.delivery.values import Values
from sidecar.errors import Forbidden
from sidecar.redaction import Secret

APP = App("web", ("default",), ("web/*",), ("/web/*",))
READER = Reader("default", "eu-west-1")
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret"


class OneValue:
    """A cache that holds one value under whatever name it is asked for."""

    def __init__(self, value: SecretValue | ParameterValue) -> None:
        self.value = value
        self.asked: list[object] = []

    async def get(self, reader: Reader, query: object) -> Any:
        assert reader == READER
        self.asked.append(query)
        return SimpleNamespace(value=self.value)

    def watch(
        self, reader: Reader, query: object, listener: Callable[[Any], None]
    ) -> Callable[[], None]:
        self.asked.append((reader, query))
        listener(SimpleNamespace(value=self.value))
        return lambda: self.asked.append("stopped")


def _secret(name: str) -> OneValue:
    value = SecretValue(f"{ARN}:{name}-AbCdEf", name, "v", Secret("held"), None, (), None)
    return OneValue(value)


def _parameter(name: str) -> OneValue:
    value = ParameterValue("arn", name, "String", Secret("held"), 1, None, "text", None, None)
    return OneValue(value)


async def _read(cache: OneValue, text: str) -> str:
    values = AppValues(APP, READER, Values(cache, cache))
    return (await values.read(Reference.parse(text))).reveal()


@pytest.mark.parametrize(
    ("cache", "text"),
    [
        (_secret("web/db"), "secret://web/db"),
        (_secret("web/db"), f"secret://{ARN}:web/db-AbCdEf"),
        (_parameter("/web/db"), "parameter:///web/db"),
    ],
)
async def test_an_app_reads_what_its_policy_covers(cache: OneValue, text: str) -> None:
    assert await _read(cache, text) == "held"


@pytest.mark.parametrize(
    ("cache", "text", "question", "section"),
    [
        (_secret("other/db"), "secret://other/db", "", "secrets"),
        (_parameter("/other/db"), "parameter:///other/db", "", "parameters"),
        (
            _secret("web/db"),
            "secret:///web/db#k",
            "did you mean secret://web/db#k? if not, ",
            "secrets",
        ),
        (_secret("/"), "secret:///", "", "secrets"),
    ],
)
async def test_what_the_policy_does_not_cover_is_denied_before_aws_is_asked(
    cache: OneValue, text: str, question: str, section: str
) -> None:
    with pytest.raises(Forbidden, match="app web may not read") as refused:
        await _read(cache, text)
    assert refused.value.hint == f"{question}add it to apps.web.{section}"
    assert cache.asked == []


@pytest.mark.parametrize(
    ("cache", "text"),
    [
        (_secret("other/db"), "secret://web/db"),
        (_parameter("/other/db"), "parameter:///web/db"),
    ],
)
async def test_the_name_that_aws_tells_has_the_last_word(cache: OneValue, text: str) -> None:
    with pytest.raises(Forbidden):
        await _read(cache, text)
    assert len(cache.asked) == 1


def test_a_watch_is_that_of_the_same_question() -> None:
    cache, told = _secret("web/db"), []
    reference = Reference.parse("secret://web/db")
    values = AppValues(APP, READER, Values(cache, cache))
    stop = values.watch(reference, lambda: told.append(1))
    stop()
    assert (told, cache.asked) == ([1], [(READER, reference.query), "stopped"])
