"""A password that somebody typed: asked for once, and never when nobody may be there."""

import pytest

from sidecar.identity.password import NoPassword, NoPasswordSource
from sidecar.identity.remembered_password import RememberedPassword
from sidecar.redaction import Secret


class Terminal:
    """Somebody who answers, and counts how often."""

    asks = True

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, what: str) -> Secret:
        self.asked.append(what)
        return Secret("canary-open-sesame")


def test_it_is_asked_for_once_however_often_it_is_needed() -> None:
    terminal = Terminal()
    password = RememberedPassword(terminal)
    answers = [password.read("key"), password.read("PKCS#12 file")]
    assert [each.reveal() for each in answers] == ["canary-open-sesame"] * 2
    assert terminal.asked == ["key"]


def test_later_the_answer_is_there_without_asking() -> None:
    terminal = Terminal()
    password = RememberedPassword(terminal)
    password.read("key")
    later = password.without_asking()
    assert later.read("key").reveal() == "canary-open-sesame"
    assert terminal.asked == ["key"]
    assert "canary" not in repr(later)


def test_who_was_not_asked_at_start_is_never_asked() -> None:
    terminal = Terminal()
    with pytest.raises(NoPassword, match="key needs a password"):
        RememberedPassword(terminal).without_asking().read("key")
    assert terminal.asked == []


def test_once_it_shall_not_ask_it_gives_the_answer_that_it_has_or_none() -> None:
    answered, silent = RememberedPassword(Terminal()), Terminal()
    answered.read("key")
    answered.stop_asking()
    assert answered.read("TPM key").reveal() == "canary-open-sesame"
    password = RememberedPassword(silent)
    password.stop_asking()
    with pytest.raises(NoPassword, match="TPM key needs a password"):
        password.read("TPM key")
    assert silent.asked == []


def test_without_anybody_to_ask_it_says_so() -> None:
    with pytest.raises(NoPassword):
        RememberedPassword(NoPasswordSource()).read("key")
