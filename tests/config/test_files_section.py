"""`[[files]]`: what its options accept, and what must hold between them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.consistency import inconsistencies
from sidecar.config.files_section import FilesSection
from sidecar.config.load import Loaded
from sidecar.config.option import options_of
from sidecar.config.ownership import FileMode
from sidecar.errors import Problem

FILE = {"path": "/run/secrets/db", "secret": "prod/db"}
PAGE = Path(__file__).parents[2] / "docs/files.md"
NO_ID = "must be a name or an ARN alone: JSON key and stage have keys of their own"
NO_MODE = 'must be three octal digits in quotes, such as "0600"'
NO_ACCOUNT = "must be a name or a number from 0 to 4294967294"
NO_LIST = "must be a list of the program and its arguments; no shell reads it"
ONE_CONTENT = "set exactly one of secret, parameter, template, template_file"

Read = Callable[[str, object], object]
Found = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def read(load: Callable[..., Loaded], sound: dict[str, Any]) -> Read:
    """Give a function that puts one option into a file's section and returns what was read."""

    def run(key: str, value: object) -> object:
        sound["files"] = [FILE | {key: value}]
        return getattr(load(sound).config.files[0], key)

    return run


@pytest.fixture
def found(load: Callable[..., Loaded], sound: dict[str, Any]) -> Found:
    """Give a function that loads files and returns what contradicts."""

    def run(*files: dict[str, Any]) -> list[tuple[str, str]]:
        sound["files"] = list(files)
        return [(str(each), each.hint) for each in inconsistencies(load(sound).config)]

    return run


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("path", "relative", Path("relative")),
        ("secret", "a b+c%20d?e", "a b+c%20d?e"),
        ("parameter", "/prod/db", "/prod/db"),
        ("json_key", "a.b", "a.b"),
        ("stage", "AWSPREVIOUS", "AWSPREVIOUS"),
        ("template", " ${secret://a}\n", " ${secret://a}\n"),
        ("template_file", "web.template", Path("web.template")),
        ("mode", "0640", 0o640),
        ("mode", "644", 0o644),
        ("owner", "www-data", "www-data"),
        ("owner", 0, "0"),
        ("owner", "1000", "1000"),
        ("group", 4294967294, "4294967294"),
        ("signal", "HUP", "HUP"),
        ("signal", "SIGUSR1", "USR1"),
        ("pid_file", "/run/x.pid", Path("/run/x.pid")),
        ("command", ["nginx", "-s", "reload", ""], ("nginx", "-s", "reload", "")),
        ("command", "/bin/reload", ("/bin/reload",)),
        ("command_timeout_seconds", 3600, 3600),
        ("debounce_seconds", 0, 0),
        ("via", "default", "default"),
    ],
)
def test_an_option_is_read_as(key: str, value: object, expected: object, read: Read) -> None:
    assert read(key, value) == expected


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("path", "", "must not be empty"),
        ("path", "a\0b", "must not hold a NUL character"),
        ("secret", "secret://db", NO_ID),
        ("secret", "db#key", NO_ID),
        ("secret", "", "must not be empty"),
        ("parameter", "parameter:///db", NO_ID),
        ("json_key", "", "must not be empty"),
        ("stage", 1, "must be text"),
        ("mode", 600, NO_MODE),
        ("mode", "1777", NO_MODE),
        ("mode", "0o600", NO_MODE),
        ("mode", "0680", NO_MODE),
        ("mode", "rw", NO_MODE),
        ("mode", "0602", "lets everybody write"),
        ("mode", "666", "lets everybody write"),
        ("owner", -1, NO_ACCOUNT),
        ("owner", "-1", NO_ACCOUNT),
        ("owner", 4294967295, NO_ACCOUNT),
        ("owner", True, "must be text"),
        ("group", "", "must not be empty"),
        ("signal", "KILL", "must be one of HUP, USR1, USR2, INT, TERM, QUIT, CONT, WINCH"),
        ("signal", 1, "must be one of HUP, USR1, USR2, INT, TERM, QUIT, CONT, WINCH"),
        ("command", "nginx -s reload", NO_LIST),
        ("command", [], NO_LIST),
        ("command", ["nginx", 1], "must be a list of texts without NUL"),
        ("command", ["nginx", "a\0"], "must be a list of texts without NUL"),
        ("command", ["", "x"], "must not be empty"),
        ("command_timeout_seconds", 0, "must be between 1 and 3600"),
        ("debounce_seconds", 3601, "must be between 0 and 3600"),
    ],
)
def test_an_option_refuses(
    key: str,
    value: object,
    what: str,
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
) -> None:
    sound["files"] = [FILE | {key: value}]
    [problem] = problems(sound)
    assert problem.where == f"files.1.{key}"
    assert problem.what.startswith(f"{what} (got ")


