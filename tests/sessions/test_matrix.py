"""Every way to keep a key and its chain gets a session, and with one thing wrong it gets none.

A cell is a kind of key, its storage and the form of its chain; the signing algorithm follows from
the kind. What refuses the twins is told apart by its message.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509

from sidecar.arn import Arn
from sidecar.ca import KeyKind, private_key_pem
from sidecar.errors import IdentityError, UpstreamRefused
from sidecar.identity.load import load_identity
from sidecar.identity.password import NoPasswordSource
from sidecar.signing.x509 import Algorithm
from tests.identity.material import (
    KINDS,
    LOCKED,
    ML_DSA,
    ChainForm,
    Material,
    Storage,
    make_material,
    private_key,
    storages,
)
from tests.sessions.conftest import Site

CELLS: Final = [
    pytest.param(kind, storage, chain, id=f"{kind.value}-{storage.name}-{chain.name}".lower())
    for kind in KINDS
    for storage, chain in product(storages(kind), ChainForm)
]
# Forms that hold key and certificates in one file: there is no second file to be of another pair.
_TOGETHER: Final = frozenset({Storage.ONE_FILE, Storage.PKCS12, Storage.PKCS12_LOCKED})
_NO_PATH: Final = "Untrusted signing certificate"

every_cell = pytest.mark.parametrize(("kind", "storage", "chain"), CELLS)


@pytest.fixture
def material(
    kind: KeyKind, storage: Storage, chain: ChainForm, tmp_path: Path, moment: datetime
) -> Material:
    return make_material(tmp_path, kind, storage, chain, moment)


@pytest.fixture(scope="session")
def site(
    register_root: Callable[[x509.Certificate], Site],
    tmp_path_factory: pytest.TempPathFactory,
    moment: datetime,
) -> Site:
    anywhere = tmp_path_factory.mktemp("root")
    any_cell = make_material(anywhere, KINDS[1], Storage.PKCS8, ChainForm.NONE, moment)
    return register_root(any_cell.root)


@every_cell
def test_every_cell_gets_a_session(material: Material, site: Site) -> None:
    credentials = site.session(load_identity(material.places).certified_key())
    assert credentials.role_arn == str(site.parameters.role_arn)


@every_cell
def test_a_cell_whose_chain_is_not_sent_is_refused(
    material: Material, site: Site, anchor_of_others: Arn
) -> None:
    key = load_identity(material.places).certified_key()
    # Where there is nothing to leave out, the root is the wrong one.
    anchor = None if key.chain else anchor_of_others
    with pytest.raises(UpstreamRefused, match=_NO_PATH):
        site.session(replace(key, chain=()), anchor)


@every_cell
def test_a_cell_that_names_another_algorithm_is_refused(material: Material, site: Site) -> None:
    key = load_identity(material.places).certified_key()
    others = [each for each in Algorithm if each is not key.algorithm]
    for other in others:
        with pytest.raises(UpstreamRefused, match="algorithm"):
            site.session(replace(key, algorithm=other))


@every_cell
def test_a_cell_with_its_storage_wrong_is_refused(
    kind: KeyKind, storage: Storage, material: Material, tmp_path: Path
) -> None:
    places = material.places
    if storage in LOCKED:
        with pytest.raises(IdentityError, match=r"password|decrypted"):
            load_identity(material.opened_with("not this one"))
        with pytest.raises(IdentityError, match="needs a password"):
            load_identity(replace(places, password=NoPasswordSource()))
    if storage not in _TOGETHER:
        other = next(each for each in KINDS if each is not kind and each not in ML_DSA)
        (tmp_path / "other.key").write_bytes(private_key_pem(private_key(other)))
        with pytest.raises(IdentityError, match="does not belong to certificate"):
            load_identity(replace(places, private_key=str(tmp_path / "other.key")))
    cut = tmp_path / "cut"
    whole = Path(places.key_locator).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IdentityError, match=r"cut off|unknown form|damaged|malformed|decrypted"):
        load_identity(replace(places, private_key=str(cut)))
