"""A software TPM of a test's own (swtpm), and the tools that make keys in it."""

import os
import secrets
import shutil
import socket
import subprocess
from base64 import encodebytes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

_TOOLS: Final = ("swtpm", "tpm2_create", "tpm2_encodeobject")
_BIND_ATTEMPTS: Final = 20
_LOWEST_PORT: Final = 20_000
_PORT_PAIRS: Final = 6_000
SIGNING: Final = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"
Eventually = Callable[[Callable[[], Any]], Any]


@dataclass
class SwTpm:
    """A TPM that can be taken away and put back."""

    directory: Path
    eventually: Eventually
    port: int = 0
    _process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def tcti(self) -> str:
        return f"swtpm:host=127.0.0.1,port={self.port}"

    def plug_in(self) -> None:
        """Start it, on the port of before if it had one."""
        for _ in range(_BIND_ATTEMPTS):
            port = self.port or _free_port_with_neighbour()
            process = subprocess.Popen(_command(self.directory, port), stderr=subprocess.DEVNULL)
            self.eventually(partial(_has_begun, process, port))
            if process.poll() is None:
                self.port, self._process = port, process
                return
        pytest.fail("swtpm found no port")

    def unplug(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    def run(self, *command: object) -> str:
        """Run a program of tpm2-tools, or openssl with its TPM provider."""
        variables = {"TPM2TOOLS_TCTI": self.tcti, "TPM2OPENSSL_TCTI": self.tcti}
        ended = subprocess.run(
            [str(each) for each in command],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.directory,
            env={**os.environ, **variables},
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def loaded_keys(self) -> list[str]:
        """Give the handles of keys that take room in the TPM."""
        return self.run("tpm2_getcap", "handles-transient").split()

    def persist_primary(self, handle: str = "0x81000001", hierarchy: str = "o") -> str:
        """Make a parent that stays."""
        self.run("tpm2_createprimary", "-C", hierarchy, "-G", "ecc", "-c", "primary.ctx", "-Q")
        self.run("tpm2_evictcontrol", "-C", "o", "-c", "primary.ctx", handle, "-Q")
        return self._cleared(handle)

    def create(self, algorithm: str, parent: str, attributes: str = SIGNING, *more: str) -> None:
        """Make a key under a persistent parent: key.pub and key.priv."""
        kind = ("-G", algorithm, "-a", attributes, "-u", "key.pub", "-r", "key.priv")
        self.run("tpm2_create", "-C", parent, *kind, "-Q", *more)

    def persist(self, parent: str, handle: str = "0x81000002") -> int:
        """Load the key that was made last, and keep it at a handle."""
        self._cleared("")
        both = ("-u", "key.pub", "-r", "key.priv")
        self.run("tpm2_load", "-C", parent, *both, "-c", "key.ctx", "-Q")
        self.run("tpm2_evictcontrol", "-C", "o", "-c", "key.ctx", handle, "-Q")
        return int(self._cleared(handle), 16)

    def encode(self, parent: str, *more: str) -> bytes:
        """Write the key that was made last as a TSS2 file."""
        both = ("-u", "key.pub", "-r", "key.priv")
        self.run("tpm2_encodeobject", "-C", parent, *both, "-o", "key.pem", *more)
        self._cleared("")
        return (self.directory / "key.pem").read_bytes()

    def key_of_hierarchy(self, hierarchy: str, encoded: bytes) -> bytes:
        """Make a key under the standard primary key of a hierarchy, as a TSS2 file.

        The tools write none, so their two halves are put together here.
        """
        template = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda"
        primary = ("-G", "ecc256:aes128cfb", "-g", "sha256", "-a", template)
        self.run("tpm2_createprimary", "-C", hierarchy, *primary, "-c", "primary.ctx", "-Q")
        self.create("ecc256", "primary.ctx")
        self._cleared("")
        halves = (self.directory / name for name in ("key.pub", "key.priv"))
        fields = [bytes.fromhex("06066781050a0103a003010101"), encoded]
        both = [each.read_bytes() for each in halves]
        fields += [b"\x04\x81" + bytes([len(half)]) + half for half in both]
        body = b"".join(fields)
        der = b"\x30\x82" + len(body).to_bytes(2) + body
        label = b"TSS2 PRIVATE KEY"
        return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, encodebytes(der), label)

    def openssl_key(self, *options: str) -> bytes:
        """Let openssl's provider make a TSS2 file under the owner hierarchy."""
        words = [word for option in options for word in ("-pkeyopt", option)]
        kind = "RSA" if any("bits" in each for each in options) else "EC"
        made = ("-provider", "tpm2", "-algorithm", kind, *words, "-out", "key.pem")
        self.run("openssl", "genpkey", *made)
        self._cleared("")
        return (self.directory / "key.pem").read_bytes()

    def _cleared(self, handle: str) -> str:
        """Flush what the tools left: there is no resource manager."""
        self.run("tpm2_flushcontext", "--transient-object")
        return handle


@contextmanager
def sw_tpm(directory: Path, eventually: Eventually) -> Iterator[SwTpm]:
    """Give a fresh TPM."""
    if find_spec("tpm2_pytss") is None:
        pytest.skip("needs tpm2-pytss: the extra tpm is not installed")
    missing = [each for each in _TOOLS if shutil.which(each) is None]
    if missing:
        pytest.skip(f"needs a software TPM and its tools ({', '.join(missing)} missing)")
    tpm = SwTpm(directory, eventually)
    tpm.plug_in()
    try:
        yield tpm
    finally:
        tpm.unplug()


def _command(directory: Path, port: int) -> list[str]:
    here = "type=tcp,bindaddr=127.0.0.1"
    channels = ["--server", f"{here},port={port}", "--ctrl", f"{here},port={port + 1}"]
    state = ["--tpm2", "--tpmstate", f"dir={directory}", "--log", f"file={directory}/log"]
    return ["swtpm", "socket", *state, *channels, "--flags", "not-need-init,startup-clear"]


def _free_port_with_neighbour() -> int:
    """Find a port that is free together with the next one, where the control channel is expected.

    Below the ports that the system gives away by itself: the probe of `_has_begun` would take
    another program's listener at the control channel's port for this one's.
    """
    while True:
        port = _LOWEST_PORT + 2 * secrets.randbelow(_PORT_PAIRS)
        try:
            for each in (port, port + 1):
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        return port


def _has_begun(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Whether it has ended, for want of a port, or listens."""
    with socket.socket() as probe:
        return process.poll() is not None or probe.connect_ex(("127.0.0.1", port + 1)) == 0
