"""`audit verify`: what it counts, what it finds, and that no file can hurt it."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sidecar.audit.chain import GENESIS, digest
from sidecar.audit.ending import Batch
from sidecar.audit.event import AuditEvent, Result
from sidecar.audit.line import rendered
from sidecar.audit.stdout import Stdout
from sidecar.audit.trail_file import TrailFile
from sidecar.cli import main

Told = Callable[..., dict[str, str]]


@pytest.fixture
def trail(tmp_path: Path, now: datetime) -> list[Path]:
    """Give a trail of a few files, the oldest first."""
    path = tmp_path / "audit.jsonl"
    file = TrailFile(path, chained=True, longest=1000, keep=20)
    ends = [Result.GRANTED, Result.GRANTED, Result.DENIED, Result.FAILED] * 5
    for number, result in enumerate(ends):
        event = AuditEvent(time=now.replace(second=number), door="x", action="Get", result=result)
        file.write(Batch([rendered(event)], 3 * (number == 7), now))
    file.close()
    old = sorted(tmp_path.glob("audit.jsonl.*"), key=lambda each: -int(each.suffix[1:]))
    assert len(old) > 2
    return [*old, path]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Give a function that runs the command and returns what it prints, by name."""

    def run(*words: object) -> dict[str, str]:
        assert main(["audit", "verify", *map(str, words)]) == 0
        return dict(line.split("\t") for line in capsys.readouterr().out.splitlines())

    return run


def test_a_trail_is_counted(trail: list[Path], told: Told) -> None:
    assert told(*trail) == {
        "lines": "21",
        "granted": "10",
        "denied": "5",
        "failed": "5",
        "dropped": "3",
        "torn": "0",
        "unchained": "0",
        "first": "2026-03-01T12:00:00.000Z",
        "last": "2026-03-01T12:00:19.000Z",
        "follows": GENESIS,
        "hash": digest(trail[-1].read_bytes().splitlines()[-1]),
    }


def test_rotated_files_are_found_and_taken_in_their_order(trail: list[Path], told: Told) -> None:
    (trail[-1].parent / "audit.jsonl.bak").write_bytes(b"none of it")
    (trail[-1].parent / "audit.jsonl.01").write_bytes(b"none of it")
    assert told("--rotated", trail[-1]) == told(*trail)


def test_files_that_are_there_twice_count_once(trail: list[Path], told: Told) -> None:
    whole = told(*trail)
    trail[-1].with_name("audit.jsonl.9").hardlink_to(trail[0])
    assert told("--rotated", trail[-1]) == whole


def test_a_trail_without_its_youngest_file_is_one(trail: list[Path], told: Told) -> None:
    trail[-1].unlink()
    assert told("--rotated", trail[-1]) == told(*trail[:-1])


def test_a_trail_whose_oldest_files_are_gone_says_what_it_follows(
    trail: list[Path], told: Told, refusal: Callable[..., str]
) -> None:
    follows = digest(trail[0].read_bytes().splitlines()[-1])
    assert told(*trail[1:], "--after", follows)["follows"] == follows
    said = refusal("audit", "verify", *trail[1:], "--after", GENESIS)
    assert f"{trail[1]} line 1: the first line follows {follows}" in said


def test_a_line_that_was_changed_is_named(trail: list[Path], refusal: Callable[..., str]) -> None:
    content = trail[1].read_bytes()
    trail[1].write_bytes(content.replace(b"denied", b"granted", 1))
    number = next(n for n, line in enumerate(content.splitlines(), 1) if b"denied" in line)
    said = refusal("audit", "verify", *trail)
    after = f"{trail[1]} line {number + 1}"
    if number == len(content.splitlines()):
        after = f"{trail[2]} line 1"
    assert f"{after}: its prev is not the hash of the line before" in said


def test_files_out_of_their_order_or_missing_are_found(
    trail: list[Path], refusal: Callable[..., str]
) -> None:
    for files in ([trail[1], trail[0]], [trail[0], trail[2]]):
        assert f"{files[1]} line 1: its prev" in refusal("audit", "verify", *files)


def test_an_end_that_is_missing_is_found_by_the_hash_alone(
    trail: list[Path], told: Told, refusal: Callable[..., str]
) -> None:
    whole = told(*trail)["hash"]
    assert told(*trail, "--expect", whole)["hash"] == whole
    lines = trail[-1].read_bytes().splitlines(keepends=True)
    trail[-1].write_bytes(b"".join(lines[:-1]))
    left = told(*trail)["hash"]
    said = refusal("audit", "verify", *trail, "--expect", whole)
    assert f"the last line has the hash {left}, not {whole}" in said


def test_a_torn_last_line_is_counted(trail: list[Path], told: Told) -> None:
    trail[-1].write_bytes(trail[-1].read_bytes()[:-10])
    found = told(*trail)
    assert (found["lines"], found["torn"]) == ("20", "1")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"x" * 100_000, "line 1: is longer than any line", id="no end of line"),
        pytest.param(b"\n" * 3, "nothing is chained", id="empty lines"),
        pytest.param(b"[" * 4000, "nothing is chained", id="deeply nested"),
        pytest.param(b'{"time":"x"}\n', "nothing is chained", id="no chain"),
    ],
)
def test_what_is_no_trail_is_refused(
    content: bytes, said: str, *, tmp_path: Path, refusal: Callable[..., str]
) -> None:
    file = tmp_path / "hostile"
    file.write_bytes(content)
    assert said in refusal("audit", "verify", file)


