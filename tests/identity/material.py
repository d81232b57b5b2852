"""Makes identities as users keep them: any kind of key, in any kind of storage, with any chain."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, pkcs12

from sidecar.ca import (
    Authority,
    KeyKind,
    MlDsaPrivateKey,
    PrivateKey,
    Subject,
    Workload,
    certificate_pem,
    certify_workload,
    create_intermediate,
    create_root,
    generate_key,
)
from sidecar.identity.password import NoPasswordSource, PasswordGiven
from sidecar.identity.places import IdentityPlaces
from sidecar.redaction import Secret
from tests.identity.hand_made import locked_pkcs8, pem_body, scrypt_key

VECTORS: Final = Path(__file__).parents[1] / "vectors"
PASSWORD: Final = "open sesame, 열려라"
SEED: Final = bytes(range(32))
_PASSWORD: Final = PASSWORD.encode()

KINDS: Final = (
    KeyKind.RSA_2048,
    KeyKind.EC_P256,
    KeyKind.EC_P384,
    KeyKind.EC_P521,
    KeyKind.ML_DSA_44,
    KeyKind.ML_DSA_65,
    KeyKind.ML_DSA_87,
)
ML_DSA: Final[dict[KeyKind, tuple[type[MlDsaPrivateKey], str]]] = {
    KeyKind.ML_DSA_44: (mldsa.MLDSA44PrivateKey, "44.pem"),
    KeyKind.ML_DSA_65: (mldsa.MLDSA65PrivateKey, "65.pem"),
    KeyKind.ML_DSA_87: (mldsa.MLDSA87PrivateKey, "87.pem"),
}
CLASSIC: Final = tuple(kind for kind in KINDS if kind not in ML_DSA)


class Storage(Enum):
    """How the private key is kept."""

    PKCS8 = "PKCS#8"
    PKCS8_PBKDF2 = "PKCS#8, PBKDF2"
    PKCS8_SCRYPT = "PKCS#8, scrypt"
    TRADITIONAL = "PKCS#1 or SEC1"
    TRADITIONAL_LOCKED = "PKCS#1 or SEC1, locked"
    ONE_FILE = "one file with the certificate"
    PKCS12 = "PKCS#12"
    PKCS12_LOCKED = "PKCS#12, locked"
    SEED_AND_EXPANDED = "PKCS#8 with seed and expanded key"
    SEED_AND_EXPANDED_LOCKED = "PKCS#8 with seed and expanded key, scrypt"


class ChainForm(Enum):
    """Where the intermediates are."""

    NONE = "none: the root issued the leaf"
    FULL = "in the certificate's file"
    SHUFFLED = "in the certificate's file in disorder, with the root"
    SEPARATE = "in a file of their own, with comments and CRLF"


LOCKED: Final = frozenset(
    {
        Storage.PKCS8_PBKDF2,
        Storage.PKCS8_SCRYPT,
        Storage.TRADITIONAL_LOCKED,
        Storage.PKCS12_LOCKED,
        Storage.SEED_AND_EXPANDED_LOCKED,
    }
)
_PKCS12: Final = frozenset({Storage.PKCS12, Storage.PKCS12_LOCKED})


@dataclass(frozen=True)
class Material:
    """An identity in its files, and what must be found there.

    Args:
        places: what a user would configure.
        key: the private key, however it is kept.
        leaf: its certificate.
        chain: the intermediates that must be sent, in this order.
        root: what is registered as the trust anchor.

    """

    places: IdentityPlaces
    key: PrivateKey
    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    root: x509.Certificate

    def opened_with(self, password: str) -> IdentityPlaces:
        """Give the same places with another password."""
        return replace(self.places, password=PasswordGiven(Secret(password)))


def storages(kind: KeyKind) -> tuple[Storage, ...]:
    """Say how a key of this kind can be kept: PKCS#12 is not to be had for ML-DSA."""
    everywhere = (Storage.PKCS8, Storage.PKCS8_PBKDF2, Storage.PKCS8_SCRYPT, Storage.ONE_FILE)
    if kind in ML_DSA:
        return (*everywhere, Storage.SEED_AND_EXPANDED, Storage.SEED_AND_EXPANDED_LOCKED)
    traditional = (Storage.TRADITIONAL, Storage.TRADITIONAL_LOCKED)
    return (*everywhere, *traditional, Storage.PKCS12, Storage.PKCS12_LOCKED)


