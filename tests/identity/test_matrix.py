"""Every kind of key in every storage with every form of chain: it loads and signs rightly.

The twin of each has one thing wrong, and is refused for that.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sidecar.ca import KeyKind
from sidecar.errors import IdentityError
from sidecar.identity.checks import check_identity
from sidecar.identity.load import load_identity
from sidecar.identity.signing_key import PublicKey, algorithm_of
from sidecar.signing.x509 import Algorithm
from tests.identity.material import (
    CLASSIC,
    KINDS,
    LOCKED,
    ChainForm,
    Material,
    Storage,
    make_material,
    storages,
)
from tests.identity.verdict import MESSAGE, Openssl, openssl_verifies

ALGORITHMS: Final = {
    kind: Algorithm.RSA if kind is KeyKind.RSA_2048 else Algorithm.ECDSA for kind in CLASSIC
}

Make = Callable[[KeyKind, Storage, ChainForm], Material]


@pytest.fixture
def make(tmp_path: Path, now: datetime) -> Make:
    return lambda kind, storage, chain: make_material(tmp_path, kind, storage, chain, now)


@pytest.fixture
def verifies(openssl: Openssl, tmp_path: Path) -> Callable[[PublicKey, bytes], bool]:
    """Let openssl verify a signature, or cryptography where this openssl is too old for it."""

    def judge(public: PublicKey, signature: bytes) -> bool:
        if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            return openssl_verifies(openssl, tmp_path, public, signature)
        public.verify(signature, MESSAGE)
        return True

    return judge


def _cells() -> Iterator[object]:
    for kind in KINDS:
        for storage in storages(kind):
            for chain in ChainForm:
                name = f"{kind.value} in {storage.value}, chain {chain.name}"
                yield pytest.param(kind, storage, chain, id=name)


CELLS: Final = list(_cells())


@pytest.mark.parametrize(("kind", "storage", "chain"), CELLS)
def test_each_identity_loads_whole_and_signs(
    kind: KeyKind,
    storage: Storage,
    chain: ChainForm,
    make: Make,
    verifies: Callable[[PublicKey, bytes], bool],
    now: datetime,
) -> None:
    material = make(kind, storage, chain)

    identity = load_identity(material.places)

    assert (identity.certificate, identity.chain) == (material.leaf, material.chain)
    assert identity.left_out == ()
    assert check_identity(identity, now) == []
    assert algorithm_of(identity.key.public_key) is ALGORITHMS.get(kind, Algorithm.MLDSA)
    assert verifies(material.key.public_key(), identity.certified_key().sign(MESSAGE))


@pytest.mark.parametrize(("kind", "storage", "chain"), CELLS)
def test_the_twin_with_one_thing_wrong_is_refused_for_that(
    kind: KeyKind, storage: Storage, chain: ChainForm, make: Make
) -> None:
    material = make(kind, storage, chain)
    places = material.opened_with("open sesami") if storage in LOCKED else material.places
    key_file = Path(places.key_locator)
    if storage not in LOCKED:
        key_file.write_bytes(key_file.read_bytes()[:-40])
    with pytest.raises(IdentityError) as caught:
        load_identity(places)
    assert caught.value.message == _trouble(storage).format(f"private key {key_file}")


def _trouble(storage: Storage) -> str:
    if storage is Storage.PKCS12_LOCKED:
        return "{} cannot be opened: its password is wrong, or it is damaged"
    if storage in LOCKED:
        return "the password of {} is wrong"
    if storage is Storage.PKCS12:
        return "{} is cut off"
    return "{} is cut off: it has a BEGIN line without its END line, or the reverse"


@pytest.mark.parametrize("storage", storages(KeyKind.EC_P256))
def test_the_key_of_another_certificate_is_refused(
    storage: Storage, make: Make, tmp_path: Path, now: datetime
) -> None:
    certificate = make(KeyKind.EC_P384, Storage.PKCS8, ChainForm.FULL).places.certificate
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    other = make_material(elsewhere, KeyKind.EC_P256, storage, ChainForm.FULL, now).places
    places = replace(other, certificate=certificate, private_key=other.key_locator)
    with pytest.raises(IdentityError) as caught:
        load_identity(places)
    assert caught.value.message == (
        f"private key {other.key_locator} does not belong to certificate {certificate}"
    )
