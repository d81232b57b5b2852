"""Log lines: one event a line, whatever its text holds, and no library's secrets."""

import logging
import re
from collections.abc import Callable

import pytest

from sidecar.cli.log_setup import set_up_logging

STAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Give what was written to stderr since the last time, without the time of day."""
    return lambda: re.sub(STAMP, "", capsys.readouterr().err, flags=re.MULTILINE)


def test_a_line_has_time_in_utc_level_name_and_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logging("info")
    logging.getLogger("sidecar.serve").info("listening on %s", "127.0.0.1")
    line = capsys.readouterr().err
    assert re.fullmatch(STAMP + r"INFO sidecar\.serve: listening on 127\.0\.0\.1\n", line)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\nb", "a\\nb", id="a line end"),
        pytest.param("a\r\nb", "a\\r\\nb", id="a DOS line end"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="a terminal's command"),
        pytest.param("\x00\x7f\x85", "\\x00\\x7f\\x85", id="control characters"),
        pytest.param("\u2028", "\\u2028", id="a line separator"),
        pytest.param("\u202e", "\\u202e", id="a change of direction"),
        pytest.param("\udcff", "\\udcff", id="a surrogate"),
        pytest.param("é€😀 '\"\\", "é€😀 '\"\\", id="what prints stays"),
    ],
)
def test_text_from_elsewhere_stays_on_its_line(
    written: Callable[[], str], text: str, shown: str
) -> None:
    set_up_logging("info")
    logging.getLogger("sidecar.x").warning("got %s", text)
    assert written() == f"WARNING sidecar.x: got {shown}\n"


def test_a_traceback_is_one_line_too(written: Callable[[], str]) -> None:
    set_up_logging("info")
    try:
        int("forged\nline")
    except ValueError:
        logging.getLogger("sidecar.x").exception("failed")
    [line] = written().splitlines()
    assert line.startswith("ERROR sidecar.x: failed\\nTraceback (most recent call last):\\n")
    assert "forged" in line


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_counts_for_this_program(
    written: Callable[[], str], level: str, heard: list[str]
) -> None:
    set_up_logging(level)
    for each in ("debug", "info", "warning", "error"):
        logging.getLogger("sidecar.x").log(logging.getLevelNamesMapping()[each.upper()], each)
    assert [line.rpartition(" ")[2] for line in written().splitlines()] == heard


@pytest.mark.parametrize("name", ["botocore.parsers", "aiohttp.access", "asyncio", "urllib3"])
def test_other_libraries_speak_from_warning_up_only(written: Callable[[], str], name: str) -> None:
    set_up_logging("debug")
    logging.getLogger(name).info("canary")
    logging.getLogger(name).warning("heard")
    assert written() == f"WARNING {name}: heard\n"


Accept = Callable[..., None]
LIMIT = "socket.accept() out of system resource"


@pytest.fixture
def accept_error() -> Accept:
    """Give a function that logs what asyncio logs when open files have run out."""

    def log(second: float, message: str = LIMIT, name: str = "asyncio") -> None:
        text = f"{message}\nsocket: fd=6"
        record = logging.LogRecord(name, logging.ERROR, "", 0, text, (), None)
        record.created = second
        logging.getLogger(name).handle(record)

    return log


def test_of_failures_to_accept_one_a_minute_is_written(
    written: Callable[[], str], accept_error: Accept
) -> None:
    set_up_logging("info")
    for second in (0.0, 0.1, 59.9, 60.0, 60.1, 120.0):
        accept_error(second)
    assert written() == f"ERROR asyncio: {LIMIT}\\nsocket: fd=6\n" * 3


def test_after_the_clock_was_set_back_a_failure_to_accept_is_written_again(
    written: Callable[[], str], accept_error: Accept
) -> None:
    set_up_logging("info")
    for second in (1000.0, 5.0):
        accept_error(second)
    assert len(written().splitlines()) == 2


@pytest.mark.parametrize(("message", "name"), [("Task exception", "asyncio"), (LIMIT, "sidecar.x")])
def test_no_other_line_is_held_back(
    written: Callable[[], str], accept_error: Accept, message: str, name: str
) -> None:
    set_up_logging("info")
    for _ in range(3):
        accept_error(0.0, message, name)
    assert len(written().splitlines()) == 3


def test_setting_it_up_twice_writes_every_line_once(written: Callable[[], str]) -> None:
    set_up_logging("info")
    set_up_logging("info")
    logging.getLogger("sidecar.x").info("once")
    assert len(written().splitlines()) == 1