def make_material(
    directory: Path, kind: KeyKind, storage: Storage, chain_form: ChainForm, now: datetime
) -> Material:
    """Write an identity's files.

    Args:
        directory: where to.
        kind: of the leaf's key; the authorities' are of another kind.
        storage: how the key is kept.
        chain_form: where the intermediates are.
        now: a moment at which everything is valid.

    """
    root, upper, lower = _authorities(now)
    key = private_key(kind)
    issuer = root if chain_form is ChainForm.NONE else lower
    leaf = certify_workload(
        issuer,
        Workload(Subject("billing", "Example", "Payments").name(), key.public_key()),
        now=now,
        validity=timedelta(days=30),
    )
    above = () if chain_form is ChainForm.NONE else (lower.certificate, upper.certificate)
    bundle: tuple[x509.Certificate, ...] = (leaf,)
    chain_file = None
    if chain_form is ChainForm.FULL:
        bundle = (leaf, *above)
    elif chain_form is ChainForm.SHUFFLED:
        bundle = (root.certificate, upper.certificate, leaf, lower.certificate)
    elif chain_form is ChainForm.SEPARATE:
        chain_file = directory / "chain.pem"
        chain_file.write_bytes(_commented(above))
    places = _write(directory, key, storage, bundle)
    return Material(replace(places, chain=chain_file), key, leaf, above, root.certificate)


@cache
def private_key(kind: KeyKind) -> PrivateKey:
    """Give one key of each kind; RSA's comes from a file, since making one takes long."""
    if kind in ML_DSA:
        return ML_DSA[kind][0].from_seed_bytes(SEED)
    if kind is KeyKind.RSA_2048:
        pem = (VECTORS / "create_session_rsa/private_key.pem").read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key
    return generate_key(kind)


@cache
def _authorities(now: datetime) -> tuple[Authority, Authority, Authority]:
    year = timedelta(days=365)
    root = create_root(Subject("Material root"), now=now, validity=year)
    upper = create_intermediate(
        root, Subject("Material upper"), now=now, validity=year, path_length=1
    )
    return (
        root,
        upper,
        create_intermediate(upper, Subject("Material lower"), now=now, validity=year),
    )


def _commented(certificates: tuple[x509.Certificate, ...]) -> bytes:
    parts = (f"subject={each.subject.rfc4514_string()}\n" for each in certificates)
    text = b"".join(
        comment.encode() + certificate_pem(each)
        for comment, each in zip(parts, certificates, strict=True)
    )
    return text.replace(b"\n", b"\r\n")


def _write(
    directory: Path, key: PrivateKey, storage: Storage, certificates: tuple[x509.Certificate, ...]
) -> IdentityPlaces:
    certificate, private = directory / "workload.pem", directory / "workload.key"
    password = PasswordGiven(Secret(PASSWORD)) if storage in LOCKED else NoPasswordSource()
    if storage in _PKCS12:
        bundle = directory / "workload.p12"
        bundle.write_bytes(_pkcs12(key, certificates, locked=storage in LOCKED))
        bundle.chmod(0o600)
        return IdentityPlaces(certificate=str(bundle), password=password)
    if storage is Storage.ONE_FILE:
        certificate.write_bytes(certificate_pem(*certificates) + key_pem(key, storage))
        certificate.chmod(0o600)
        return IdentityPlaces(certificate=str(certificate))
    certificate.write_bytes(certificate_pem(*certificates))
    private.write_bytes(key_pem(key, storage))
    private.chmod(0o600)
    return IdentityPlaces(certificate=str(certificate), private_key=str(private), password=password)


def key_pem(key: PrivateKey, storage: Storage) -> bytes:
    """Write a private key as PEM."""
    return _WRITERS[storage](key)


def _vector(key: PrivateKey) -> bytes:
    (name,) = (name for kind, name in ML_DSA.values() if isinstance(key, kind))
    return (VECTORS / "ml_dsa" / name).read_bytes()


def _plain(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())


def _pbkdf2(key: PrivateKey) -> bytes:
    locking = serialization.BestAvailableEncryption(_PASSWORD)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locking)


def _traditional(key: PrivateKey) -> bytes:
    locking = serialization.NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, locking)


def _traditional_locked(key: PrivateKey) -> bytes:
    locking = serialization.BestAvailableEncryption(_PASSWORD)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, locking)


_WRITERS: Final[dict[Storage, Callable[[PrivateKey], bytes]]] = {
    Storage.PKCS8: _plain,
    Storage.ONE_FILE: _plain,
    Storage.PKCS8_PBKDF2: _pbkdf2,
    Storage.PKCS8_SCRYPT: lambda key: _locked(_plain(key)),
    Storage.TRADITIONAL: _traditional,
    Storage.TRADITIONAL_LOCKED: _traditional_locked,
    Storage.SEED_AND_EXPANDED: _vector,
    Storage.SEED_AND_EXPANDED_LOCKED: lambda key: _locked(_vector(key)),
}


def _locked(pem: bytes) -> bytes:
    return locked_pkcs8(pem_body(pem), _PASSWORD, scrypt_key)


def _pkcs12(key: PrivateKey, certificates: tuple[x509.Certificate, ...], *, locked: bool) -> bytes:
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    (leaf,) = (each for each in certificates if each.public_key() == key.public_key())
    others = [each for each in certificates if each != leaf]
    locking: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if locked:
        locking = serialization.BestAvailableEncryption(_PASSWORD)
    return pkcs12.serialize_key_and_certificates(b"billing", key, leaf, others, locking)
