"""A file over its life: when it is written, when it is left alone, and who hears of it."""

import asyncio
import errno
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from sidecar.aws.parameter import ParameterQuery
from sidecar.aws.secret import SecretQuery
from sidecar.delivery.delivered_file import LOOK_EVERY_SECONDS
from sidecar.delivery.prepare import PreparedFile
from sidecar.delivery.reference import Reference
from sidecar.delivery.template import Template
from sidecar.errors import OperatorError, UpstreamUnavailable
from sidecar.file_target import Target
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from tests.delivery.conftest import Life

A, B = SecretQuery("a"), SecretQuery("b")
ONE, TWO = "canary-one", "canary-two"
DOWN = UpstreamUnavailable("AWS is down")
NO_KEY = "secret://a#k names a JSON key that is not there"


@pytest.fixture(autouse=True)
def no_line_tells_a_value(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert "canary" not in caplog.text


def why(life: "Life") -> str | None:
    """Say why the file is pending, if it is."""
    return life.files.pending().get(f"file {life.path}")


async def test_a_file_is_written_as_soon_as_its_value_is_there(life: "Life") -> None:
    life.cache.put(A, ONE)
    life.keep()
    await life.until_file_is(ONE)
    await life.until(lambda: life.files.pending() == {})


async def test_a_file_is_pending_until_it_is_written_and_says_why(life: "Life") -> None:
    assert life.keep() == {f"file {life.path}": "secret://a: not read yet"}
    await life.until(lambda: why(life) == "secret://a: no such secret")
    assert life.text() is None
    life.cache.put(A, ONE)
    await life.until(lambda: why(life) is None)
    assert life.text() == ONE


async def test_a_file_is_never_written_half_filled(
    life: "Life", caplog: pytest.LogCaptureFixture
) -> None:
    life.cache.put(A, ONE)
    life.keep("<${secret://a}|${secret://b}>")
    await life.until(lambda: why(life) == "secret://b: no such secret")
    await life.clock.advance(600)
    assert life.text() is None
    assert "it stays as it is" not in caplog.text
    life.cache.put(B, TWO)
    await life.until_file_is(f"<{ONE}|{TWO}>")


async def test_a_value_that_fails_is_asked_for_again_ever_more_rarely(life: "Life") -> None:
    life.cache.fail(A, DOWN)
    life.keep()
    await life.until(lambda: life.cache.asked)
    for seconds, times in [(0.9, 1), (0.1, 2), (1.9, 2), (0.1, 3), (60, 7), (599, 16), (1, 17)]:
        await life.clock.advance(seconds)
        assert len(life.cache.asked) == times


async def test_a_value_is_taken_from_the_first_read_too(life: "Life") -> None:
    life.cache.silent = True
    life.cache.put(A, ONE)
    life.keep()
    await life.until_file_is(ONE)


async def test_a_value_that_the_watch_brings_is_not_asked_for_again(life: "Life") -> None:
    life.cache.fail(A, DOWN)
    life.keep()
    await life.until(lambda: life.cache.asked)
    life.cache.put(A, ONE)
    await life.until_file_is(ONE)
    await life.clock.advance(600)
    assert len(life.cache.asked) == 2


async def test_an_unexpected_failure_is_told_by_its_kind_alone(life: "Life") -> None:
    life.cache.problems[A] = KeyError("canary")
    life.keep()
    await life.until(lambda: why(life) == "secret://a: unexpected KeyError")


async def test_a_file_that_is_right_at_start_is_left_alone(life: "Life") -> None:
    life.path.write_text(ONE)
    life.path.chmod(0o600)
    before = life.path.stat()
    life.cache.put(A, ONE)
    life.keep(action=life.action)
    await life.until(lambda: why(life) is None)
    await life.clock.advance(LOOK_EVERY_SECONDS)
    assert life.path.stat().st_ino == before.st_ino
    assert life.path.stat().st_mtime_ns == before.st_mtime_ns
    assert life.action.seen == []


async def test_a_file_that_differs_at_start_is_replaced_only_by_what_is_whole(
    life: "Life",
) -> None:
    life.path.write_text("canary-of-yesterday")
    life.keep()
    await life.clock.advance(120)
    assert life.text() == "canary-of-yesterday"
    life.cache.put(A, ONE)
    await life.until_file_is(ONE)


async def test_a_new_value_rewrites_the_file_before_the_action(life: "Life") -> None:
    life.cache.put(A, ONE)
    life.keep(action=life.action)
    await life.until(lambda: life.action.seen == [ONE])
    life.cache.put(A, TWO)
    await life.until(lambda: life.action.seen == [ONE, TWO])


async def test_a_value_that_fails_leaves_the_file(life: "Life") -> None:
    life.cache.put(A, ONE)
    life.keep()
    await life.until(lambda: why(life) is None)
    life.cache.fail(A, DOWN)
    await life.clock.advance(3600)
    assert (life.text(), why(life)) == (ONE, None)


async def test_a_value_without_its_key_leaves_the_file_and_is_told(
    life: "Life", caplog: pytest.LogCaptureFixture
) -> None:
    life.cache.put(A, f'{{"k":"{ONE}"}}')
    life.keep("${secret://a#k}")
    await life.until_file_is(ONE)
    life.cache.put(A, f'{{"other":"{TWO}"}}')
    await life.clock.advance(60)
    assert life.text() == ONE
    assert f"it stays as it is: {NO_KEY}" in caplog.text
    life.cache.put(A, f'{{"k":"{TWO}"}}')
    await life.until_file_is(TWO)


PAIR = "${secret://a#user}:${secret://a#password}"


@pytest.mark.parametrize(
    "bad", ['{"user":"u2"}', '{"password":"p2"}', "no JSON"], ids=["no password", "no user", "text"]
)
async def test_a_new_value_that_lacks_a_part_is_not_half_used(bad: str, life: "Life") -> None:
    life.cache.put(A, '{"user":"u1","password":"p1"}')
    life.keep(PAIR)
    await life.until_file_is("u1:p1")
    life.cache.put(A, bad)
    await life.clock.advance(3 * LOOK_EVERY_SECONDS)
    await life.settle()
    assert (life.text(), why(life)) == ("u1:p1", None)
    life.path.unlink()
    await life.clock.advance(LOOK_EVERY_SECONDS)
    await life.until_file_is("u1:p1")
    life.cache.put(A, '{"user":"u3","password":"p3"}')
    await life.until_file_is("u3:p3")


async def test_a_value_that_goes_bad_before_the_first_writing_is_why_the_file_is_pending(
    life: "Life",
) -> None:
    life.cache.put(A, '{"k":"v"}')
    life.keep("${secret://a#k}${secret://b}")
    await life.until(lambda: why(life) == "secret://b: no such secret")
    life.cache.put(A, '{"other":"v"}')
    life.cache.put(B, TWO)
    await life.until(lambda: why(life) == NO_KEY)
    assert life.text() is None


async def test_a_value_that_never_had_its_key_is_why_the_file_is_pending(
    life: "Life", caplog: pytest.LogCaptureFixture
) -> None:
    life.cache.put(A, f'{{"other":"{ONE}"}}')
    life.keep("${secret://a#k}")
    await life.until(lambda: why(life) == NO_KEY)
    await life.clock.advance(60)
    assert caplog.text.count(NO_KEY) == 1


@pytest.mark.parametrize("harm", ["removed", "changed", "emptied", "linked elsewhere"])
async def test_a_file_that_somebody_harms_is_written_again_at_the_next_look(
    harm: str, life: "Life"
) -> None:
    life.cache.put(A, ONE)
    life.keep(action=life.action)
    await life.until(lambda: life.action.seen == [ONE])
    life.path.unlink()
    if harm == "changed":
        life.path.write_text("other")
    elif harm == "emptied":
        life.path.touch()
    elif harm == "linked elsewhere":
        elsewhere = life.path.with_name("elsewhere")
        elsewhere.write_text(ONE)
        life.path.symlink_to(elsewhere)
    await life.clock.advance(LOOK_EVERY_SECONDS)
    await life.until(lambda: life.action.seen == [ONE, ONE])
    assert life.text() == ONE


async def test_a_write_that_fails_is_tried_again_at_the_next_look(life: "Life") -> None:
    life.path.mkdir()
    life.cache.put(A, ONE)
    life.keep()
    await life.until(lambda: why(life) == "cannot be written: Is a directory")
    life.path.rmdir()
    await life.clock.advance(LOOK_EVERY_SECONDS)
    await life.until_file_is(ONE)
    await life.until(lambda: why(life) is None)


async def test_the_action_is_not_lost_when_the_directory_cannot_be_flushed(
    life: "Life", monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise OSError(errno.EIO, "disk")

    life.cache.put(A, ONE)
    with monkeypatch.context() as patched:
        patched.setattr("sidecar.atomic_file.sync_directory", broken)
        life.keep(action=life.action)
        await life.until(lambda: why(life) == "cannot be written: disk")
    assert (life.text(), life.action.seen) == (ONE, [])
    await life.clock.advance(LOOK_EVERY_SECONDS)
    await life.until(lambda: life.action.seen == [ONE])
    await life.clock.advance(3 * LOOK_EVERY_SECONDS)
    assert life.action.seen == [ONE]


async def test_a_value_that_a_filter_cannot_write_leaves_the_file_and_is_told_once(
    life: "Life", caplog: pytest.LogCaptureFixture
) -> None:
    problem = "the value of secret://a holds a NUL, which no shell can"
    life.cache.put(A, "canary\0")
    life.keep("${secret://a|shell}")
    await life.until(lambda: why(life) == problem)
    await life.clock.advance(3 * LOOK_EVERY_SECONDS)
    assert caplog.text.count(problem) == 1
    assert life.text() is None


class BrokenTemplate(Template):
    """A template with a bug."""

    def filled(self, values: Mapping[Reference, Secret]) -> Secret:
        raise RuntimeError(values[Reference(A)].reveal())


async def test_a_bug_in_writing_is_told_by_its_kind_alone(life: "Life") -> None:
    broken = BrokenTemplate(Template.parse("${secret://a}").parts)
    other = Target(life.path.with_name("other"), 0o600)
    life.cache.put(A, ONE)
    life.keep("${secret://a}", PreparedFile(other, broken))
    await life.until(
        lambda: life.files.pending() == {f"file {other.path}": "unexpected RuntimeError"}
    )
    assert life.text() == ONE


async def test_one_file_waits_for_no_other(life: "Life") -> None:
    other = Target(life.path.with_name("other"), 0o600)
    life.cache.put(B, TWO)
    life.keep("${secret://a}", PreparedFile(other, Template.parse("${secret://b}")))
    await life.until_file_is(TWO, other.path)
    await life.until(lambda: list(life.files.pending()) == [f"file {life.path}"])


async def test_changes_within_the_pause_are_one_for_the_action(life: "Life") -> None:
    life.cache.put(A, "0")
    life.keep(action=life.action, debounce_seconds=5)
    for text in ("1", "2", "3"):
        life.cache.put(A, text)
        await life.until_file_is(text)
        await life.clock.advance(1)
    assert life.action.seen == []
    await life.clock.advance(5)
    assert life.action.seen == ["3"]
    await life.clock.advance(60)
    assert life.action.seen == ["3"]


async def test_changes_that_never_pause_do_not_keep_the_action_waiting(life: "Life") -> None:
    life.keep(action=life.action, debounce_seconds=5)
    for count in range(12):
        life.cache.put(A, str(count))
        await life.until_file_is(str(count))
        await life.clock.advance(1)
    assert len(life.action.seen) >= 2


async def test_a_change_while_the_action_runs_is_followed_by_another(life: "Life") -> None:
    life.action.gate = asyncio.Event()
    life.cache.put(A, ONE)
    life.keep(action=life.action)
    await life.until(lambda: life.action.seen == [ONE])
    life.cache.put(A, TWO)
    await life.until_file_is(TWO)
    assert life.action.seen == [ONE]
    life.action.gate.set()
    await life.until(lambda: life.action.seen == [ONE, TWO])


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (OperatorError("command x failed with exit code 1"), "command x failed with exit code 1"),
        (RuntimeError("canary"), "unexpected RuntimeError"),
    ],
)
async def test_an_action_that_fails_is_told_and_the_next_change_tries_again(
    problem: Exception, told: str, life: "Life", caplog: pytest.LogCaptureFixture
) -> None:
    life.action.problems = [problem]
    life.cache.put(A, ONE)
    life.keep(action=life.action)
    await life.until(lambda: f"{told}; it is tried at the next change" in caplog.text)
    await life.clock.advance(600)
    assert life.action.seen == [ONE]
    life.cache.put(A, TWO)
    await life.until(lambda: "done after the change: recorded" in caplog.text)
    assert life.action.seen == [ONE, TWO]


async def test_each_value_is_read_by_the_role_of_its_file(life: "Life") -> None:
    life.cache.put(A, ONE)
    life.cache.put(A, TWO, role="tenant")
    life.keep(via="tenant")
    await life.until_file_is(TWO)


async def test_parameters_are_read_decrypted(life: "Life") -> None:
    life.cache.put(ParameterQuery("/p", with_decryption=True), ONE)
    life.keep("${parameter:///p}")
    await life.until_file_is(ONE)


async def test_nothing_is_watched_after_the_end(life: "Life") -> None:
    life.cache.put(A, ONE)
    life.keep()
    await life.until_file_is(ONE)
    assert len(life.cache.watches) == 1
    await life.end()
    assert life.cache.watches == []


async def test_what_a_killed_sidecar_left_is_removed(life: "Life") -> None:
    left = life.path.with_name(".file.0123456789ab")
    left.write_text(ONE)
    life.cache.put(A, ONE)
    life.keep()
    await life.until_file_is(ONE)
    assert not left.exists()


async def test_without_files_there_is_nothing_to_do(life: "Life") -> None:
    assert life.files.pending() == {}
    await life.files.run()
