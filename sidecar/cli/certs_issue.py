"""Issue a workload certificate, with a fresh private key, from a private certificate authority."""

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from sidecar.ca import (
    Authority,
    KeyKind,
    Subject,
    certificate_pem,
    issue_workload,
    private_key_pem,
)
from sidecar.cli.certs_files import FilePair, add_content_arguments, checked
from sidecar.clock import SystemClock, iso_seconds
from sidecar.errors import IdentityError, OperatorError
from sidecar.identity.identity import Identity
from sidecar.identity.pem import load_identity

EXAMPLE: Final = "sidecar certs issue --ca ca --directory certs --common-name billing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--ca", type=Path, required=True, metavar="DIR", help="directory with ca.pem and ca.key"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        required=True,
        metavar="DIR",
        help="where to write the certificate and its key; made if it is missing",
    )
    parser.add_argument(
        "--common-name",
        required=True,
        metavar="NAME",
        help="the workload's name: AWS makes the session's source identity of it",
    )
    parser.add_argument("--organization", metavar="NAME", help="seen in AWS as x509Subject/O")
    parser.add_argument(
        "--organizational-unit", metavar="NAME", help="seen in AWS as x509Subject/OU"
    )
    parser.add_argument(
        "--name",
        type=_file_name,
        default="workload",
        help="the files are NAME.pem and NAME.key (default: %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    add_content_arguments(parser, days=30)


def run(arguments: argparse.Namespace) -> int:
    """Write certificate and key and print where they are; a SidecarError says why not."""
    now = SystemClock().now()
    validity = timedelta(days=arguments.days)
    files = _target(arguments)
    issuer = _load_issuer(arguments.ca)
    _check_issuer(issuer.certificate, now=now, until=now + validity)
    certificate, key = issue_workload(
        Authority(issuer.certificate, issuer.key),
        checked(
            Subject(arguments.common_name, arguments.organization, arguments.organizational_unit)
        ),
        now=now,
        validity=validity,
        kind=KeyKind(arguments.key_type),
    )
    files.write(certificate_pem(certificate, *_intermediates(issuer)), private_key_pem(key))
    files.print_paths()
    print(
        f"valid until {iso_seconds(certificate.not_valid_after_utc)}\n"
        f"next: SIDECAR_CERTIFICATE={files.certificate}"
        f" SIDECAR_PRIVATE_KEY={files.private_key} sidecar serve",
        file=sys.stderr,
    )
    return 0


def _target(arguments: argparse.Namespace) -> FilePair:
    """Say where to write, once it is sure that nothing is lost by it."""
    files = FilePair.named(arguments.directory, arguments.name)
    if files.shares_a_file_with(FilePair.named(arguments.ca, "ca")):
        raise OperatorError(
            f"{files.certificate} is the certificate authority itself",
            hint="choose another --name or --directory",
        )
    if not arguments.force:
        files.refuse_to_overwrite("give --force to replace it, or choose another --name")
    return files


def _load_issuer(directory: Path) -> Identity:
    files = FilePair.named(directory, "ca")
    try:
        return load_identity(files.certificate, files.private_key)
    except IdentityError as exc:
        if isinstance(exc.__cause__, FileNotFoundError):
            raise IdentityError(
                f"there is no certificate authority in {directory}: {exc.message}",
                hint=f"make one: sidecar certs ca --directory {directory}",
            ) from exc
        raise


def _intermediates(issuer: Identity) -> tuple[x509.Certificate, ...]:
    """Give what must be sent beside the leaf: nothing, when the issuer is the root itself."""
    if issuer.certificate.issuer == issuer.certificate.subject:
        return ()
    return (issuer.certificate, *issuer.chain)


def _check_issuer(certificate: x509.Certificate, *, now: datetime, until: datetime) -> None:
    """Raise IdentityError unless what this certificate signs is good from `now` to `until`.

    Not checked: whether AWS knows this authority as a trust anchor.
    """
    name = certificate.subject.rfc4514_string()
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not _may_sign_certificates(certificate):
        raise IdentityError(
            f"the certificate of {name} is not a certificate authority's",
            hint="it needs CA:true and, with key usage, keyCertSign",
        )
    if now < starts:
        raise IdentityError(
            f"the certificate authority {name} is not valid before {iso_seconds(starts)}",
            hint=f"wait, or correct this machine's clock (it says {iso_seconds(now)})",
        )
    if ends < now:
        raise IdentityError(
            f"the certificate authority {name} expired at {iso_seconds(ends)}",
            hint="make a new authority and register it as a trust anchor",
        )
    if ends < until:
        left = (ends - now).days
        raise IdentityError(
            f"the certificate authority {name} expires at {iso_seconds(ends)}, the certificate"
            f" would at {iso_seconds(until)}",
            hint=f"ask for --days {left} or less" if left > 0 else "make a new authority",
        )


def _may_sign_certificates(certificate: x509.Certificate) -> bool:
    held = {type(each.value): each.value for each in certificate.extensions}
    basic, usage = held.get(x509.BasicConstraints), held.get(x509.KeyUsage)
    if not isinstance(basic, x509.BasicConstraints) or not basic.ca:
        return False
    return not isinstance(usage, x509.KeyUsage) or usage.key_cert_sign


def _file_name(text: str) -> str:
    if Path(text).name != text or text in ("", ".."):
        raise argparse.ArgumentTypeError(f"must be a file name without a path (got {text!r})")
    return text
