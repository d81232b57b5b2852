"""Network namespaces for tests: one that a function runs in, and several with wires between."""

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from sidecar.ca import Subject, certificate_pem, create_root, issue_workload, private_key_pem

_CLONE_NEWNET: Final = 0x40000000

DOORS: Final = ("credentials", "secrets", "aws_api", "admin")
SCOPE: Final = "arn:aws:rolesanywhere:eu-central-1:123456789012"

InNamespace = Callable[[Callable[[], Any]], Any]


def _need_root_and_ip() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes network namespaces here")
    if shutil.which("ip") is None:
        pytest.skip("no network namespace can be set up: ip (iproute2) is missing")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this root may make no network namespace")


@pytest.fixture
def in_namespace() -> InNamespace:
    """Give a function that calls another one in a new network namespace, with `lo` up.

    A namespace is a thread's: the sockets and the processes that it makes are there.
    """
    _need_root_and_ip()

    def run(function: Callable[[], Any]) -> Any:
        results: list[Any] = []

        def work() -> None:
            try:
                assert ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) == 0
                subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
                results.append(function())
            except BaseException as exc:  # noqa: BLE001 - raised again where the test sees it
                results.append(exc)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if isinstance(results[0], BaseException):
            raise results[0]
        return results[0]

    return run


@dataclass
class Wires:
    """Network namespaces by name, and virtual wires between them."""

    prefix: str = field(default_factory=lambda: f"t{uuid4().hex[:6]}")
    made: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self._ip("netns", "add", f"{self.prefix}{name}")
        self.made.append(name)
        self.ip(name, "link", "set", "lo", "up")

    def connect(self, one: str, address: str, other: str, other_address: str) -> None:
        """Lay a wire between two namespaces; each end is called after the other namespace."""
        first, second = f"{self.prefix}{one}{other}", f"{self.prefix}{other}{one}"
        self._ip("link", "add", first, "type", "veth", "peer", "name", second)
        for end, name, far, own in (
            (first, one, other, address),
            (second, other, one, other_address),
        ):
            self._ip("link", "set", end, "netns", f"{self.prefix}{name}")
            self.ip(name, "link", "set", end, "name", f"to-{far}")
            nodad = ["nodad"] if ":" in own else []
            self.ip(name, "addr", "add", own, "dev", f"to-{far}", *nodad)
            self.ip(name, "link", "set", f"to-{far}", "up")

    def ip(self, name: str, *words: str) -> None:
        self._ip("-n", f"{self.prefix}{name}", *words)

    def inside(self, name: str, *words: str) -> list[str]:
        """Give the command that runs another one in a namespace."""
        return ["ip", "netns", "exec", f"{self.prefix}{name}", *words]

    def remove(self) -> None:
        for name in self.made:
            self._ip("netns", "del", f"{self.prefix}{name}")

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def wires() -> Iterator[Wires]:
    """Give namespaces to be made; they are removed in the end."""
    _need_root_and_ip()
    made = Wires()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """Give the configuration of a sidecar on free ports, whose AWS is down."""
    now, month = datetime.now(UTC), timedelta(days=30)
    authority = create_root(Subject("Test root"), now=now, validity=month)
    leaf, key = issue_workload(authority, Subject("web"), now=now, validity=month)
    for name, content in (
        ("workload.pem", certificate_pem(leaf)),
        ("workload.key", private_key_pem(key)),
    ):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(content)
    return {
        "SIDECAR_CERTIFICATE": str(tmp_path / "workload.pem"),
        "SIDECAR_PRIVATE_KEY": str(tmp_path / "workload.key"),
        "SIDECAR_TOKEN": "canary-token-of-the-web-app",
        "SIDECAR_TRUST_ANCHOR_ARN": f"{SCOPE}:trust-anchor/a",
        "SIDECAR_PROFILE_ARN": f"{SCOPE}:profile/p",
        "SIDECAR_ROLE_ARN": "arn:aws:iam::123456789012:role/web",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        **{f"SIDECAR_DOORS_{name.upper()}": "127.0.0.1:0" for name in DOORS},
    }
