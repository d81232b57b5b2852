"""Sockets that systemd passes on: which are taken, which refused; no child gets them."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from sidecar.config.doors_section import AdminSection, DoorsSection
from sidecar.config.schema import Config
from sidecar.errors import ListenError
from sidecar.web import socket_activation
from sidecar.web.binding import Listening, address_of
from sidecar.web.socket_activation import inherited_sockets, passed_on, with_inherited

IPPROTO_MPTCP = 262  # socket has no name for it before Python 3.12
HERE = str(os.getpid())
TOKEN = AdminSection(token_env="ADMIN_TOKEN")

Pass = Callable[..., dict[str, str]]


def _config(admin: AdminSection | None = None, **doors: Any) -> Config:
    return Config(
        identity=None,
        roles={},
        apps={},
        doors=DoorsSection(**doors),
        admin=admin or AdminSection(),
    )


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Give a function that passes sockets by name, as systemd does; it returns the environment.

    They are duplicates behind all other files, since a test cannot have the descriptors from 3 on.
    """

    def told(*named: tuple[str, socket.socket]) -> dict[str, str]:
        first = 700
        for place, (_, opened) in enumerate(named):
            os.dup2(opened.fileno(), first + place)
            opened.close()
        monkeypatch.setattr(socket_activation, "_FIRST", first)
        names = ":".join(name for name, _ in named)
        return {"LISTEN_PID": HERE, "LISTEN_FDS": str(len(named)), "LISTEN_FDNAMES": names}

    return told


def _listening(host: str = "127.0.0.1", **options: Any) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family, **options)


def test_sockets_named_after_doors_take_the_place_of_their_addresses(passing: Pass) -> None:
    one, other, secrets = _listening(), _listening("::1"), _listening()
    where = [each.getsockname()[1] for each in (one, other, secrets)]
    environment = passing(("credentials", one), ("secrets", secrets), ("credentials", other))
    config = _config()
    inherited = inherited_sockets(environment, config)
    with ExitStack() as stack:
        for each in (each for sockets in inherited.values() for each in sockets):
            stack.enter_context(each)
        doors = with_inherited(config, inherited).doors
    assert [str(each) for each in doors.credentials] == [
        f"127.0.0.1:{where[0]}",
        f"[::1]:{where[1]}",
    ]
    assert [str(each) for each in doors.secrets] == [f"127.0.0.1:{where[2]}"]
    assert doors.admin == config.doors.admin


def test_neither_variables_nor_sockets_reach_children(passing: Pass) -> None:
    environment = passing(("admin", _listening())) | {"LISTEN_PIDFDID": "1", "HOME": "/"}
    os.set_inheritable(700, True)
    (taken,) = inherited_sockets(environment, _config())["admin"]
    with taken:
        assert environment == {"HOME": "/"}
        assert not taken.get_inheritable()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"LISTEN_FDS": "1"}, id="nobody in particular"),
        pytest.param({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, id="another process"),
        pytest.param({"LISTEN_PID": HERE, "LISTEN_FDS": "0"}, id="none"),
    ],
)
def test_without_sockets_for_this_process_nothing_is_taken(environment: dict[str, str]) -> None:
    assert inherited_sockets(environment, _config()) == {}
    assert environment == {}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}, [(3, "a"), (4, "b")], id="two"),
        pytest.param({"LISTEN_FDS": "1"}, [(3, "unknown")], id="no names"),
    ],
)
def test_descriptors_begin_after_the_standard_streams(
    variables: Mapping[str, str], told: list[tuple[int, str]]
) -> None:
    assert passed_on({"LISTEN_PID": "7", **variables}, 7) == told


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        pytest.param({"LISTEN_FDS": "x"}, "LISTEN_FDS is not a number: 'x'", id="no number"),
        pytest.param({}, "LISTEN_FDS is not a number: ''", id="missing"),
        pytest.param(
            {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a"},
            "LISTEN_FDNAMES has 1 names for 2 sockets",
            id="too few names",
        ),
    ],
)
def test_variables_that_contradict_each_other_are_refused(
    variables: Mapping[str, str], sentence: str
) -> None:
    with pytest.raises(ListenError) as caught:
        passed_on({"LISTEN_PID": "7", **variables}, 7)
    assert str(caught.value) == sentence


