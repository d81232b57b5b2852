"""Make a private certificate authority: a root, or an intermediate under one.

A root is self-signed; AWS is told of it once, as a trust anchor. With --issuer an intermediate is
made: it signs the workloads' certificates in the root's place, whose key can then be put away.
"""

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sidecar.ca import (
    Authority,
    KeyKind,
    Subject,
    certificate_pem,
    create_intermediate,
    create_root,
    private_key_pem,
)
from sidecar.ca.authority import check_may_issue, check_may_issue_authority
from sidecar.ca.directory import CRL, LOCK, RECORD, add_to_record, locked, write_file
from sidecar.cli.certs_authority import (
    add_days_argument,
    add_key_type_argument,
    checked,
    open_authority,
)
from sidecar.cli.certs_files import FilePair, make_directory, refuse_to_overwrite
from sidecar.clock import SystemClock

EXAMPLE: Final = "sidecar certs ca --directory ca --common-name 'Example workloads'"

_ROOT_NAME: Final = "Credential sidecar CA"
_INTERMEDIATE_NAME: Final = "Credential sidecar intermediate CA"
_ROOT_DAYS: Final = 3650
_INTERMEDIATE_DAYS: Final = 1825
# Keys must not be committed with whatever the directory stands in; git reads this in any work tree.
_GITIGNORE: Final = b"*\n"
# More authorities under one another than any organisation has.
_MAX_PATH_LENGTH: Final = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--directory",
        type=Path,
        required=True,
        metavar="DIR",
        help="where to write ca.pem and ca.key; made if it is missing, and then hidden from git",
    )
    parser.add_argument(
        "--issuer",
        type=Path,
        metavar="DIR",
        help="directory of the authority above: make an intermediate under it",
    )
    parser.add_argument(
        "--common-name",
        metavar="NAME",
        help=f"the authority's name (default: {_ROOT_NAME}; {_INTERMEDIATE_NAME})",
    )
    parser.add_argument(
        "--path-length",
        type=int,
        choices=range(_MAX_PATH_LENGTH + 1),
        metavar="N",
        help="how many authorities may stand below this one"
        " (default: any number under a root, 0 under an intermediate)",
    )
    add_key_type_argument(parser, default=KeyKind.EC_P256.value)
    add_days_argument(parser, default=f"{_ROOT_DAYS}; {_INTERMEDIATE_DAYS} for an intermediate")


def run(arguments: argparse.Namespace) -> int:
    """Write the authority and print where it is; OperatorError when one is there already."""
    now = SystemClock().now()
    directory: Path = arguments.directory
    files = FilePair.named(directory, "ca")
    _refuse_authority(files)
    make = _root if arguments.issuer is None else _intermediate
    authority = make(arguments, now)
    pem = certificate_pem(authority.certificate, *authority.chain)
    make_directory(directory)
    # Of two that are made here at once, one is written, and the other is refused.
    with locked(directory):
        _refuse_authority(files)
        of_its_own = _is_empty(directory)
        files.write(pem, private_key_pem(authority.key))
        if of_its_own:
            write_file(directory / ".gitignore", _GITIGNORE, mode=0o644)
    files.print_paths()
    print(_next_step(arguments, files), file=sys.stderr)
    return 0


def _refuse_authority(files: FilePair) -> None:
    directory = files.certificate.parent
    refuse_to_overwrite(
        files.certificate,
        files.private_key,
        directory / RECORD,
        directory / CRL,
        hint="choose another --directory; what an authority has issued does not outlive its key",
    )


def _is_empty(directory: Path) -> bool:
    """Whether nothing else is there: others' files are not to be hidden from git."""
    try:
        return all(each.name == LOCK for each in directory.iterdir())
    except OSError:  # writing to it will tell what is wrong
        return False


def _root(arguments: argparse.Namespace, now: datetime) -> Authority:
    return create_root(
        _subject(arguments, _ROOT_NAME),
        now=now,
        validity=timedelta(days=arguments.days or _ROOT_DAYS),
        kind=KeyKind(arguments.key_type or KeyKind.EC_P256),
        path_length=arguments.path_length,
    )


def _intermediate(arguments: argparse.Namespace, now: datetime) -> Authority:
    """Make it, and enter it in the record of its issuer, who may have to revoke it one day."""
    issuer = open_authority(arguments.issuer)
    subject = _subject(arguments, _INTERMEDIATE_NAME)
    validity = timedelta(days=arguments.days or _INTERMEDIATE_DAYS)
    path_length = arguments.path_length or 0
    check_may_issue(issuer, subject.name(), now=now, until=now + validity)
    check_may_issue_authority(issuer, path_length)
    authority = create_intermediate(
        issuer,
        subject,
        now=now,
        validity=validity,
        kind=KeyKind(arguments.key_type or KeyKind.EC_P256),
        path_length=path_length,
    )
    with locked(arguments.issuer):
        add_to_record(arguments.issuer, authority.certificate)
    return authority


def _subject(arguments: argparse.Namespace, default: str) -> Subject:
    name: str = default if arguments.common_name is None else arguments.common_name
    subject = Subject(name)
    checked(subject.name, hint="choose a short name for people")
    return subject


def _next_step(arguments: argparse.Namespace, files: FilePair) -> str:
    if arguments.issuer is None:
        return (
            f"next: register {files.certificate} as a trust anchor of IAM Roles Anywhere,\n"
            f"      and keep {files.private_key} away from the machines that run workloads"
        )
    return (
        f"next: sidecar certs issue --ca {arguments.directory} …,\n"
        f"      and put the key in {arguments.issuer} away; the root stays the trust anchor"
    )
