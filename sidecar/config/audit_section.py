"""The options of `[audit]`: where it is put down who was given what."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.config.option import flag, locator, option, options_of, whole_number
from sidecar.errors import Problem

OFF: Final = "off"
STDOUT: Final = "stdout"


def _destination(value: object) -> str | Path:
    """Read a destination; a bare word is more often a mistake than the name of a file."""
    said = locator(value)
    if said in (OFF, STDOUT):
        return said
    if said.endswith("/") or not ("/" in said or "." in said):
        raise ValueError("must be off, stdout or the path of a file")
    return Path(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSection:
    """Where each grant and each refusal is put down, as a line of JSON; never a secret value."""

    destination: str | Path = option(
        _destination,
        "`stdout`, the path of a file, or `off`. For `sidecar exec` only a file counts, since "
        "stdout is the program's.",
        default=STDOUT,
        example="/var/log/sidecar/audit.jsonl",
        hint="such as /var/log/sidecar/audit.jsonl; a file in the directory at hand is ./audit",
    )
    max_megabytes: int = option(
        whole_number(1, 10240),
        "How long the file gets, in MiB, before it is moved to the name with `.1`.",
        default=64,
        example="64",
    )
    keep: int = option(
        whole_number(1, 100), "How many such old files are kept.", default=8, example="8"
    )
    chain: bool = option(
        flag,
        "Whether each line holds the hash of the one before, so that changes can be found.",
        default=False,
        example="true",
    )


def audit_inconsistencies(audit: AuditSection) -> Iterator[Problem]:
    """Find options of files where there is no file; where nothing is written, all may stay."""
    if audit.destination != STDOUT:
        return
    for key in ("max_megabytes", "keep"):
        if getattr(audit, key) != options_of(AuditSection)[key][1]:
            yield Problem(
                f"audit.{key}",
                "cannot go with audit.destination = stdout: only a file is rotated",
                "remove it, or name a file",
            )
