"""What was switched off: `sidecar provision plan` shows it, and `apply --prune` takes it away."""

import io
from collections.abc import Callable

import pytest

from sidecar.cli import main

Words = Callable[..., list[str]]
# Two rules, a topic with its policy, and nothing else.
FEW = ("--events", "--no-trail", "--no-queue", "--no-alarms")


@pytest.fixture
def switched_off(site: Words, capsys: pytest.CaptureFixture[str]) -> Words:
    """Give the words for a stack that was made with events; what was printed is forgotten."""
    assert main(site("apply", *FEW)) == 0
    capsys.readouterr()
    return site


def test_a_plan_shows_what_is_left_over_and_a_pruning_deletes_it(
    switched_off: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(switched_off("plan")) == 0
    *shown, last = capsys.readouterr().out.splitlines()
    kinds = [each.split()[2] for each in shown if each.startswith("left over: ")]
    sns, events = "AWS::SNS::Topic", "AWS::Events::Rule"
    assert sorted(kinds) == [events, events, sns, f"{sns}Policy"]
    assert last == "4 left over; sidecar provision apply --prune deletes them"
    assert main(switched_off("apply", "--prune", "--yes")) == 0
    assert "\n4 things deleted\n" in capsys.readouterr().out
    assert main(switched_off("plan")) == 0
    assert capsys.readouterr().out == "0 to create, 0 to change, 3 unchanged\n"


def test_what_is_still_described_is_not_left_over(
    switched_off: Words, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(switched_off("apply", *FEW, "--prune", "--yes")) == 0
    assert main(switched_off("plan", *FEW)) == 0
    assert capsys.readouterr().out.endswith("\n0 to create, 0 to change, 7 unchanged\n")


def test_without_an_answer_nothing_is_changed_or_deleted(
    switched_off: Words, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert main(switched_off("apply", "--prune", "--duration-seconds", "900")) == 1
    assert "nobody can be asked" in capsys.readouterr().err
    main(switched_off("plan", "--duration-seconds", "900"))
    shown = capsys.readouterr().out
    assert "1 to change" in shown
    assert "4 left over" in shown


def test_flags_of_a_pruning_need_one(site: Words, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(site("apply", "--yes")) == 2
    assert "--yes needs --prune" in capsys.readouterr().err
