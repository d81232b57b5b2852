"""Secrets: no way of printing, copying or comparing gives the value away."""

import copy
import hmac
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

from sidecar.redaction import Secret, masked_tail

CANARY = "canary-value"


@dataclass(frozen=True)
class Holder:
    """A dataclass with a secret in it, as any of ours."""

    secret: Secret


PRINTED: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "f-string": lambda secret: f"{secret}",
    "f-string repr": lambda secret: f"{secret!r}",
    "f-string padded": lambda secret: f"{secret:>20}",
    "percent s": lambda secret: "%s" % secret,  # noqa: UP031 - the form under test
    "percent r": lambda secret: "%r" % secret,  # noqa: UP031 - the form under test
    "str.format": "{}".format,
    "in a list": lambda secret: str([secret]),
    "in a dict": lambda secret: str({"key": secret}),
    "in a dataclass": lambda secret: repr(Holder(secret)),
    "in an exception": lambda secret: str(ValueError("bad", secret)),
    "in a traceback": lambda secret: "".join(traceback.format_exception(ValueError(secret))),
}


@pytest.mark.parametrize("printed", PRINTED.values(), ids=PRINTED)
def test_a_secret_prints_as_a_mask(printed: Callable[[Secret], str]) -> None:
    text = printed(Secret(CANARY))
    assert "canary" not in text
    assert "***" in text


REFUSED: dict[str, Callable[[Secret], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "asdict": lambda secret: asdict(Holder(secret)),
    "iteration": list,
    "unpacking": lambda secret: [*secret],
    "json": json.dumps,
    "vars": vars,
    "concatenation": lambda secret: "text" + secret,  # type: ignore[operator]  # a likely mistake
    "a new attribute": lambda secret: setattr(secret, "copy", "x"),
}


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_what_could_carry_a_secret_off_is_refused_without_showing_it(
    attempt: Callable[[Secret], object],
) -> None:
    with pytest.raises((TypeError, AttributeError)) as caught:
        attempt(Secret(CANARY))
    assert "canary" not in str(caught.value)


def test_a_log_line_shows_a_mask(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log = logging.getLogger("test")
    log.debug("got %s and %r", Secret(CANARY), {"key": Secret(CANARY)})
    assert caplog.messages == ["got *** and {'key': Secret(***)}"]


def test_the_value_is_given_when_asked_for_by_name() -> None:
    assert Secret(CANARY).reveal() == CANARY
    assert len(Secret(CANARY)) == len(CANARY)


@pytest.mark.parametrize(
    ("candidate", "same"),
    [
        (b"canary-value", True),
        (b"canary-valuf", False),
        (b"canary-valu", False),
        (b"", False),
        (b"\xff", False),
    ],
)
def test_a_secret_matches_its_own_bytes_only(candidate: bytes, same: bool) -> None:
    assert Secret(CANARY).matches(candidate) is same


def test_secrets_are_equal_by_value_and_never_to_plain_text() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert hash(Secret(CANARY)) == hash(Secret(CANARY))
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [("ASIAEXAMPLEEXAMPLE00", "…LE00"), ("123456789", "…6789"), ("12345678", "***"), ("", "***")],
)
def test_only_the_tail_of_an_identifier_is_shown(identifier: str, shown: str) -> None:
    assert masked_tail(identifier) == shown


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def spy(first: bytes, second: bytes) -> bool:
        compared.append((first, second))
        return first == second

    monkeypatch.setattr(hmac, "compare_digest", spy)
    assert Secret("canary").matches(b"canary")
    assert Secret("canary") != Secret("canarx")
    assert compared == [(b"canary", b"canary"), (b"canary", b"canarx")]
