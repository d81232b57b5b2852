"""The files that the commands of ``certs`` read and write: certificates and private keys."""

import argparse
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography import x509

from sidecar.atomic_file import write_atomically
from sidecar.ca.whole_certificate import MALFORMED, parse_fully
from sidecar.errors import IdentityError, OperatorError
from sidecar.regular_file import read_regular_file

# A century: further than any certificate should live, and well inside what a date can hold.
MAX_DAYS: Final = 36_500
# Far above any certificate bundle; a wrong path to a huge file must not fill the memory.
_MAX_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class FilePair:
    """Where a certificate and its private key are kept."""

    certificate: Path
    private_key: Path

    @classmethod
    def named(cls, directory: Path, name: str) -> Self:
        """Give the paths ``name.pem`` and ``name.key`` in a directory."""
        return cls(directory / f"{name}.pem", directory / f"{name}.key")

    def shares_a_file_with(self, other: "FilePair") -> bool:
        """Whether writing this pair would replace a file of the other."""
        return not self.resolved().isdisjoint(other.resolved())

    def resolved(self) -> set[str]:
        """Give both paths with every symlink followed."""
        return {os.path.realpath(self.certificate), os.path.realpath(self.private_key)}

    def write(self, certificate: bytes, private_key: bytes | None) -> None:
        """Write both files, the key for its owner only; a missing directory is made likewise.

        Without a private key, which then is somebody else's, only the certificate is written.

        Raises:
            OperatorError: the directory cannot be made or written to.

        """
        directory = self.certificate.parent
        make_directory(directory)
        try:
            if private_key is not None:
                write_atomically(self.private_key, private_key, mode=0o600)
            write_atomically(self.certificate, certificate, mode=0o644)
        except OSError as exc:
            raise cannot_write(directory, exc) from exc

    def print_paths(self, *, private_key: bool = True) -> None:
        """Print the result for programs: one line a file, its kind and its path, tab between."""
        print(f"certificate\t{self.certificate}")
        if private_key:
            print(f"private-key\t{self.private_key}")


def make_directory(directory: Path) -> None:
    """Make a directory for its owner only where it is missing; OperatorError when it cannot be."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise cannot_write(directory, exc) from exc


def refuse_to_overwrite(*paths: Path, hint: str) -> None:
    """Raise OperatorError when one of the files is there already, even as a dangling link."""
    for path in paths:
        if os.path.lexists(path):
            raise OperatorError(f"{path} exists already", hint=hint)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file in one step; the new one has the mode and the owner of the old one.

    Raises:
        OperatorError: it is missing, is no regular file, or cannot be replaced.

    """
    try:
        before = path.lstat()
        if not stat.S_ISREG(before.st_mode):
            raise OperatorError(
                f"{path} is not a regular file", hint="name the file that the link leads to"
            )
        owner = (before.st_uid, before.st_gid)
        write_atomically(path, content, mode=stat.S_IMODE(before.st_mode), owner=owner)
    except OSError as exc:
        raise cannot_write(path, exc) from exc


def read_file(path: Path, what: str) -> bytes:
    """Read a small file; IdentityError names it by `what` it is."""
    try:
        content, _ = read_regular_file(path, _MAX_BYTES + 1)
    except OSError as exc:
        raise IdentityError(
            f"{what} {path} cannot be read: {exc.strerror}",
            hint=f"check the path, and that uid {os.geteuid()} may read it",
        ) from exc
    if len(content) > _MAX_BYTES:
        raise IdentityError(f"{what} {path} is too large", hint="is this the right file?")
    return content


def read_certificates(path: Path, content: bytes) -> list[x509.Certificate]:
    """Read the certificates of a PEM file, in its order; there is at least one.

    Raises:
        IdentityError: there is none, or one is malformed.

    """
    try:
        certificates = x509.load_pem_x509_certificates(content)
        parse_fully(certificates)
    except MALFORMED as exc:
        raise IdentityError(
            f"certificate {path} is malformed ({type(exc).__name__})",
            hint="the file must hold -----BEGIN CERTIFICATE----- blocks",
        ) from exc
    return certificates


def days(text: str) -> int:
    """Read a number of days from the command line."""
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= number <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_DAYS} (got {text!r})")
    return number


def cannot_write(path: Path, exc: OSError) -> OperatorError:
    """Make the error for a file or directory that cannot be written."""
    return OperatorError(
        f"cannot write to {path}: {exc.strerror}",
        hint=f"uid {os.geteuid()} must be allowed to write there",
    )
