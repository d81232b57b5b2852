"""Keys and certificates on PKCS#11 tokens, by URI; needs the extra ``pkcs11``."""

from pathlib import Path

from cryptography import x509

from sidecar.identity.extras import import_extra
from sidecar.identity.kept_password import KeptPassword
from sidecar.identity.password import NoPassword, Password
from sidecar.identity.pkcs11_uri import parse_uri
from sidecar.identity.signing_key import SigningKey


def open_key(uri: str, *, module: Path | None, pin: Password) -> SigningKey:
    """Open the one private key that a URI names, by itself or by its certificate.

    This does not prove that the token can sign with it; the first signature does.

    Args:
        uri: RFC 7512; its module and PIN go before the other arguments.
        module: shared library of the token; None for p11-kit's proxy.
        pin: read when the token wants a login.

    Raises:
        IdentityError: a malformed URI, no such module, token or key, several of them, or a refused
            PIN. The PIN is not sent again then, whoever asks.

    """
    parsed = parse_uri(uri)
    import_extra("pkcs11", "pkcs11", "a pkcs11: URI")
    from sidecar.identity.pkcs11_key import open_token_key  # noqa: PLC0415 - needs the extra
    from sidecar.identity.pkcs11_token import access_to  # noqa: PLC0415

    return open_token_key(access_to(parsed, module, KeptPassword(pin, "PIN")))


def read_certificates(uri: str, *, module: Path | None, pin: Password) -> list[x509.Certificate]:
    """Read the certificates that a URI names, by themselves or by their private key.

    Without a login where the token allows it, so that no PIN is needed for what is public.

    Args:
        uri: RFC 7512; its module and PIN go before the other arguments.
        module: shared library of the token; None for p11-kit's proxy.
        pin: read when nothing is found without a login.

    Raises:
        IdentityError: a malformed URI, no such module, token or certificate, several tokens, or a
            refused PIN.

    """
    parsed = parse_uri(uri)
    import_extra("pkcs11", "pkcs11", "a pkcs11: URI")
    from sidecar.identity.pkcs11_objects import (  # noqa: PLC0415 - needs the extra
        NothingFound,
        find_certificates,
    )
    from sidecar.identity.pkcs11_token import access_to  # noqa: PLC0415

    access = access_to(parsed, module, KeptPassword(pin, "PIN"))
    try:
        return access.run(lambda opened: find_certificates(opened, parsed), login=False)
    except NothingFound as without_login:
        try:
            return access.run(lambda opened: find_certificates(opened, parsed), login=True)
        except NoPassword:
            raise without_login from None
