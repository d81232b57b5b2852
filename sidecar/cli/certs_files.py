"""The pair of files that the commands of ``certs`` make: a certificate and its private key."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sidecar.atomic_file import write_atomically
from sidecar.ca import KeyKind, Subject
from sidecar.errors import OperatorError

# A century: further than any certificate should live, and well inside what a date can hold.
_MAX_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class FilePair:
    """Where a certificate and its private key are kept."""

    certificate: Path
    private_key: Path

    @classmethod
    def named(cls, directory: Path, name: str) -> Self:
        """Give the paths ``name.pem`` and ``name.key`` in a directory."""
        return cls(directory / f"{name}.pem", directory / f"{name}.key")

    def refuse_to_overwrite(self, hint: str) -> None:
        """Raise OperatorError when one of the files is there already, even as a dangling link."""
        for path in (self.certificate, self.private_key):
            if os.path.lexists(path):
                raise OperatorError(f"{path} exists already", hint=hint)

    def shares_a_file_with(self, other: "FilePair") -> bool:
        """Whether writing this pair would replace a file of the other."""
        return not self.resolved().isdisjoint(other.resolved())

    def resolved(self) -> set[str]:
        """Give both paths with every symlink followed."""
        return {os.path.realpath(self.certificate), os.path.realpath(self.private_key)}

    def write(self, certificate: bytes, private_key: bytes) -> None:
        """Write both files, the key for its owner only; a missing directory is made likewise.

        Raises:
            OperatorError: the directory cannot be made or written to.

        """
        directory = self.certificate.parent
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self.private_key, private_key, mode=0o600)
            write_atomically(self.certificate, certificate, mode=0o644)
        except OSError as exc:
            raise OperatorError(
                f"cannot write to {directory}: {exc.strerror}",
                hint=f"it must be a directory that uid {os.geteuid()} may write to",
            ) from exc

    def print_paths(self) -> None:
        """Print the result for programs: one line a file, its kind and its path, tab between."""
        print(f"certificate\t{self.certificate}")
        print(f"private-key\t{self.private_key}")


def add_content_arguments(parser: argparse.ArgumentParser, *, days: int) -> None:
    """Declare the options for what goes into a pair; `days` is the default validity."""
    parser.add_argument(
        "--key-type",
        choices=[kind.value for kind in KeyKind],
        default=KeyKind.EC_P256.value,
        help="kind of the new private key (default: %(default)s)",
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=days,
        metavar="N",
        help="how long the certificate is valid (default: %(default)s)",
    )


def checked(subject: Subject) -> Subject:
    """Return the subject; OperatorError when it cannot stand in a certificate."""
    try:
        subject.name()
    except ValueError as exc:
        raise OperatorError(str(exc), hint="choose a short name for people and policies") from exc
    return subject


def _days(text: str) -> int:
    days = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= days <= _MAX_DAYS:
        raise argparse.ArgumentTypeError(f"must be 1 to {_MAX_DAYS} (got {text!r})")
    return days
