"""Where the control socket is: what is configured, and what is taken where nothing is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.control_section import ControlSection, SocketPlace, socket_place, why_nowhere
from sidecar.config.load import Loaded
from sidecar.errors import Problem

USER = Path("/run/user/1000/credential-sidecar")
OF_USER = SocketPlace(USER / "control.sock", configured=False, private_directory=USER)
OF_SYSTEM = SocketPlace(Path("/run/sidecar/control.sock"), configured=False)


@pytest.mark.parametrize(
    ("socket", "runtime", "system", "place"),
    [
        ("/a/b.sock", "/run/user/1000", True, SocketPlace(Path("/a/b.sock"), configured=True)),
        ("off", "/run/user/1000", True, None),
        (None, "/run/user/1000", True, OF_SYSTEM),
        (None, None, True, OF_SYSTEM),
        (None, "/run/user/1000", False, OF_USER),
        (None, "relative", False, None),
        (None, "", False, None),
        (None, None, False, None),
    ],
)
def test_the_socket_has_one_place(
    socket: str | None, runtime: str | None, system: bool, place: SocketPlace | None
) -> None:
    environment = {} if runtime is None else {"XDG_RUNTIME_DIR": runtime}
    found = socket_place(ControlSection(socket=socket), environment, system_directory=system)
    assert found == place


@pytest.mark.parametrize(
    ("socket", "why"),
    [("off", "it is off"), (None, "/run/sidecar cannot be written, and XDG_RUNTIME_DIR names no")],
)
def test_why_there_is_no_socket_tells_what_was_switched_off_from_what_was_not_found(
    socket: str | None, why: str
) -> None:
    assert why_nowhere(ControlSection(socket=socket)).startswith(why)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "must not be empty"),
        (1, "must be text"),
        (True, "must be text"),
        ("a\0b", "must not hold a NUL character"),
        ("/" + "x" * 107, "has 108 bytes, and the path of a socket at most 107"),
        ("/" + "ü" * 54, "has 109 bytes, and the path of a socket at most 107"),
    ],
)
def test_what_can_be_no_path_of_a_socket_is_refused(
    said: object,
    problem: str,
    problems: Callable[..., list[Problem]],
    sound: dict[str, Any],
) -> None:
    (found,) = problems({**sound, "control": {"socket": said}})
    assert (found.where, found.what.partition(" (got")[0]) == ("control.socket", problem)


@pytest.mark.parametrize("said", ["off", "here.sock", "/" + "x" * 106])
def test_a_path_that_fits_is_taken(
    said: str, load: Callable[..., Loaded], sound: dict[str, Any]
) -> None:
    assert load({**sound, "control": {"socket": said}}).config.control.socket == said
