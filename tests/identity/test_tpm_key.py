"""Keys in a real software TPM sign what openssl verifies, and leave nothing behind in it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sidecar.errors import IdentityError
from sidecar.identity import tpm as door
from sidecar.identity.password import NoPasswordSource
from sidecar.identity.signing_key import SigningKey
from tests.identity.swtpm import SIGNING, Eventually, SwTpm, sw_tpm
from tests.identity.verdict import MESSAGE, Openssl, openssl_verifies

NONE = NoPasswordSource()
PARENT = "0x81000001"


@pytest.fixture
def tpm(tmp_path: Path, eventually: Eventually) -> Iterator[SwTpm]:
    with sw_tpm(tmp_path, eventually) as tpm:
        yield tpm


def _from_handle(tpm: SwTpm, handle: int) -> SigningKey:
    return door.open_handle(handle, tcti=tpm.tcti, password=NONE)


def _from_file(tpm: SwTpm, pem: bytes) -> SigningKey:
    return door.open_tss2(pem, tcti=tpm.tcti, password=NONE)


@pytest.mark.parametrize("options", [("group:P-256",), ("group:P-384",), ("bits:2048",)])
def test_openssl_verifies_what_a_key_of_its_own_tss2_file_signs(
    options: tuple[str, ...], tpm: SwTpm, openssl: Openssl, tmp_path: Path
) -> None:
    key = _from_file(tpm, tpm.openssl_key(*options))
    assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))
    assert not openssl_verifies(openssl, tmp_path, key.public_key, key.sign(b"another"))
    assert tpm.loaded_keys() == []


@pytest.mark.parametrize(
    "algorithm",
    [
        "ecc256:null",
        "ecc256:ecdsa-sha256",
        "ecc384:ecdsa-sha256",
        "rsa2048:null",
        "rsa2048:rsassa-sha256",
    ],
)
def test_a_persistent_key_signs_with_its_own_scheme_or_with_ours(
    algorithm: str, tpm: SwTpm, openssl: Openssl, tmp_path: Path
) -> None:
    parent = tpm.persist_primary()
    tpm.create(algorithm, parent)
    key = _from_handle(tpm, tpm.persist(parent))
    assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))
    assert tpm.loaded_keys() == []


def test_a_file_under_a_persistent_parent_signs(
    tpm: SwTpm, openssl: Openssl, tmp_path: Path
) -> None:
    parent = tpm.persist_primary()
    tpm.create("ecc256", parent)
    key = _from_file(tpm, tpm.encode(parent, "-p"))
    assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))
    assert tpm.loaded_keys() == []


@pytest.mark.parametrize(
    ("hierarchy", "encoded"),
    [("e", b"\x02\x04\x40\x00\x00\x0b"), ("n", b"\x02\x04\x40\x00\x00\x07")],
)
def test_the_primary_key_of_every_hierarchy_may_be_the_parent(
    hierarchy: str, encoded: bytes, tpm: SwTpm, openssl: Openssl, tmp_path: Path
) -> None:
    key = _from_file(tpm, tpm.key_of_hierarchy(hierarchy, encoded))
    assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))


def test_threads_that_sign_at_once_all_get_a_right_signature(
    tpm: SwTpm, openssl: Openssl, tmp_path: Path
) -> None:
    keys = [_from_file(tpm, tpm.openssl_key("group:P-256")) for _ in range(2)] * 2
    together = threading.Barrier(len(keys))

    def sign(key: SigningKey) -> list[bytes]:
        together.wait()
        return [key.sign(MESSAGE) for _ in range(3)]

    with ThreadPoolExecutor(len(keys)) as pool:
        signed = list(pool.map(sign, keys))
    for key, signatures in zip(keys, signed, strict=True):
        assert openssl_verifies(openssl, tmp_path, key.public_key, signatures[-1])


def test_a_tpm_that_came_back_signs_again_without_a_restart(
    tpm: SwTpm, openssl: Openssl, tmp_path: Path
) -> None:
    key = _from_file(tpm, tpm.openssl_key("group:P-256"))
    tpm.unplug()
    for _ in range(2):
        with pytest.raises(IdentityError, match=f"the TPM at {tpm.tcti} cannot be used"):
            key.sign(MESSAGE)
    tpm.plug_in()
    assert openssl_verifies(openssl, tmp_path, key.public_key, key.sign(MESSAGE))


def test_a_handle_with_another_key_than_at_the_start_gives_no_signature(tpm: SwTpm) -> None:
    parent = tpm.persist_primary()
    tpm.create("ecc256", parent)
    handle = tpm.persist(parent)
    key = _from_handle(tpm, handle)
    tpm.run("tpm2_evictcontrol", "-C", "o", "-c", hex(handle))
    tpm.create("ecc256", parent)
    tpm.persist(parent)
    with pytest.raises(IdentityError, match="that its public key does not verify"):
        key.sign(MESSAGE)


def test_a_full_tpm_is_told_and_nothing_is_left_in_it(tpm: SwTpm) -> None:
    pem = tpm.openssl_key("group:P-256")
    for number in range(3):
        tpm.run("tpm2_createprimary", "-C", "o", "-G", "ecc", "-c", f"{number}.ctx", "-Q")
    before = tpm.loaded_keys()
    with pytest.raises(IdentityError, match=r"the TPM refused: .*object contexts"):
        _from_file(tpm, pem)
    assert tpm.loaded_keys() == before


@pytest.mark.parametrize("handle", [0x81000009, 0x81FFFFFF])
def test_a_handle_without_a_key_is_told(handle: int, tpm: SwTpm) -> None:
    with pytest.raises(IdentityError, match=f"the TPM has no key at handle 0x{handle:08x}"):
        _from_handle(tpm, handle)


@pytest.mark.parametrize("handle", [0, 0x80000000, 0x40000001, 0x82000000])
def test_a_handle_that_is_not_persistent_is_refused(handle: int) -> None:
    with pytest.raises(IdentityError, match=f"0x{handle:08x} is no persistent handle"):
        door.open_handle(handle, tcti=None, password=NONE)


@pytest.mark.parametrize(
    ("algorithm", "attributes", "problem"),
    [
        ("ecc256", SIGNING.replace("sign", "decrypt"), "may not sign"),
        ("ecc256:ecdsa-sha256:null", f"{SIGNING}|restricted", "only signs what the TPM made"),
        ("ecc256", SIGNING.replace("|userwithauth", ""), "is used by a policy alone"),
        ("rsa2048:rsapss-sha256:null", SIGNING, "is bound to another signature scheme"),
        ("rsa2048:rsassa-sha384", SIGNING, "is bound to another signature scheme"),
        ("ecc256:ecdsa-sha1", SIGNING, "is bound to another signature scheme"),
        ("aes128cfb", SIGNING.replace("sign", "sign|decrypt"), "is neither an RSA nor an ECC key"),
    ],
)
def test_a_key_that_cannot_sign_for_us_is_refused_by_name(
    algorithm: str, attributes: str, problem: str, tpm: SwTpm
) -> None:
    parent = tpm.persist_primary()
    tpm.create(algorithm, parent, attributes)
    handle = tpm.persist(parent)
    with pytest.raises(IdentityError, match=f"TPM key 0x{handle:08x} {problem}"):
        _from_handle(tpm, handle)


def test_a_key_of_another_tpm_is_refused(
    tpm: SwTpm, tmp_path: Path, eventually: Eventually
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with sw_tpm(other, eventually) as stranger:
        pem = stranger.openssl_key("group:P-256")
    with pytest.raises(IdentityError, match="cannot open the key under its parent, the owner"):
        _from_file(tpm, pem)


def test_a_key_whose_parent_is_gone_is_refused(tpm: SwTpm) -> None:
    parent = tpm.persist_primary()
    tpm.create("ecc256", parent)
    pem = tpm.encode(parent)
    tpm.run("tpm2_evictcontrol", "-C", "o", "-c", parent)
    with pytest.raises(IdentityError, match=f"cannot open the key under its parent, {parent}"):
        door.open_tss2(pem, tcti=tpm.tcti, password=NONE)


def test_a_parent_with_a_password_is_refused_by_name(tpm: SwTpm) -> None:
    pem = tpm.openssl_key("group:P-256")
    tpm.run("tpm2_changeauth", "-c", "owner", "secret")
    with pytest.raises(IdentityError, match="wants a password for the key's parent, the owner"):
        _from_file(tpm, pem)


@pytest.mark.parametrize("tcti", ["device:/nowhere", "nosuch:x=1", "swtpm:host=127.0.0.1,port=1"])
def test_a_tpm_that_is_not_there_is_told_by_its_place(tcti: str, tpm: SwTpm) -> None:
    with pytest.raises(IdentityError, match=f"the TPM at {tcti} cannot be used") as refused:
        door.open_handle(0x81000001, tcti=tcti, password=NONE)
    assert refused.value.hint.endswith("SIDECAR_IDENTITY_TPM names another")
