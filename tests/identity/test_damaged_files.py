"""Whatever bytes stand in an identity's files: an identity comes out, or an IdentityError."""

from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ca import KeyKind
from sidecar.errors import IdentityError
from sidecar.identity.checks import check_identity
from sidecar.identity.load import load_identity
from sidecar.identity.password import NoPasswordSource, PasswordGiven
from sidecar.identity.places import IdentityPlaces
from sidecar.redaction import Secret
from tests.identity.material import LOCKED, PASSWORD, ChainForm, Storage, make_material

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
MLDSA: Final = (Storage.SEED_AND_EXPANDED, Storage.SEED_AND_EXPANDED_LOCKED)
RIGHT: Final = PasswordGiven(Secret(PASSWORD))
FILES: Final = ("certificate", "private_key", "chain")

# What cryptography warns of when damage has left something that it can still read.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Parsed a serial number"),
    pytest.mark.filterwarnings("ignore:PKCS#12 bundle could not be parsed as DER"),
]


@cache
def _whole(storage: Storage) -> dict[str, bytes]:
    """Give an identity's files by the name of their place; chain and certificate always apart."""
    kind = KeyKind.ML_DSA_44 if storage in MLDSA else KeyKind.EC_P256
    with TemporaryDirectory() as directory:
        places = make_material(Path(directory), kind, storage, ChainForm.SEPARATE, NOW).places
        paths = {
            "certificate": places.certificate,
            "private_key": places.key_locator,
            "chain": str(places.chain),
        }
        return {place: Path(path).read_bytes() for place, path in paths.items()}


def _flipped(content: bytes, bits: list[int]) -> bytes:
    changed = bytearray(content)
    for bit in bits:
        place = bit // 8 % len(changed)
        changed[place] ^= 1 << bit % 8
    return bytes(changed)


def _damage(content: bytes) -> st.SearchStrategy[bytes]:
    places = st.integers(0, len(content))
    return st.one_of(
        st.binary(max_size=200),
        places.map(lambda end: content[:end]),
        places.map(lambda start: content[start:]),
        st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=8).map(
            lambda bits: _flipped(content, bits)
        ),
        st.tuples(places, st.binary(max_size=20)).map(
            lambda insert: content[: insert[0]] + insert[1] + content[insert[0] :]
        ),
    )


@pytest.mark.parametrize("storage", Storage, ids=lambda storage: storage.value)
@given(data=st.data())
def test_damage_gives_an_identity_error_and_nothing_else(
    storage: Storage, data: st.DataObject
) -> None:
    files = _whole(storage)
    damaged = data.draw(st.sampled_from(FILES))
    with TemporaryDirectory() as directory:
        paths = {place: Path(directory, place) for place in FILES}
        for place, content in files.items():
            new = data.draw(_damage(content)) if place == damaged else content
            paths[place].write_bytes(new)
        places = IdentityPlaces(
            certificate=str(paths["certificate"]),
            private_key=str(paths["private_key"]),
            chain=paths["chain"],
            password=RIGHT if storage in LOCKED else NoPasswordSource(),
        )
        with suppress(IdentityError):
            check_identity(load_identity(places), NOW)
