"""The program as a whole: overview, help, versions, and the form of every complaint."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import PIPE
from types import ModuleType

import pytest

from sidecar import __version__, cli
from sidecar.cli import COMMANDS, build_parser, main
from sidecar.errors import (
    ConfigError,
    IdentityError,
    OperatorError,
    Problem,
    UpstreamRefused,
    UpstreamUnavailable,
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Give a function that runs a command line and returns exit code, stdout and stderr."""

    def command(*words: str) -> tuple[int, str, str]:
        try:
            code = main(words)
        except SystemExit as exc:  # argparse's way of ending
            code = int(exc.code or 0)
        return (code, *capsys.readouterr())

    return command


@pytest.mark.parametrize("word", ["--version", "version"])
def test_the_version_is_the_package_s(run: Run, word: str) -> None:
    assert run(word) == (0, f"sidecar {__version__}\n", "")


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_the_overview_names_every_command_and_ends_with_an_example(run: Run, word: str) -> None:
    code, out, err = run(word)
    assert (code, err) == (0, "")
    listed = [line[2:].split("  ")[0] for line in out.splitlines() if line.startswith("  ")]
    assert listed[:-1] == list(COMMANDS)
    assert out.endswith("example:\n  sidecar serve --config sidecar.toml\n")


def test_without_a_command_the_overview_is_a_complaint(run: Run) -> None:
    code, out, err = run()
    assert (code, out) == (2, "")
    assert err.startswith("usage: sidecar COMMAND")


@pytest.mark.parametrize(("words", "code"), [(["certs"], 2), (["certs", "--help"], 0)])
def test_half_a_command_lists_its_other_halves(run: Run, words: Sequence[str], code: int) -> None:
    ended, out, err = run(*words)
    listed = [line[2:].split("  ")[0] for line in (out + err).splitlines() if line[:2] == "  "]
    assert (ended, listed[:-1]) == (code, [name for name in COMMANDS if name.startswith("certs ")])


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["sevre"], "sevre"),
        (["certs", "revise"], "certs revise"),
        (["--config", "x"], "--config"),
        (["serve "], "serve "),
        (["a\x1b[2J\nb"], "a\\x1b[2J\\nb"),
    ],
)
def test_an_unknown_command_is_refused(run: Run, words: Sequence[str], shown: str) -> None:
    assert run(*words) == (
        2,
        "",
        f"sidecar: unknown command: {shown}\nhint: sidecar --help lists the commands\n",
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_says_what_it_is_and_ends_with_its_example(run: Run, name: str) -> None:
    code, out, err = run(*name.split(), "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: sidecar {name}")
    assert out.rstrip().partition("\nexample:\n  ")[2].startswith(("sidecar ", 'eval "$(sidecar '))
    assert out.partition("\nexample:\n  ")[2].count(f"sidecar {name}") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_of_every_option_what_it_is_for(name: str) -> None:
    told = {" ".join(each.option_strings): each.help for each in build_parser(name)._actions}
    assert [option for option, text in told.items() if not text or text.startswith("(")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_refused_by_every_command(run: Run, name: str) -> None:
    code, out, err = run(*name.split(), "--no-such-option")
    assert (code, out) == (2, "")
    assert err.startswith("sidecar: ")
    assert err.endswith(f"\nhint: sidecar {name} --help\n")
    assert len(err.splitlines()) == 2


def test_options_are_not_guessed_from_their_beginnings() -> None:
    with pytest.raises(SystemExit):
        build_parser("serve").parse_args(["--conf", "x"])


class _Failing(ModuleType):
    """A command that ends as a test wants it to."""

    EXAMPLE = "sidecar failing"

    def __init__(self, failure: BaseException | None) -> None:
        super().__init__("failing", "Fail.")
        self._failure = failure

    def add_arguments(self, parser: object) -> None:
        pass

    def run(self, _: object) -> int:
        if self._failure is not None:
            raise self._failure
        return 0


CONFIG = """
[aws]
region = "eu-west-1"
[roles.default]
source = "web-identity"
token_file = "token"
role_arn = "arn:aws:iam::123456789012:role/web"
[apps.web]
token_env = "WEB_TOKEN"
"""


@pytest.mark.parametrize("words", ["env", "token issue", "rotate any"])
def test_a_variable_that_set_what_contradicts_something_is_named(
    words: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sidecar.toml"
    file.write_text(CONFIG)
    monkeypatch.setenv("SIDECAR_AUDIT_KEEP", "3")
    code, out, err = run(*words.split(), f"--config={file}")
    assert (code, out) == (2, "")
    assert "\n  audit.keep (SIDECAR_AUDIT_KEEP): cannot go with audit.destination" in err


@pytest.fixture
def fail(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | None], object]:
    """Give a function that runs a command which raises, and returns what the program made of it."""

    def ended(failure: BaseException | None) -> tuple[int, str, str]:
        monkeypatch.setitem(COMMANDS, "failing", cli.Command("failing", ""))
        monkeypatch.setitem(sys.modules, "sidecar.cli.failing", _Failing(failure))
        return run("failing")

    return ended


@pytest.mark.parametrize(
    ("failure", "code", "err"),
    [
        pytest.param(None, 0, "", id="none"),
        pytest.param(OperatorError("no"), 1, "sidecar: no\n", id="without a hint"),
        pytest.param(
            IdentityError("no key", hint="give one"),
            1,
            "sidecar: no key\nhint: give one\n",
            id="with a hint",
        ),
        pytest.param(
            OperatorError("got \x1b[2J", hint="a\nb"),
            1,
            "sidecar: got \\x1b[2J\nhint: a\\nb\n",
            id="with remote text",
        ),
        pytest.param(
            ConfigError([Problem("a.b", "is missing", "add it"), Problem("c\n", "is odd")]),
            2,
            "sidecar: configuration has 2 problems\n"
            "  a.b: is missing\n    hint: add it\n"
            "  c\\n: is odd\n",
            id="of configuration",
        ),
        pytest.param(UpstreamUnavailable("later"), 75, "sidecar: later\n", id="that may pass"),
        pytest.param(UpstreamRefused("never"), 1, "sidecar: never\n", id="that will not pass"),
        pytest.param(KeyboardInterrupt(), 130, "", id="an interrupt"),
    ],
)
def test_a_failure_is_told_in_the_program_s_form(
    fail: Callable[[BaseException | None], object],
    failure: BaseException | None,
    code: int,
    err: str,
) -> None:
    assert fail(failure) == (code, "", err)


def test_a_bug_is_told_with_its_traceback_and_as_a_bug(
    fail: Callable[[BaseException | None], tuple[int, str, str]],
) -> None:
    code, out, err = fail(RuntimeError("odd \x1b[2J"))
    first, *_, cause, told, hint = err.splitlines()
    assert (code, out, first) == (1, "", "Traceback (most recent call last):")
    assert cause == "RuntimeError: odd \\x1b[2J"
    assert told == "sidecar: internal error: RuntimeError: odd \\x1b[2J"
    assert hint == "hint: this is a bug in the sidecar; please report it with the lines above"


def test_a_reader_who_goes_away_is_no_reason_for_a_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "sidecar", "--help"]
    ended = subprocess.run(command, stdout=writing, stderr=PIPE, check=False, timeout=30)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_the_module_and_the_script_are_one_program() -> None:
    script = Path(sys.executable).with_name("sidecar")
    for program in ([sys.executable, "-m", "sidecar"], [str(script)]):
        printed = subprocess.run(
            [*program, "--version"], capture_output=True, text=True, check=True, timeout=30
        )
        assert printed.stdout == f"sidecar {__version__}\n"
