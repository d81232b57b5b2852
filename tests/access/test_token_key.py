"""The key that app tokens are signed with: read whole, of one kind, and never printed."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sidecar.access.token_key import TokenKey, UnusableTokenKey

Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey


def _pem(key: Private, password: bytes | None = None) -> bytes:
    how = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


KEY = ed25519.Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_the_same_file_is_the_same_key_and_another_is_another() -> None:
    assert TokenKey.read(_pem(KEY), "EdDSA").kid == TokenKey.read(_pem(KEY), "EdDSA").kid
    assert TokenKey.generate("EdDSA").kid != TokenKey.generate("EdDSA").kid
    assert TokenKey.read(b"a" * 32, "HS256").kid == TokenKey.read(b"a" * 32 + b"\n", "HS256").kid
    assert TokenKey.read(b"a" * 32, "HS256").kid != TokenKey.read(b"b" * 32, "HS256").kid


def test_an_ed25519_key_is_called_by_its_thumbprint() -> None:
    """Take the example of RFC 8037, appendix A.3."""
    import base64  # noqa: PLC0415 - for this example alone

    secret = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    key = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    found = TokenKey.read(_pem(key), "EdDSA").kid
    assert found == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "make", [lambda: TokenKey.generate("HS256"), lambda: TokenKey.generate("EdDSA")]
)
def test_a_key_does_not_print(make: Callable[[], TokenKey]) -> None:
    shown = repr(make())
    assert "signing" not in shown
    assert "verifying" not in shown


@pytest.mark.parametrize(
    ("content", "algorithm", "why"),
    [
        (b"", "EdDSA", "holds no unencrypted private key in PEM"),
        (PUBLIC, "EdDSA", "holds no unencrypted private key in PEM"),
        (_pem(KEY, b"password"), "EdDSA", "holds no unencrypted private key in PEM"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), "EdDSA", "holds a key that is not Ed25519"),
        (_pem(x25519.X25519PrivateKey.generate()), "EdDSA", "holds a key that is not Ed25519"),
        (b"", "HS256", "has 0 bytes; at least 32 are needed for HS256"),
        (b"a" * 31 + b"\n", "HS256", "has 31 bytes; at least 32 are needed for HS256"),
        (_pem(KEY), "HS256", "holds PEM, and HS256 takes a secret"),
    ],
)
def test_what_is_no_such_key_is_refused(content: bytes, algorithm: str, why: str) -> None:
    with pytest.raises(UnusableTokenKey) as caught:
        TokenKey.read(content, algorithm)
    assert str(caught.value) == why
