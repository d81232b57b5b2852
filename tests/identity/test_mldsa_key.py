"""ML-DSA keys in the three forms of RFC 9881, and none that contradicts itself."""

from collections.abc import Callable
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sidecar.ca import KeyKind
from sidecar.errors import IdentityError
from sidecar.identity.mldsa_key import UnusableMldsaKey, read_mldsa_key
from sidecar.identity.password import NoPasswordSource, PasswordGiven
from sidecar.identity.pem import read_blocks
from sidecar.identity.private_key import open_private_key
from sidecar.redaction import Secret
from tests.identity.hand_made import (
    integer,
    locked_pkcs8,
    oid,
    pem_block,
    pem_body,
    scrypt_key,
    tlv,
)
from tests.identity.material import ML_DSA, SEED, Storage, key_pem, private_key

KINDS: Final = pytest.mark.parametrize("kind", ML_DSA, ids=lambda kind: kind.value)
NUMBERS: Final = {KeyKind.ML_DSA_44: 17, KeyKind.ML_DSA_65: 18, KeyKind.ML_DSA_87: 19}
Damage = Callable[[bytes, bytes], bytes]

SECRET: Final = PasswordGiven(Secret("password"))


def _info(kind: KeyKind, private_key: bytes, version: int = 0) -> bytes:
    algorithm = tlv(0x30, oid(f"2.16.840.1.101.3.4.3.{NUMBERS[kind]}"))
    return tlv(0x30, integer(version) + algorithm + tlv(0x04, private_key))


def _expanded(kind: KeyKind) -> bytes:
    """Take the expanded key out of the vector, where it stands last."""
    sizes = {KeyKind.ML_DSA_44: 2560, KeyKind.ML_DSA_65: 4032, KeyKind.ML_DSA_87: 4896}
    return pem_body(key_pem(private_key(kind), Storage.SEED_AND_EXPANDED))[-sizes[kind] :]


def _both(seed: bytes, expanded: bytes) -> bytes:
    return tlv(0x30, tlv(0x04, seed) + tlv(0x04, expanded))


def _changed(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


@KINDS
def test_the_vector_is_seed_and_expanded_key(kind: KeyKind) -> None:
    vector = pem_body(key_pem(private_key(kind), Storage.SEED_AND_EXPANDED))
    assert vector == _info(kind, _both(SEED, _expanded(kind)))


@KINDS
def test_a_key_with_seed_and_expanded_key_is_that_of_its_seed(kind: KeyKind) -> None:
    key = read_mldsa_key(_info(kind, _both(SEED, _expanded(kind))))
    assert key is not None
    assert key.public_key() == private_key(kind).public_key()


@KINDS
def test_a_key_with_its_seed_alone_is_read_plain_and_locked(kind: KeyKind) -> None:
    der = private_key(kind).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert der == _info(kind, tlv(0x80, SEED))
    for pem in (pem_block("PRIVATE KEY", der), locked_pkcs8(der, b"password", scrypt_key)):
        (block,) = read_blocks(pem)
        opened = open_private_key(block, SECRET, "it")
        assert opened.public_key == private_key(kind).public_key()


WITHOUT_SEED = "holds an ML-DSA key without its seed"
NOT_ITS_OWN = "holds an ML-DSA seed and an expanded key that is not its own"
WRONG_LENGTH = "holds an ML-DSA key of a wrong length"
MALFORMED = "holds a malformed ML-DSA key"


@KINDS
@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        pytest.param(lambda _, key: tlv(0x04, key), WITHOUT_SEED, id="expanded alone"),
        pytest.param(lambda seed, _: tlv(0x04, seed), MALFORMED, id="a seed of a draft"),
        pytest.param(lambda _, key: _both(bytes(32), key), NOT_ITS_OWN, id="another seed"),
        pytest.param(lambda seed, key: _both(seed, _changed(key, 0)), NOT_ITS_OWN, id="rho"),
        pytest.param(lambda seed, key: _both(seed, _changed(key, 32)), NOT_ITS_OWN, id="K"),
        pytest.param(lambda seed, key: _both(seed, _changed(key, 127)), NOT_ITS_OWN, id="tr"),
        pytest.param(lambda seed, key: _both(seed, key[:-1]), WRONG_LENGTH, id="too short"),
        pytest.param(lambda seed, key: _both(seed + b"0", key), WRONG_LENGTH, id="a long seed"),
        pytest.param(lambda *_: b"canary", MALFORMED, id="no DER"),
        pytest.param(lambda seed, _: tlv(0x30, tlv(0x04, seed)), MALFORMED, id="half of it"),
        pytest.param(lambda seed, key: _both(seed, key) + b"\0", MALFORMED, id="too much"),
    ],
)
def test_a_key_that_contradicts_itself_is_refused(
    kind: KeyKind, damage: Damage, problem: str
) -> None:
    der = _info(kind, damage(SEED, _expanded(kind)))
    with pytest.raises(UnusableMldsaKey, match=f"^{problem}$"):
        read_mldsa_key(der)
    (block,) = read_blocks(pem_block("PRIVATE KEY", der))
    with pytest.raises(IdentityError) as caught:
        open_private_key(block, NoPasswordSource(), "private key x")
    assert caught.value.message == f"private key x {problem}"
    assert caught.value.hint.startswith("have key and certificate made anew")


@pytest.mark.parametrize(
    "der",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(tlv(0x30), id="an empty sequence"),
        pytest.param(
            tlv(0x30, integer(0) + tlv(0x30, oid("1.3.101.112")) + tlv(0x04, SEED)), id="Ed25519"
        ),
    ],
)
def test_what_is_no_mldsa_key_is_left_to_others(der: bytes) -> None:
    assert read_mldsa_key(der) is None
