"""A private key on a PKCS#11 token, signing."""

import hashlib
from dataclasses import dataclass
from typing import Final

import pkcs11
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import Attribute, KeyType, Mechanism

from sidecar.errors import IdentityError
from sidecar.identity.device_signature import DevicePublicKey, checked
from sidecar.identity.pkcs11_objects import find_private_keys, only_private_key, public_half
from sidecar.identity.pkcs11_token import TokenAccess, TokenSession

# RFC 8017 section 9.2, note 1: DigestInfo of a SHA-256 digest, but for the digest itself.
_SHA256_DIGEST_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True, slots=True, repr=False)
class TokenKey:
    """A private key that never leaves its token; each signature has a session of its own."""

    public_key: DevicePublicKey
    access: TokenAccess

    def sign(self, message: bytes) -> bytes:
        """Sign with SHA-256; blocks on the device, for as long as that likes.

        Raises:
            IdentityError: the token is away, holds another key, or refuses.

        """
        signature = self.access.run(lambda opened: self._sign(opened, message), login=True)
        return checked(signature, message, self.public_key)

    def _sign(self, opened: TokenSession, message: bytes) -> bytes:
        key = self._found_again(opened)
        digest = hashlib.sha256(message).digest()
        pin = opened.pin.reveal() if opened.pin is not None and _wants_pin_again(key) else None
        if key.key_type == KeyType.EC:
            raw = key.sign(digest, mechanism=Mechanism.ECDSA, pin=pin)
            half = len(raw) // 2
            return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
        if Mechanism.SHA256_RSA_PKCS in opened.session.token.slot.get_mechanisms():
            return bytes(key.sign(message, mechanism=Mechanism.SHA256_RSA_PKCS, pin=pin))
        return bytes(key.sign(_SHA256_DIGEST_INFO + digest, mechanism=Mechanism.RSA_PKCS, pin=pin))

    def _found_again(self, opened: TokenSession) -> pkcs11.PrivateKey:
        """Find the key of the start; others may have come to fit the URI meanwhile."""
        for each in find_private_keys(opened, self.access.uri):
            if public_half(opened, each) == self.public_key:
                return each
        raise IdentityError(
            "the token holds another private key than at the start",
            hint="put the token back, or reload with a certificate for the new key",
        )


def open_token_key(access: TokenAccess) -> TokenKey:
    """Find the one private key that the URI means, and its public half.

    This does not prove that the token can sign with it; the first signature does.

    Raises:
        IdentityError: no such token or key, several of them, or a refused PIN.

    """
    found = access.run(
        lambda opened: public_half(opened, only_private_key(opened, access.uri)), login=True
    )
    return TokenKey(found, access)


def _wants_pin_again(key: pkcs11.PrivateKey) -> bool:
    """Whether each signature needs a login of its own (CKA_ALWAYS_AUTHENTICATE)."""
    try:
        return bool(key[Attribute.ALWAYS_AUTHENTICATE])
    except pkcs11.AttributeTypeInvalid:
        return False