def _bound() -> socket.socket:
    opened = socket.socket()
    opened.bind(("127.0.0.1", 0))
    return opened


def _datagram() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    return opened


@pytest.mark.parametrize(
    ("name", "make", "what", "hint"),
    [
        pytest.param("web", _listening, "is named after no door", "FileDescriptorName", id="name"),
        pytest.param("unknown", _listening, "is named after no door", "credentials", id="unnamed"),
        pytest.param("admin", _bound, "is not a listening TCP socket", "Accept=no", id="no queue"),
        pytest.param("admin", _datagram, "is not a listening TCP socket", "ListenStream", id="UDP"),
    ],
)
def test_a_socket_that_no_door_can_use_is_refused_by_name_and_address(
    name: str, make: Callable[[], socket.socket], what: str, hint: str, passing: Pass
) -> None:
    opened = make()
    address = f"127.0.0.1:{opened.getsockname()[1]}"
    with pytest.raises(ListenError) as caught:
        inherited_sockets(passing((name, opened)), _config())
    assert str(caught.value) == f"the socket {name} on {address} {what}"
    assert hint in caught.value.hint


def test_another_protocol_than_tcp_is_refused(passing: Pass) -> None:
    try:
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
    except OSError:
        pytest.skip("this kernel has no other protocol of streams (MPTCP)")
    opened.bind(("127.0.0.1", 0))
    opened.listen()
    with pytest.raises(ListenError, match="is not a listening TCP socket"):
        inherited_sockets(passing(("credentials", opened)), _config())


def test_a_unix_socket_is_refused(passing: Pass, tmp_path: Path) -> None:
    opened = socket.socket(socket.AF_UNIX)
    opened.bind(str(tmp_path / "s"))
    opened.listen()
    with pytest.raises(ListenError) as caught:
        inherited_sockets(passing(("credentials", opened)), _config())
    told = f"the socket credentials on {tmp_path / 's'} is not a listening TCP socket"
    assert str(caught.value) == told


def test_what_is_no_socket_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(socket_activation, "_FIRST", descriptor)
    environment = {"LISTEN_PID": HERE, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "admin"}
    with pytest.raises(ListenError, match="what systemd passed as admin is no socket"):
        inherited_sockets(environment, _config())
    os.close(descriptor)


def test_a_socket_for_a_door_that_is_off_is_refused(passing: Pass) -> None:
    opened = _listening()
    with pytest.raises(ListenError, match="is for a door that is off") as caught:
        inherited_sockets(passing(("secrets", opened)), _config(secrets=()))
    assert caught.value.hint == "remove the .socket unit, or set doors.secrets to an address"


@pytest.mark.parametrize("door", ["credentials", "admin"])
def test_a_socket_that_others_reach_must_be_allowed(door: str, passing: Pass) -> None:
    opened = _listening("0.0.0.0")
    port = opened.getsockname()[1]
    with pytest.raises(ListenError) as caught:
        inherited_sockets(passing((door, opened)), _config(TOKEN))
    what = f"the socket {door} on 0.0.0.0:{port} is reachable from elsewhere"
    assert str(caught.value) == what
    assert "allow_remote" in caught.value.hint
    allowed = _config(TOKEN, allow_remote=True)
    (taken,) = inherited_sockets(passing((door, _listening("0.0.0.0"))), allowed)[door]
    taken.close()


def test_after_a_refusal_nothing_stays_open(passing: Pass) -> None:
    environment = passing(("admin", _listening()), ("nobody", _listening()))
    with pytest.raises(ListenError):
        inherited_sockets(environment, _config())
    for descriptor in (700, 701):
        with pytest.raises(OSError):
            os.fstat(descriptor)


def test_a_socket_on_an_added_address_is_kept_to_lo_once(
    ordinary_user: Callable[[], AbstractContextManager[None]],
) -> None:
    opened = _listening("127.0.0.1")
    only = frozenset({address_of(opened).host})
    listening = Listening(only_over_loopback=only, inherited={"credentials": (opened,)})
    with ordinary_user(), ExitStack() as stack:
        for _ in range(2):
            listening.bound("credentials", (), stack)
        device = opened.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
    assert device.rstrip(b"\0") == b"lo"
