"""Whether a TPM's key can sign for us, by its public area."""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from tpm2_pytss import TPM2_ALG, TPMA_OBJECT, TPMT_PUBLIC

from sidecar.errors import IdentityError
from sidecar.identity.device_signature import DevicePublicKey

SCHEMES: Final = {TPM2_ALG.RSA: TPM2_ALG.RSASSA, TPM2_ALG.ECC: TPM2_ALG.ECDSA}


def usable_key(public: TPMT_PUBLIC, name: str) -> DevicePublicKey:
    """Give the public key, if a password and a digest are all that the TPM wants for signing.

    Args:
        public: as TPM2_ReadPublic gives it.
        name: of the key, for messages.

    Raises:
        IdentityError: another kind of key, or bound to what AWS4-X509 cannot use.

    """
    attributes = public.objectAttributes
    if public.type not in SCHEMES:
        raise _unusable(name, "is neither an RSA nor an ECC key", "one of these")
    if not attributes & TPMA_OBJECT.SIGN_ENCRYPT:
        raise _unusable(name, "may not sign", "a signing key")
    if attributes & TPMA_OBJECT.RESTRICTED:
        raise _unusable(name, "only signs what the TPM made (restricted)", "an unrestricted key")
    if not attributes & TPMA_OBJECT.USERWITHAUTH:
        raise _unusable(name, "is used by a policy alone", "a key with userwithauth")
    if not _signs_as_we_do(public):
        wanted = "a key with scheme rsassa-sha256, ecdsa-sha256 or null"
        raise _unusable(name, "is bound to another signature scheme", wanted)
    return _public_key(public, name)


def _signs_as_we_do(public: TPMT_PUBLIC) -> bool:
    """Whether the key is bound to no scheme, or to the one that AWS4-X509 demands."""
    bound = public.parameters.asymDetail.scheme
    if bound.scheme == TPM2_ALG.NULL:
        return True
    return bool(
        bound.scheme == SCHEMES[public.type] and bound.details.anySig.hashAlg == TPM2_ALG.SHA256
    )


def _public_key(public: TPMT_PUBLIC, name: str) -> DevicePublicKey:
    try:
        key = load_der_public_key(public.to_der())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, DevicePublicKey):
        raise _unusable(name, "is on an unknown curve", "an RSA key, or ECC over P-256")
    return key


def _unusable(name: str, problem: str, wanted: str) -> IdentityError:
    return IdentityError(f"{name} {problem}", hint=f"make {wanted}")
