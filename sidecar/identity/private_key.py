"""Opening one private key of a PEM file."""

from typing import Final

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from sidecar.errors import IdentityError
from sidecar.identity.password import Password
from sidecar.identity.pem import Block
from sidecar.identity.signing_key import PrivateKey, SoftwareKey

# What the parsers raise on bytes that are not what they should be.
UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, InternalError, MemoryError)

# The older way of encryption (RFC 1421), as OpenSSL wrote it; a comma is no base64.
_ENCRYPTED_HEADER: Final = b",ENCRYPTED"
# A wrong password is found out by the padding, or once in 256 times by what comes out of it.
_NOT_OPENED: Final = ("ncorrect password", "not deserialize key data")
_FORMS: Final = "expected an RSA, EC or ML-DSA key: PKCS#8 (openssl pkcs8 -topk8), PKCS#1 or SEC1"


def open_private_key(block: Block, password: Password, what: str) -> SoftwareKey:
    """Open a key, with its password if it is encrypted; a plain one needs none.

    Args:
        block: the key's block of a PEM file.
        password: read only if the key is encrypted.
        what: names the key in messages.

    Raises:
        IdentityError: no password or a wrong one, damage, or a kind of key that cannot sign here.

    """
    match block.label:
        case "PRIVATE KEY":
            key = _pkcs8(_der(block, what), what)
        case "ENCRYPTED PRIVATE KEY":
            key = _locked_pkcs8(block, _secret(password, what), what)
        case "RSA PRIVATE KEY" | "EC PRIVATE KEY":
            locked = _ENCRYPTED_HEADER in block.body
            key = _traditional(block, _secret(password, what) if locked else None, what)
        case _:
            raise _foreign(block, what)
    return software_key(key, what)


def software_key(key: object, what: str) -> SoftwareKey:
    """Take a key that cryptography read; IdentityError if AWS cannot verify its kind."""
    if not isinstance(key, PrivateKey):
        name = type(key).__name__.removesuffix("PrivateKey")
        raise IdentityError(
            f"{what} is of an unsupported kind: {name}",
            hint="IAM Roles Anywhere signs with RSA, EC or ML-DSA keys",
        )
    return SoftwareKey(key)


def revealed(password: Password, what: str) -> bytes:
    """Read a password as the bytes that keys are derived from: UTF-8, or those of a variable."""
    return password.read(what).encoded()


def check_work(content: bytes, what: str) -> None:
    """Refuse what would keep OpenSSL, and with it this process, busy for hours.

    Raises:
        IdentityError: more hashing than `stated_work.MAX_ITERATIONS`, or malformed.

    """
    from sidecar.identity import stated_work  # noqa: PLC0415 - most keys are not encrypted

    try:
        iterations = stated_work.stated_iterations(content)
    except ValueError:
        raise _damaged(what) from None
    if iterations > stated_work.MAX_ITERATIONS:
        raise IdentityError(
            f"{what} wants its password hashed {iterations} times; "
            f"{stated_work.MAX_ITERATIONS} are the limit",
            hint="it may be damaged; if not, write it anew with fewer: openssl … -iter 100000",
        )


def _secret(password: Password, what: str) -> bytes:
    secret = revealed(password, what)
    if not secret:
        raise IdentityError(
            f"{what} is encrypted, and the password that is configured for it is empty",
            hint="put the password where the configuration says it is",
        )
    return secret


# The parsers' words are repeated nowhere below: they may quote what was read.


def _pkcs8(der: bytes, what: str) -> object:
    try:
        return serialization.load_der_private_key(der, None)
    except UNREADABLE:
        key = _mldsa_key(der, what)
    if key is None:
        raise _damaged(what)
    return key


def _mldsa_key(der: bytes, what: str) -> PrivateKey | None:
    from sidecar.identity import mldsa_key  # noqa: PLC0415 - for few keys

    try:
        return mldsa_key.read_mldsa_key(der)
    except mldsa_key.UnusableMldsaKey as exc:
        raise IdentityError(
            f"{what} {exc}",
            hint="have key and certificate made anew; a seed cannot be computed from the rest",
        ) from None


def _locked_pkcs8(block: Block, secret: bytes, what: str) -> object:
    from sidecar.identity import pbes2  # noqa: PLC0415 - most keys are not encrypted

    try:
        return _pkcs8(pbes2.decrypt(_der(block, what), secret), what)
    except pbes2.OtherScheme:
        check_work(_der(block, what), what)
        return _traditional(block, secret, what)
    except pbes2.WrongPassword:
        raise _wrong_password(what) from None
    except UNREADABLE:
        raise _damaged(what) from None


def _traditional(block: Block, secret: bytes | None, what: str) -> object:
    """Open PKCS#1, SEC1, and what was encrypted in one of the ways of old."""
    try:
        return serialization.load_pem_private_key(block.text, secret)
    except UNREADABLE as exc:
        wrong = secret is not None and any(sign in str(exc) for sign in _NOT_OPENED)
        raise (_wrong_password if wrong else _damaged)(what) from None


def _der(block: Block, what: str) -> bytes:
    try:
        return block.der()
    except ValueError:
        raise _damaged(what) from None


def _wrong_password(what: str) -> IdentityError:
    return IdentityError(f"the password of {what} is wrong", hint="check it for blanks at its ends")


def _damaged(what: str) -> IdentityError:
    return IdentityError(f"{what} cannot be read: it is damaged or of an unknown form", hint=_FORMS)


def _foreign(block: Block, what: str) -> IdentityError:
    if block.label == "OPENSSH PRIVATE KEY":
        return IdentityError(
            f"{what} is in OpenSSH's own form",
            hint="ssh-keygen -p -m PKCS8 -f FILE rewrites a copy of it",
        )
    return IdentityError(f"{what} is of an unsupported kind", hint=_FORMS)
