"""`sidecar provision destroy` with fewer flags than `apply` had."""

import re
from collections.abc import Callable

import pytest

from sidecar.cli import main

Words = Callable[..., list[str]]


def test_no_authority_must_be_named(site: Words, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(site("apply")) == 0
    assert main([*_without_authority(site("destroy")), "--yes"]) == 0
    told = capsys.readouterr().out
    assert re.search(
        r"^stack \w+ in account \d{12}, us-east-1: 3 things to delete, in this", told, re.MULTILINE
    )
    assert "\n3 things deleted\n" in told
    assert main(site("plan")) == 0
    assert "3 to create" in capsys.readouterr().out


def test_where_nothing_is_found_the_flags_are_named_that_were_not_given(
    site: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_without_authority(site("destroy", "--events"))) == 0
    others = "--private-ca, --crl, --rotate-user, --slack-channel"
    told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"stack \w+ in account \d{12}, us-east-1: nothing to delete", told[-3])
    assert told[-2:] == [
        "what stays: everything that is not listed, and the files of this machine",
        f"not looked for, and stays: what was made with {others}",
    ]


def test_an_authority_must_be_named_to_every_other_command(
    site: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_without_authority(site("apply"))) == 2
    assert "give --ca-bundle or --private-ca" in capsys.readouterr().err


def _without_authority(words: list[str]) -> list[str]:
    at = words.index("--ca-bundle")
    return words[:at] + words[at + 2 :]
