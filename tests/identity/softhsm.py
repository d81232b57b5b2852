"""SoftHSM2 tokens of a test's own, filled and looked at by pkcs11-tool and p11tool."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

PIN: Final = "1234"
LABEL: Final = "test token"
TOKEN: Final = "pkcs11:token=test%20token"
_SO_PIN: Final = "5678"
_PLACES: Final = ("/usr/lib/softhsm", "/usr/lib64/pkcs11", "/usr/local/lib/softhsm")
_TOOLS: Final = ("softhsm2-util", "pkcs11-tool", "p11tool")
_MODULES: Final = [path for each in _PLACES if (path := Path(each) / "libsofthsm2.so").exists()]


@dataclass(frozen=True)
class SoftHsm:
    """The tokens in one directory, and the module that shows them to this process."""

    directory: Path
    module: Path

    def create_token(self, label: str = LABEL, pin: str = PIN) -> None:
        pins = ("--pin", pin, "--so-pin", _SO_PIN)
        _run("softhsm2-util", "--init-token", "--free", "--label", label, *pins)

    def create_token_without_pin(self, label: str) -> None:
        words = ("--module", self.module, "--slot-index", "1")
        _run("pkcs11-tool", *words, "--init-token", "--label", label, "--so-pin", _SO_PIN)

    def tool(self, *arguments: object, pin: str = PIN) -> str:
        """Run pkcs11-tool, logged in."""
        words = ("--module", self.module, "--token-label", LABEL, "--login", "--pin", pin)
        return _run("pkcs11-tool", *words, *arguments)

    def generate(self, number: str, label: str, kind: str, *flags: str) -> None:
        """Make a key pair on the token."""
        self.tool("--keypairgen", "--key-type", kind, "--id", number, "--label", label, *flags)

    def write(self, kind: str, number: str, label: str, der: bytes) -> None:
        """Write a cert, privkey or pubkey to the token."""
        file = self.directory.parent / f"{kind}-{number}.der"
        file.write_bytes(der)
        named = ("--id", number, "--label", label)
        flags = ("--usage-sign",) if kind == "privkey" else ()
        self.tool("--write-object", file, "--type", kind, *named, *flags)

    def was_told_a_wrong_pin(self, label: str = LABEL) -> bool:
        """Whether the token remembers a wrong PIN since the last right one."""
        words = ("--module", self.module, "--list-token-slots")
        of_token = _run("pkcs11-tool", *words).partition(f"token label        : {label}")[2]
        return "user PIN count low" in of_token.partition("Slot ")[0]

    def configure(self, line: str) -> None:
        """Add a line to the module's configuration."""
        config = self.directory.with_name("softhsm2.conf")
        config.write_text(f"{config.read_text()}{line}\n")

    def delete(self, kind: str, number: str) -> None:
        self.tool("--delete-object", "--type", kind, "--id", number)

    def change_pin(self, old: str, new: str) -> None:
        self.tool("--change-pin", "--new-pin", new, pin=old)

    def printed_uris(self) -> list[str]:
        """Give the URIs of all objects as p11tool writes them."""
        words = ("--provider", str(self.module), "--list-all", "--login", "--set-pin", PIN)
        printed = _run("p11tool", *words, TOKEN)
        return re.findall(r"^\s*URL: (\S+)$", printed, re.MULTILINE)

    def create(self, attributes: dict[Any, Any]) -> None:
        """Store an object that pkcs11-tool would not make."""
        import pkcs11  # noqa: PLC0415 - an extra

        token = pkcs11.lib(str(self.module)).get_token(token_label=LABEL)
        with token.open(rw=True, user_pin=PIN) as session:
            session.create_object({pkcs11.Attribute.TOKEN: True, **attributes})

    def forget(self) -> None:
        """End the module's work in this process; it keeps PINs that it has seen until then."""
        import pkcs11  # noqa: PLC0415 - an extra

        pkcs11.lib(str(self.module)).finalize()

    def remove(self) -> None:
        """Take all tokens away."""
        self.directory.rename(self.directory.with_suffix(".away"))
        self.directory.mkdir()

    def put_back(self) -> None:
        self.directory.rmdir()
        self.directory.with_suffix(".away").rename(self.directory)


@contextmanager
def soft_hsm(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    """Give one initialised token; the machine's own tokens are not seen meanwhile."""
    missing = [each for each in _TOOLS if shutil.which(each) is None]
    if missing or not _MODULES:
        pytest.skip(f"needs SoftHSM2, OpenSC and GnuTLS's tools ({missing or 'softhsm2'} missing)")
    if find_spec("pkcs11") is None:
        pytest.skip("needs python-pkcs11: the extra pkcs11 is not installed")
    tokens = directory / "tokens"
    tokens.mkdir()
    config = directory / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(config))
    hsm = SoftHsm(tokens, _MODULES[0])
    hsm.create_token()
    yield hsm
    # The next test's tokens are elsewhere, and the module reads its configuration once.
    hsm.forget()


def _run(*command: object) -> str:
    words = [str(each) for each in command]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return ended.stdout
