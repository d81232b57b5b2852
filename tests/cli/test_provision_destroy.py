"""`sidecar provision destroy` with fewer flags than `apply` had."""

from collections.abc import Callable

import pytest

from sidecar.cli import main

Words = Callable[..., list[str]]


def test_no_authority_must_be_named(site: Words, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(site("apply")) == 0
    assert main([*_without_authority(site("destroy")), "--yes"]) == 0
    assert "\n3 deleted\n" in capsys.readouterr().out
    assert main(site("plan")) == 0
    assert "3 to create" in capsys.readouterr().out


def test_where_nothing_is_found_the_flags_are_named_that_were_not_given(
    site: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_without_authority(site("destroy", "--events"))) == 0
    others = "--private-ca, --crl, --rotate-user, --slack-channel"
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "there is nothing to delete",
        f"what was made with other flags is not looked for: {others}",
    ]


def test_an_authority_must_be_named_to_every_other_command(
    site: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_without_authority(site("apply"))) == 2
    assert "give --ca-bundle or --private-ca" in capsys.readouterr().err


def _without_authority(words: list[str]) -> list[str]:
    at = words.index("--ca-bundle")
    return words[:at] + words[at + 2 :]
