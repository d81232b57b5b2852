"""A private key in a TPM 2.0, signing."""

import hashlib
from dataclasses import dataclass
from typing import Final

from tpm2_pytss import (
    ESAPI,
    ESYS_TR,
    TPM2_ALG,
    TPM2_CAP,
    TPM2_PT,
    TPM2_SE,
    TPMA_OBJECT,
    TPMT_SIG_SCHEME,
)

from sidecar.errors import IdentityError
from sidecar.identity.device_signature import DevicePublicKey, checked
from sidecar.identity.kept_password import KeptPassword
from sidecar.identity.signing_key import public_der
from sidecar.identity.tpm_device import Loading, WrongPassword, connected
from sidecar.identity.tpm_public import SCHEMES, usable_key
from sidecar.redaction import Secret

# The longest digest that TPM 2.0 knows, which bounds every authorization value.
_MAX_PASSWORD_BYTES: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class TpmKey:
    """A private key that never leaves its TPM; each signature has a connection of its own.

    ``counted`` says whether the TPM counts wrong passwords of this key and locks itself in the end.
    """

    public_key: DevicePublicKey
    name: str
    tcti: str
    loading: Loading
    password: KeptPassword
    scheme: TPM2_ALG
    counted: bool

    def sign(self, message: bytes) -> bytes:
        """Sign with SHA-256; blocks on the device, for as long as that likes.

        Raises:
            IdentityError: the TPM is away, holds another key, or refuses.

        """
        device = hashlib.sha256(public_der(self.public_key)).hexdigest()
        password = self.password.read(device, self.name)
        authorization = _authorization(password, self.name)
        digest = hashlib.sha256(message).digest()
        try:
            with connected(self.tcti) as tpm, self.loading(tpm) as key:
                if self.counted and not self.password.is_accepted:
                    spare_the_last_try(*_wrong_passwords(tpm))
                tpm.tr_set_auth(key, authorization)
                signature = _sign(tpm, key, digest, self.scheme)
        except WrongPassword:
            raise self.password.refuse(device, password, self.name) from None
        self.password.accept(password)
        return checked(signature, message, self.public_key)


def spare_the_last_try(wrong: int, limit: int) -> None:
    """Refuse to send a password where a wrong one would lock the TPM for everybody.

    The count is the TPM's, not the key's: disk encryption may depend on it as well.

    Args:
        wrong: how many wrong passwords the TPM has counted.
        limit: at how many it locks itself.

    Raises:
        IdentityError: one try is left.

    """
    if wrong and wrong + 1 >= limit:
        raise IdentityError(
            f"the TPM has counted {wrong} wrong passwords and locks itself at {limit}",
            hint="no password is sent until it forgets them: wait, or tpm2_dictionarylockout -c",
        )


def open_tpm_key(name: str, tcti: str, loading: Loading, password: KeptPassword) -> TpmKey:
    """Let the TPM tell the key's public half, and check that the key can sign for us.

    This does not prove the password; the first signature does.

    Args:
        name: of the key, for messages.
        tcti: how to reach the TPM.
        loading: how to get at the key.
        password: the key's; read at the first signature.

    Raises:
        IdentityError: no TPM, no such key, or one that cannot sign with SHA-256 by itself.

    """
    with connected(tcti) as tpm, loading(tpm) as key:
        public = tpm.read_public(key)[0].publicArea
    counted = not public.objectAttributes & TPMA_OBJECT.NODA
    key_of, scheme = usable_key(public, name), SCHEMES[public.type]
    return TpmKey(key_of, name, tcti, loading, password, scheme, counted)


def _sign(tpm: ESAPI, key: ESYS_TR, digest: bytes, scheme: TPM2_ALG) -> bytes:
    chosen = TPMT_SIG_SCHEME(scheme=scheme)
    chosen.details.any.hashAlg = TPM2_ALG.SHA256
    # Over an HMAC session, so that the password itself is not on the wire to the TPM.
    session = tpm.start_auth_session(
        ESYS_TR.NONE, ESYS_TR.NONE, TPM2_SE.HMAC, None, TPM2_ALG.SHA256
    )
    try:
        return bytes(tpm.sign(key, digest, chosen, session1=session))
    finally:
        tpm.flush_context(session)


def _authorization(password: Secret, name: str) -> bytes:
    encoded = password.encoded()
    if len(encoded) > _MAX_PASSWORD_BYTES:
        raise IdentityError(
            f"the password of {name} is longer than {_MAX_PASSWORD_BYTES} bytes",
            hint="no TPM takes such a long one",
        )
    return encoded


def _wrong_passwords(tpm: ESAPI) -> tuple[int, int]:
    _, found = tpm.get_capability(TPM2_CAP.TPM_PROPERTIES, TPM2_PT.LOCKOUT_COUNTER, 2)
    so_far, limit = (each.value for each in found.data.tpmProperties.tpmProperty)
    return so_far, limit
