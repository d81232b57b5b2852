"""Where the control socket may be, what it displaces and what it leaves behind."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from sidecar.config.control_section import SocketPlace
from sidecar.errors import ListenError
from sidecar.web.admin_door import AdminDoor
from sidecar.web.control_socket import listening_socket, open_control_socket
from sidecar.web.ledger import Ledger

if TYPE_CHECKING:
    from tests.web.conftest import LedgerOf

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory away, as only root can")


@pytest.fixture
def directory() -> Iterator[Path]:
    """Give a directory with a short path, as that of a socket must be, unlike pytest's own."""
    with TemporaryDirectory() as name:
        directory = Path(name) / "run"
        directory.mkdir(mode=0o700)
        yield directory


@pytest.fixture
def place(directory: Path) -> SocketPlace:
    return SocketPlace(directory / "control.sock", configured=True)


@pytest.fixture
def default_place(place: SocketPlace) -> SocketPlace:
    """Give the same place, for which nobody asked."""
    return SocketPlace(place.path, configured=False)


@pytest.fixture
def living(place: SocketPlace) -> Iterator[socket.socket]:
    """Put a socket there on which somebody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(place.path))
        other.listen(0)
        yield other


def _refused(place: SocketPlace) -> ListenError:
    with pytest.raises(ListenError) as caught, listening_socket(place):
        pytest.fail("it listens")
    return caught.value


def _reached(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        return client.connect_ex(str(path)) in (0, errno.EAGAIN)


@pytest.mark.parametrize("umask", [0, 0o077])
def test_only_its_user_may_use_it_whatever_the_umask(umask: int, place: SocketPlace) -> None:
    before = os.umask(umask)
    try:
        with listening_socket(place):
            assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
            assert os.umask(umask) == umask
    finally:
        os.umask(before)


def test_it_is_gone_afterwards(place: SocketPlace) -> None:
    with listening_socket(place):
        assert _reached(place.path)
    assert not place.path.exists()


def test_what_has_taken_its_place_stays(place: SocketPlace) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        with listening_socket(place):
            place.path.unlink()
            other.bind(str(place.path))
            other.listen()
        assert _reached(place.path)


def test_one_that_was_removed_is_no_trouble_at_the_end(place: SocketPlace) -> None:
    with listening_socket(place):
        place.path.unlink()
    assert not place.path.exists()


def test_a_dead_one_is_replaced(place: SocketPlace) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(place.path))
    assert not _reached(place.path)
    with listening_socket(place):
        assert _reached(place.path)


def test_a_living_one_is_not_displaced(place: SocketPlace, living: socket.socket) -> None:
    error = _refused(place)
    assert error.message == f"a living sidecar answers at the control socket {place.path}"
    assert "control.socket" in error.hint
    assert _reached(place.path)


def test_one_that_is_too_busy_to_answer_is_not_displaced(
    place: SocketPlace, living: socket.socket
) -> None:
    with ExitStack() as crowd:
        for _ in range(2):
            client = crowd.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            client.setblocking(False)
            client.connect_ex(str(place.path))
        assert "a living sidecar answers" in _refused(place).message


@pytest.mark.parametrize("kind", ["file", "directory", "link to nothing", "link to a dead socket"])
def test_anything_else_in_its_place_is_refused_and_left_alone(
    kind: str, place: SocketPlace
) -> None:
    match kind:
        case "file":
            place.path.write_text("mine")
        case "directory":
            place.path.mkdir()
        case "link to nothing":
            place.path.symlink_to("nowhere")
        case _:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
                dead.bind(str(place.path.with_name("dead")))
            place.path.symlink_to("dead")
    before = place.path.lstat()
    error = _refused(place)
    assert error.message == f"there is something else in the control socket's place: {place.path}"
    assert place.path.lstat() == before


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_a_directory_that_others_may_write_to_is_refused(mode: int, place: SocketPlace) -> None:
    place.path.parent.chmod(mode)
    error = _refused(place)
    assert f"others may write to the control socket's directory (mode {mode:04o})" in error.message
    assert error.hint.startswith("give it a directory of its own, or ")
    assert [*place.path.parent.iterdir()] == []


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_directory_that_others_may_only_read_will_do(mode: int, place: SocketPlace) -> None:
    place.path.parent.chmod(mode)
    with listening_socket(place):
        assert _reached(place.path)


@as_root
def test_a_directory_of_somebody_else_s_is_refused(place: SocketPlace) -> None:
    os.chown(place.path.parent, 65534, 65534)
    assert "directory belongs to uid 65534" in _refused(place).message


def test_a_directory_that_is_missing_is_told(place: SocketPlace) -> None:
    missing = SocketPlace(place.path.parent / "missing" / "control.sock", configured=True)
    error = _refused(missing)
    assert error.message == (
        f"cannot open the control socket {missing.path}: No such file or directory"
    )


def test_a_directory_of_its_own_is_made_private(directory: Path) -> None:
    own = directory / "credential-sidecar"
    place = SocketPlace(own / "control.sock", configured=False, private_directory=own)
    for _ in range(2):
        with listening_socket(place):
            assert stat.S_IMODE(own.stat().st_mode) == 0o700


@pytest.mark.parametrize(("size", "fits"), [(107, True), (108, False)])
def test_a_path_too_long_for_the_kernel_is_told_clearly(
    size: int, fits: bool, directory: Path
) -> None:
    path = directory / ("x" * (size - len(bytes(directory)) - 1))
    place = SocketPlace(path, configured=True)
    if fits:
        with listening_socket(place):
            assert _reached(path)
    else:
        said = _refused(place).message
        assert said == f"the path of the control socket has 108 bytes, and may have 107: {path}"


@pytest.fixture
def ledger(ledger_of: "LedgerOf") -> Ledger:
    return ledger_of("control")


async def test_an_unusable_place_that_nobody_asked_for_is_a_warning(
    default_place: SocketPlace,
    living: socket.socket,
    caplog: pytest.LogCaptureFixture,
    ledger: Ledger,
) -> None:
    async with open_control_socket(AdminDoor(dict), default_place, ledger) as path:
        assert path is None
    (warning,) = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert warning.startswith("no control socket: a living sidecar answers at ")
    assert _reached(default_place.path)


async def test_an_unusable_place_that_somebody_asked_for_is_an_error(
    place: SocketPlace, living: socket.socket, ledger: Ledger
) -> None:
    with pytest.raises(ListenError):
        async with open_control_socket(AdminDoor(dict), place, ledger):
            pytest.fail("it is open")


async def test_no_place_opens_nothing(ledger: Ledger) -> None:
    async with open_control_socket(AdminDoor(dict), None, ledger) as path:
        assert path is None


async def test_an_open_one_is_gone_afterwards(place: SocketPlace, ledger: Ledger) -> None:
    async with open_control_socket(AdminDoor(dict), place, ledger) as path:
        assert path == place.path
        assert path.is_socket()
    assert not place.path.exists()