def test_no_text_of_a_trail_reaches_the_terminal_as_it_is(tmp_path: Path, told: Told) -> None:
    file = tmp_path / "hostile"
    times = ("\\u001b[2J", "\\ud800", "\\n")
    body = '{{"time":"{}","dropped":"1","result":["granted"]'
    lines: list[bytes] = []
    for time in times:
        prev = digest(lines[-1]) if lines else GENESIS
        lines.append(f'{body.format(time)},"prev":"{prev}"}}'.encode())
    file.write_bytes(b"\n".join(lines))
    found = told(file)
    assert (found["first"], found["last"]) == ("\\x1b[2J", "\\n")
    assert (found["lines"], found["granted"], found["dropped"]) == ("3", "0", "0")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere"], 1, "audit trail nowhere cannot be read: No such file or directory"),
        (["--rotated", "nowhere/x"], 1, "cannot be read: No such file or directory"),
        (["--rotated", "nowhere"], 1, "cannot be read: No such file or directory"),
        (["--rotated", "a", "b"], 1, "--rotated takes one file, not 2"),
        (["x", "--expect=ABC"], 2, "must be 64 hexadecimal digits in lower case"),
        ([], 2, "the following arguments are required: FILE"),
    ],
)
def test_what_cannot_be_checked_is_refused(
    words: list[str], code: int, said: str, *, refusal: Callable[..., str]
) -> None:
    assert said in refusal("audit", "verify", *words, code=code)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_files_are_read(
    make: Callable[[Any], None], tmp_path: Path, refusal: Callable[..., str]
) -> None:
    make(tmp_path / "odd")
    assert "cannot be read: not a regular file" in refusal("audit", "verify", tmp_path / "odd")


@pytest.fixture
def collected(tmp_path: Path, now: datetime) -> Path:
    """Give what was collected from the stdout of a sidecar that was started twice."""
    path = tmp_path / "collected.log"
    for _ in range(2):
        sink = Stdout(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), chained=True)
        for second in range(3):
            event = AuditEvent(
                time=now.replace(second=second), door="x", action="Get", result=Result.GRANTED
            )
            sink.write(Batch([rendered(event)], 0, now))
            with path.open("ab") as log:
                log.write(b"listening on http://127.0.0.1:9911 (credentials)\n")
        sink.close()
    return path


def test_a_log_collected_from_stdout_has_a_chain_for_each_start(
    collected: Path, told: Told
) -> None:
    found = told("--from-stdout", collected)
    names = ("lines", "granted", "torn", "starts", "other")
    assert [found[name] for name in names] == ["6", "6", "0", "2", "6"]
    last = [each for each in collected.read_bytes().splitlines() if each.startswith(b"{")][-1]
    assert (found["follows"], found["hash"]) == (GENESIS, digest(last))
    assert told("--from-stdout", collected, "--expect", digest(last)) == found


@pytest.mark.parametrize(("number", "times"), [(2, 0), (6, 0), (8, 0), (2, 2), (8, 2)], ids=str)
def test_a_line_of_such_a_log_that_was_removed_or_added_is_found(
    number: int, times: int, collected: Path, refusal: Callable[..., str]
) -> None:
    lines = collected.read_bytes().splitlines(keepends=True)
    lines[number : number + 1] = [lines[number]] * times
    collected.write_bytes(b"".join(lines))
    said = refusal("audit", "verify", "--from-stdout", collected)
    assert "its prev is not the hash of the line before" in said


@pytest.mark.parametrize("number", [0, 2, 6, 8])
def test_a_line_of_such_a_log_that_was_changed_is_found(
    number: int, collected: Path, refusal: Callable[..., str]
) -> None:
    lines = collected.read_bytes().splitlines(keepends=True)
    lines[number] = lines[number].replace(b"granted", b"revoked")
    collected.write_bytes(b"".join(lines))
    said = refusal("audit", "verify", "--from-stdout", collected)
    assert f"{collected} line {number + 3}: its prev" in said


def test_a_chain_that_somebody_added_to_such_a_log_is_a_start_more(
    collected: Path, told: Told
) -> None:
    lines = collected.read_bytes().splitlines(keepends=True)
    collected.write_bytes(b"".join([*lines, lines[0]]))
    assert told("--from-stdout", collected)["starts"] == "3"


def test_other_lines_may_be_as_long_as_they_like(collected: Path, told: Told) -> None:
    before = told("--from-stdout", collected)
    long = b"x" * 100_000 + collected.read_bytes().splitlines()[0]
    collected.write_bytes(long + b"\n" + collected.read_bytes())
    assert told("--from-stdout", collected) == before | {"other": "7"}


def test_such_a_log_is_told_of_where_it_is_taken_for_a_file(
    collected: Path, refusal: Callable[..., str]
) -> None:
    lines = [each for each in collected.read_bytes().splitlines(keepends=True) if b"{" in each]
    collected.write_bytes(b"".join(lines))
    said = refusal("audit", "verify", collected)
    assert "line 4: its prev is not the hash of the line before" in said
    assert "check a log that was collected from stdout with --from-stdout" in said


def test_a_log_without_any_line_of_a_trail_is_refused(
    tmp_path: Path, refusal: Callable[..., str]
) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"listening\n")
    said = refusal("audit", "verify", "--from-stdout", log)
    assert "nothing is chained" in said
    assert "as they were written, without a prefix" in said


def test_what_a_terminal_adds_to_the_end_of_each_line_does_not_count(
    collected: Path, told: Told
) -> None:
    before = told("--from-stdout", collected)
    collected.write_bytes(collected.read_bytes().replace(b"\n", b"\r\n"))
    assert told("--from-stdout", collected) == before