def test_a_refused_template_is_not_quoted(
    problems: Callable[..., list[Problem]], sound: dict[str, Any]
) -> None:
    sound["files"] = [FILE | {"template": ["canary"]}]
    assert [str(each) for each in problems(sound)] == ["files.1.template: must be text"]


@pytest.mark.parametrize("key", options_of(FilesSection))
def test_the_example_of_every_option_is_accepted(key: str, read: Read) -> None:
    option, default = options_of(FilesSection)[key]
    assert read(key, option.example) is not None
    assert option.required or getattr(FilesSection(path=Path("p")), key) == default


def test_a_mode_is_shown_as_it_is_written() -> None:
    assert f"{FileMode(0o600)} {FileMode(0o40)}" == "0600 0040"


@pytest.mark.parametrize(
    "options",
    [
        {"secret": "a", "json_key": "k", "stage": "S"},
        {"parameter": "/a", "json_key": "k"},
        {"template": "${secret://a}"},
        {"template_file": "t", "via": "default"},
        {"secret": "a", "signal": "HUP", "pid_file": "/run/x.pid"},
        {"secret": "a", "command": ["x"]},
    ],
)
def test_options_that_go_together(options: dict[str, Any], found: Found) -> None:
    assert found({"path": "/a"} | options, FILE) == []


@pytest.mark.parametrize(
    ("options", "problem", "hint"),
    [
        ({}, "files.1: has no content", ONE_CONTENT),
        (
            {"secret": "a", "parameter": "b", "template": "c", "template_file": "d"},
            "files.1: has secret and parameter and template and template_file",
            ONE_CONTENT,
        ),
        (
            {"template": "x", "json_key": "k"},
            "files.1.json_key: cannot go with template",
            "in a template it is part of the reference: ${secret://name#key}",
        ),
        (
            {"parameter": "/a", "stage": "S"},
            "files.1.stage: cannot go with parameter",
            "in a template it is part of the reference: ${secret://name?stage=…}",
        ),
        (
            {"secret": "a", "signal": "HUP", "pid_file": "p", "command": ["x"]},
            "files.1.command: cannot go with signal",
            "let the command send it",
        ),
        ({"secret": "a", "signal": "HUP"}, "files.1.signal: needs pid_file", "add it"),
        ({"secret": "a", "pid_file": "p"}, "files.1.pid_file: needs signal", "add it"),
        (
            {"secret": "a", "via": "no"},
            "files.1.via: there is no role 'no'",
            "configured are default",
        ),
    ],
)
def test_options_that_contradict(
    options: dict[str, Any], problem: str, hint: str, found: Found
) -> None:
    assert found({"path": "/a"} | options) == [(problem, hint)]


def test_two_files_at_one_path_contradict(found: Found) -> None:
    again = FILE | {"path": "/run/x/../secrets/./db"}
    problem = "files.2.path: /run/secrets/db is written by files.1"
    assert found(FILE, again) == [(problem, "use another")]
    assert found(FILE, FILE | {"path": "/run/secrets/DB"}) == []


def test_the_examples_in_the_documentation_are_one_sound_configuration(
    load: Callable[..., Loaded], sound: dict[str, Any], toml: Callable[[object], str]
) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    # Arrays of tables come after all that `toml` writes.
    loaded = load(toml(sound) + "\n".join(blocks))
    assert len(loaded.config.files) >= 3
    assert inconsistencies(loaded.config) == []
