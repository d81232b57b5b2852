"""An authority's directory: its certificate and key, what it has issued, and its last CRL."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from sidecar import file_lock
from sidecar.atomic_file import write_atomically
from sidecar.ca.authority import Authority
from sidecar.ca.issued import Record, from_lines, to_lines, with_certificate
from sidecar.ca.keys import PrivateKey
from sidecar.ca.path import is_self_signed, issuers_above
from sidecar.ca.whole_certificate import MALFORMED, parse_fully
from sidecar.errors import IdentityError, OperatorError
from sidecar.regular_file import read_regular_file

CERTIFICATE: Final = "ca.pem"
PRIVATE_KEY: Final = "ca.key"
RECORD: Final = "issued.jsonl"
CRL: Final = "crl.pem"
LOCK: Final = ".lock"
# A renewal holds the lock while it makes a key, which takes RSA 4096 some seconds.
_PATIENCE_SECONDS: Final = 60.0

# Far above any certificate bundle; a wrong path to a huge file must not fill the memory.
_MAX_PEM_BYTES: Final = 1_000_000
# Of the record and of the list: some hundred thousand certificates.
_MAX_LIST_BYTES: Final = 100_000_000


def load_authority(directory: Path) -> Authority:
    """Read an authority: the certificate that belongs to the key, and the intermediates above it.

    Not checked: whether it may issue anything; that is `check_may_issue`.

    Raises:
        IdentityError: a file is missing or cannot be read, or certificate and key do not match.

    """
    key = _load_key(directory)
    certificates = _load_certificates(directory)
    own = next((each for each in certificates if _belongs(each, key)), None)
    if own is None:
        raise IdentityError(
            f"private key {directory / PRIVATE_KEY} does not belong to certificate"
            f" {directory / CERTIFICATE}",
            hint="give the key that the certificate was made with",
        )
    above = issuers_above(own, certificates)
    return Authority(own, key, tuple(each for each in above if not is_self_signed(each)))


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep every other process from changing the record or the CRL; waits for its turn.

    Raises:
        OperatorError: the directory cannot be written to, or another process is at it for long.

    """
    with contextlib.ExitStack() as stack:
        try:
            lock = file_lock.locked(directory / LOCK, patience_seconds=_PATIENCE_SECONDS)
            stack.enter_context(lock)
        except BlockingIOError as exc:
            raise OperatorError(
                f"another process has been changing {directory} for {_PATIENCE_SECONDS:.0f} s",
                hint="wait for it to end, or see what holds it up",
            ) from exc
        except OSError as exc:
            _refuse_to_write(directory, exc)
        yield


def read_record(directory: Path) -> Record:
    """Read what the authority has issued; nothing where nothing was recorded yet.

    Raises:
        OperatorError: the file cannot be read, or holds something else.

    """
    path = directory / RECORD
    try:
        return from_lines(_content(path, _MAX_LIST_BYTES))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as exc:
        raise OperatorError(
            f"record {path} cannot be read: {getattr(exc, 'strerror', None) or exc}",
            hint="restore it from a backup: without it nothing tells which certificates are out",
        ) from exc


def write_record(directory: Path, record: Record) -> None:
    """Replace the record in one step; whoever calls has read it and written it under one lock.

    Raises:
        OperatorError: it cannot be written; it is as it was.

    """
    write_file(directory / RECORD, to_lines(record), mode=0o600)


def add_to_record(directory: Path, certificate: x509.Certificate) -> None:
    """Enter a certificate; the caller holds the lock.

    Raises:
        OperatorError: the record cannot be read or written; it is as it was.

    """
    write_record(directory, with_certificate(read_record(directory), certificate))


def read_crl(directory: Path, authority: Authority) -> x509.CertificateRevocationList | None:
    """Read the last revocation list; None where there is none.

    Raises:
        OperatorError: it cannot be read, or another authority signed it.

    """
    path = directory / CRL
    try:
        crl = x509.load_pem_x509_crl(_content(path, _MAX_LIST_BYTES))
        ours = crl.is_signature_valid(authority.certificate.public_key())  # type: ignore[arg-type]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise OperatorError(
            f"revocation list {path} cannot be read ({type(exc).__name__})",
            hint="restore it from a backup: it may be the last to know who was revoked",
        ) from exc
    if not ours:
        raise OperatorError(
            f"revocation list {path} was not signed by {authority.name}",
            hint="move it away: it belongs to another authority",
        )
    return crl


def write_crl(directory: Path, crl: x509.CertificateRevocationList) -> int:
    """Replace the revocation list in one step, and say how many bytes it has.

    Raises:
        OperatorError: it cannot be written; it is as it was.

    """
    pem = crl.public_bytes(serialization.Encoding.PEM)
    write_file(directory / CRL, pem, mode=0o644)
    return len(pem)


def write_file(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file of the directory; OperatorError when that cannot be."""
    if len(content) > _MAX_LIST_BYTES:
        raise OperatorError(
            f"{path} would have {len(content)} bytes, and {_MAX_LIST_BYTES} are read back",
            hint="make another authority; this one has issued enough",
        )
    try:
        write_atomically(path, content, mode=mode)
    except OSError as exc:
        _refuse_to_write(path.parent, exc)


def _load_key(directory: Path) -> PrivateKey:
    path = directory / PRIVATE_KEY
    encoded = _read(path, "private key")
    try:
        key = serialization.load_pem_private_key(encoded, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        # The parser's words are not repeated: they may quote what it read.
        raise IdentityError(
            f"private key {path} cannot be read ({type(exc).__name__})",
            hint="expected PEM with PKCS#8, PKCS#1 or SEC1, without a password",
        ) from None
    if not isinstance(key, PrivateKey):
        raise IdentityError(
            f"private key {path} is of an unsupported kind: {type(key).__name__}",
            hint="IAM Roles Anywhere trusts authorities with RSA, EC or ML-DSA keys",
        )
    return key


def _load_certificates(directory: Path) -> list[x509.Certificate]:
    path = directory / CERTIFICATE
    try:
        certificates = x509.load_pem_x509_certificates(_read(path, "certificate"))
        parse_fully(certificates)
    except MALFORMED as exc:
        raise IdentityError(
            f"certificate {path} is malformed ({type(exc).__name__})",
            hint="the file must hold -----BEGIN CERTIFICATE----- blocks",
        ) from exc
    return certificates


def _read(path: Path, what: str) -> bytes:
    try:
        return _content(path, _MAX_PEM_BYTES)
    except FileNotFoundError as exc:
        raise IdentityError(
            f"there is no certificate authority in {path.parent}: {what} {path} is missing",
            hint=f"make one: sidecar certs ca --directory {path.parent}",
        ) from exc
    except OSError as exc:
        raise IdentityError(
            f"{what} {path} cannot be read: {exc.strerror}",
            hint=f"check the path, and that uid {os.geteuid()} may read it",
        ) from exc


def _content(path: Path, limit: int) -> bytes:
    """Read a whole file or fail: half a record would forget whom it revoked."""
    content, _ = read_regular_file(path, limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return content


def _belongs(certificate: x509.Certificate, key: PrivateKey) -> bool:
    try:
        return certificate.public_key() == key.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return False


def _refuse_to_write(directory: Path, exc: OSError) -> NoReturn:
    raise OperatorError(
        f"cannot write to {directory}: {exc.strerror}",
        hint=f"it must be a directory that uid {os.geteuid()} may write to",
    ) from exc
