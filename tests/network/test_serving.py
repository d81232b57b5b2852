"""`sidecar serve` on sockets of systemd, in namespaces that are left, on link-local addresses."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest

if TYPE_CHECKING:
    from tests.conftest import Eventually
    from tests.network.conftest import InNamespace, Wires

SERVE = (sys.executable, "-m", "sidecar", "serve")
# Takes the place of systemd: puts sockets from descriptor 3 on, and becomes the program.
PASS_ON = """
import os, sys
names, descriptors, *words = sys.argv[1:]
for place, each in enumerate(descriptors.split(",")):
    os.dup2(int(each), 3 + place)
told = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(place + 1), "LISTEN_FDNAMES": names}
os.execve(words[0], words, os.environ | told)
"""

Started = AbstractContextManager[tuple["subprocess.Popen[bytes]", Path]]


def _shown(log: Path) -> dict[str, str]:
    lines = [line.split() for line in log.read_text().splitlines() if "listening on" in line]
    return {words[3].strip("()"): words[2] for words in lines}


@pytest.fixture
def start(
    variables: dict[str, str], tmp_path: Path, eventually: "Eventually"
) -> Callable[..., Started]:
    """Give a function that runs a command until its doors are open, and kills it in the end."""

    @contextmanager
    def running(
        words: Sequence[str] = SERVE, inherit: Sequence[int] = (), **more: str
    ) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SIDECAR_"))}
        log = tmp_path / f"{len(list(tmp_path.iterdir()))}.log"
        with (
            log.open("wb") as output,
            subprocess.Popen(
                words,
                env={**kept, **variables, **more},
                cwd=tmp_path,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=inherit,
            ) as process,
        ):
            try:
                eventually(lambda: len(_shown(log)) == 4 or process.poll() is not None)
                yield process, log
            finally:
                process.kill()

    return running


def _status(url: str, headers: Mapping[str, str] | None = None) -> int:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=dict(headers or {})), timeout=10
        ) as reply:
            status: int = reply.status
    except HTTPError as exc:
        with exc:
            status = exc.code
    return status


def _passed(*named: tuple[str, socket.socket]) -> tuple[list[str], list[int]]:
    """Give the command that serves with sockets, and the descriptors that it inherits."""
    descriptors = [each.fileno() for _, each in named]
    names = ":".join(name for name, _ in named)
    numbers = ",".join(map(str, descriptors))
    return [sys.executable, "-c", PASS_ON, names, numbers, *SERVE], descriptors


def test_it_serves_on_the_sockets_of_systemd_and_leaves_them_open(
    start: Callable[..., Started],
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as credentials,
        socket.create_server(("127.0.0.1", 0)) as admin,
    ):
        words, inherited = _passed(("credentials", credentials), ("admin", admin))
        ports = [each.getsockname()[1] for each in (credentials, admin)]
        with start(words, inherited) as (process, log):
            urls = _shown(log)
            assert (urls["credentials"], urls["admin"]) == tuple(
                f"http://127.0.0.1:{port}" for port in ports
            )
            assert _status(f"{urls['admin']}/healthz") == 200
            assert _status(f"{urls['credentials']}/credentials") == 401
            process.terminate()
            assert process.wait(30) == 0
        # The queue is systemd's: who connects meanwhile waits for the next process.
        socket.create_connection(("127.0.0.1", ports[0]), timeout=5).close()


def test_a_socket_that_no_door_has_is_refused(start: Callable[..., Started]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port = opened.getsockname()[1]
        words, inherited = _passed(("web", opened))
        with start(words, inherited) as (process, log):
            assert process.wait(30) == 1
    message, hint = log.read_text().splitlines()[-2:]
    assert message == f"sidecar: the socket web on 127.0.0.1:{port} is named after no door"
    assert hint.startswith("hint: in the .socket unit set FileDescriptorName to one of credentials")


def test_when_its_namespace_is_left_it_ends_with_a_code_of_its_own(
    start: Callable[..., Started], wires: "Wires"
) -> None:
    for name in ("app", "far", "home"):
        wires.add(name)
    wires.connect("app", "10.77.4.1/24", "far", "10.77.4.2/24")
    with (
        start(wires.inside("home", *SERVE)) as (at_home, _),
        start(wires.inside("app", *SERVE)) as (joined, log),
    ):
        wires.ip("app", "link", "del", "to-far")
        assert joined.wait(30) == 69
        # It was there all the time, where there never was an interface.
        assert at_home.poll() is None
    message, hint = log.read_text().splitlines()[-2:]
    assert message == (
        "sidecar: the network namespace has lost its interfaces: the container that owned it has "
        "ended"
    )
    assert hint.startswith("hint: start it again, so that it joins the new namespace: restart:")


def _addresses_of_lo() -> str:
    words = ["ip", "-o", "addr", "show", "dev", "lo"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_it_adds_the_doors_link_local_addresses_and_takes_them_away(
    start: Callable[..., Started], in_namespace: "InNamespace"
) -> None:
    where = {
        "SIDECAR_DOORS_CREDENTIALS": "169.254.170.2:80,127.0.0.1:0",
        "SIDECAR_DOORS_SECRETS": "[fd00:ec2::23]:2773",
        "SIDECAR_DOORS_ADD_LINK_LOCAL": "true",
    }

    def story() -> tuple[int, str, str]:
        with start(**where) as (process, _):
            asked = _status("http://169.254.170.2/credentials")
            during = _addresses_of_lo()
            process.terminate()
            assert process.wait(30) == 0
        return asked, during, _addresses_of_lo()

    asked, during, afterwards = in_namespace(story)
    assert asked == 401
    assert "169.254.170.2/32" in during
    assert "fd00:ec2::23/128" in during
    assert "169.254" not in afterwards
    assert "fd00" not in afterwards


def test_a_link_local_address_that_is_not_there_is_not_added_unasked(
    start: Callable[..., Started], in_namespace: "InNamespace"
) -> None:
    def story() -> str:
        with start(SIDECAR_DOORS_CREDENTIALS="169.254.170.2:80") as (process, log):
            assert process.wait(30) == 1
            return log.read_text()

    message, hint = in_namespace(story).splitlines()[-2:]
    assert message == (
        "sidecar: the credentials door cannot listen on 169.254.170.2:80: Cannot assign requested "
        "address"
    )
    assert hint == (
        "hint: no interface has this address: add it (doors.add_link_local does), or set "
        "doors.credentials to another address"
    )


def test_off_loopback_the_admin_door_wants_its_token_and_takes_a_new_one(
    start: Callable[..., Started], tmp_path: Path, eventually: "Eventually"
) -> None:
    file = tmp_path / "admin.token"
    file.write_text("canary-token-of-the-admin")
    remote = {
        "SIDECAR_DOORS_ADMIN": "0.0.0.0:0",
        "SIDECAR_DOORS_ALLOW_REMOTE": "true",
        "SIDECAR_ADMIN_STATIC_TOKEN_FILE": str(file),
    }
    with start(**remote) as (_, log):
        port = _shown(log)["admin"].rpartition(":")[2]
        url = f"http://127.0.0.1:{port}"
        token = {"Authorization": "canary-token-of-the-admin"}
        assert [_status(f"{url}/{path}") for path in ("healthz", "invalidate")] == [200, 401]
        assert _status(f"{url}/nothing", token) == 404
        file.write_text("canary-another-token-of-it")
        renewed = {"Authorization": "Bearer canary-another-token-of-it"}
        assert eventually(lambda: _status(f"{url}/nothing", renewed) == 404)
        assert _status(f"{url}/nothing", token) == 401
    assert "canary" not in log.read_text()


# Becomes a program that may have no memory that is both written and run, for ever (prctl(2)).
WITHOUT_WRITABLE_CODE = """
import ctypes, os, sys
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_it_needs_no_memory_that_is_both_written_and_run(start: Callable[..., Started]) -> None:
    with start([sys.executable, "-c", WITHOUT_WRITABLE_CODE, *SERVE]) as (process, log):
        if process.poll() == 77:
            pytest.skip("this kernel cannot refuse memory that is both written and run (Linux 6.3)")
        url = _shown(log)["admin"]
        assert (_status(f"{url}/healthz"), _status(f"{url}/readyz")) == (200, 503)


EXEC = """
[identity]
certificate = "workload.pem"
private_key = "workload.key"
[roles.default]
trust_anchor_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/a"
profile_arn = "arn:aws:rolesanywhere:eu-central-1:123456789012:profile/p"
role_arn = "arn:aws:iam::123456789012:role/web"
[apps.web]
token_env = "NOBODY_NEEDS_IT"
"""


def test_a_program_under_exec_is_only_warned_when_its_namespace_is_left(
    variables: dict[str, str], tmp_path: Path, wires: "Wires", eventually: "Eventually"
) -> None:
    (tmp_path / "sidecar.toml").write_text(EXEC)
    for name in ("app", "far"):
        wires.add(name)
    wires.connect("app", "10.77.5.1/24", "far", "10.77.5.2/24")
    program = [sys.executable, "-c", "print('up', flush=True); input()"]
    words = wires.inside("app", sys.executable, "-m", "sidecar", "exec", "--", *program)
    with (
        (tmp_path / "err").open("wb") as err,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, cwd=tmp_path
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        wires.ip("app", "link", "del", "to-far")
        assert eventually(lambda: "has lost its interfaces" in (tmp_path / "err").read_text())
        process.communicate(b"\n")
    assert process.returncode == 0
