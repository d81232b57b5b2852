"""Where the password of a key comes from; it is read only when a key turns out to need one."""

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Protocol

from sidecar.errors import IdentityError
from sidecar.redaction import Secret
from sidecar.regular_file import read_regular_file

_MAX_BYTES: Final = 4096


class Password(Protocol):
    """The password of an encrypted key, the PIN of a token, or a TPM key's authorization."""

    @property
    def asks(self) -> bool:
        """Whether somebody is asked for it when it is read."""
        ...

    def read(self, what: str) -> Secret:
        """Give the password of `what` (for a prompt); IdentityError when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """A password in a file; one newline at its end is ignored."""

    path: Path
    asks: ClassVar[bool] = False

    def read(self, what: str) -> Secret:  # noqa: ARG002
        """Read the file anew, so that a replaced one counts."""
        try:
            content, _ = read_regular_file(self.path, _MAX_BYTES + 1)
            text = content.decode()
        except (OSError, ValueError) as exc:
            raise IdentityError(
                f"password file {self.path} cannot be read: {_reason(exc)}",
                hint="check the path, that this user may read it, and that it is UTF-8 text",
            ) from None
        if len(content) > _MAX_BYTES:
            raise IdentityError(
                f"password file {self.path} is too large", hint="is this the right file?"
            )
        return Secret(text.removesuffix("\n").removesuffix("\r"))


@dataclass(frozen=True, slots=True)
class PasswordVariable:
    """A password in an environment variable."""

    name: str
    environment: Mapping[str, str] = field(repr=False, default_factory=lambda: os.environ)
    asks: ClassVar[bool] = False

    def read(self, what: str) -> Secret:
        """Look the variable up."""
        try:
            return Secret(self.environment[self.name])
        except KeyError:
            raise IdentityError(
                f"variable {self.name}, for the password of {what}, is not set",
                hint=f"set {self.name}",
            ) from None


@dataclass(frozen=True, slots=True)
class PasswordGiven:
    """A password that the command line held, where every user of the machine can read it."""

    password: Secret
    asks: ClassVar[bool] = False

    def read(self, what: str) -> Secret:  # noqa: ARG002
        """Give it."""
        return self.password


@dataclass(frozen=True, slots=True)
class PasswordPrompt:
    """A password that is asked for at the terminal, never on stdin or stdout."""

    asks: ClassVar[bool] = True

    def read(self, what: str) -> Secret:
        """Ask, with echo off."""
        try:
            descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            raise NoPassword(what) from None
        os.close(descriptor)
        try:
            return Secret(getpass.getpass(f"Password of {what}: "))
        except EOFError:
            raise NoPassword(what) from None


@dataclass(frozen=True, slots=True)
class NoPasswordSource:
    """Nothing is configured, and nobody can be asked."""

    asks: ClassVar[bool] = False

    def read(self, what: str) -> Secret:
        """Say so."""
        raise NoPassword(what)


class NoPassword(IdentityError):
    """A key needs a password and no source of one was given."""

    def __init__(self, what: str, noun: str = "password") -> None:
        super().__init__(
            f"{what} needs a {noun} and none is configured",
            hint="give it by a file or a variable: identity.password_file or identity.password_env "
            "(SIDECAR_PASSWORD_FILE, SIDECAR_PASSWORD_ENV)",
        )


def _reason(exc: OSError | ValueError) -> str:
    if isinstance(exc, OSError):
        return exc.strerror or "no plain file"
    return "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else "no path can be like this"
