"""How much hashing a locked file asks for is read before anybody obeys."""

from pathlib import Path
from typing import Final

import pytest
from cryptography import x509

from sidecar.ca import PrivateKey, certificate_pem, private_key_pem
from sidecar.errors import IdentityError
from sidecar.identity.load import load_identity
from sidecar.identity.password import PasswordGiven
from sidecar.identity.places import IdentityPlaces
from sidecar.identity.stated_work import MAX_ITERATIONS, stated_iterations
from sidecar.redaction import Secret
from tests.identity.hand_made import integer, oid, pem_block, tlv
from tests.identity.verdict import Openssl

Leaf = tuple[x509.Certificate, PrivateKey]

HOURS: Final = 2**31 - 1
RIGHT: Final = PasswordGiven(Secret("password"))
SALT: Final = tlv(0x04, bytes(8))
DATA: Final = oid("1.2.840.113549.1.7.1")
PBES1: Final = [f"1.2.840.113549.1.12.1.{last}" for last in (1, 3, 6)] + [
    f"1.2.840.113549.1.5.{last}" for last in (3, 10)
]


def _sequence(*values: bytes) -> bytes:
    return tlv(0x30, b"".join(values))


def _locked(scheme: str, *numbers: int) -> bytes:
    """Write an EncryptedPrivateKeyInfo."""
    parameters = _sequence(SALT, *map(integer, numbers))
    return _sequence(_sequence(oid(scheme), parameters), tlv(0x04, bytes(64)))


def _pfx(*contents: bytes, mac: int = 1, octets: int = 0x04) -> bytes:
    """Write a PFX (RFC 7292, section 4) of unencrypted SafeContents."""
    infos = (_sequence(DATA, tlv(0xA0, tlv(0x04, _sequence(each)))) for each in contents)
    safe = _sequence(*infos)
    pieces = tlv(0x04, safe[:5]) + tlv(0x04, safe[5:]) if octets & 0x20 else safe
    digest = _sequence(_sequence(oid("2.16.840.1.101.3.4.2.1"), tlv(0x05)), tlv(0x04, bytes(32)))
    mac_data = _sequence(digest, SALT, integer(mac))
    return _sequence(integer(3), _sequence(DATA, tlv(0xA0, tlv(octets, pieces))), mac_data)


def _bag(key: bytes) -> bytes:
    return _sequence(oid("1.2.840.113549.1.12.10.1.2"), tlv(0xA0, key))


def _endless(value: bytes) -> bytes:
    """Write a short value in BER without its length."""
    return value[:1] + b"\x80" + value[2:] + b"\x00\x00"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        *(pytest.param(_locked(each, 2048), 2048, id=each) for each in PBES1),
        pytest.param(_locked("1.2.840.113549.1.5.12", 600, 32), 600, id="PBKDF2 with a length"),
        pytest.param(_locked("1.3.6.1.4.1.11591.4.11", 1024, 8, 2, 32), 16384, id="scrypt"),
        pytest.param(_pfx(mac=5), 5, id="MAC"),
        pytest.param(_pfx(_bag(_locked(PBES1[0], 7)), mac=5), 12, id="MAC and bag"),
        pytest.param(_pfx(*[_bag(_locked(PBES1[0], 7))] * 3), 22, id="every bag"),
        pytest.param(_pfx(_bag(_locked(PBES1[0], 7)), octets=0x24), 8, id="octets in pieces"),
        pytest.param(_endless(_sequence(SALT, integer(9))), 9, id="of no length"),
        pytest.param(_sequence(SALT, integer(9)) + b"more", 9, id="something behind"),
        pytest.param(_sequence(integer(9), SALT), 0, id="no number behind a salt"),
    ],
)
def test_what_is_stated_is_added_up(content: bytes, expected: int) -> None:
    assert stated_iterations(content) == expected


def _nested(times: int) -> bytes:
    value = tlv(0x05)
    for _ in range(times):
        value = tlv(0x30, value)
    return value


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x30", id="no length"),
        pytest.param(b"\x30\x05\x02\x01\x03", id="cut off"),
        pytest.param(b"\x30\x80\x02\x01\x03", id="no end"),
        pytest.param(b"\x3f\x81\x01\x00", id="a tag of several bytes"),
        pytest.param(b"\x30\x80" * 100_000, id="depth without end"),
        pytest.param(_nested(1000), id="depth"),
        pytest.param(_sequence(DATA, tlv(0xA0, b"\x24\x80" * 100_000)), id="pieces of pieces"),
    ],
)
def test_what_is_malformed_is_told(content: bytes) -> None:
    with pytest.raises(ValueError):
        stated_iterations(content)


def _load(path: Path) -> object:
    return load_identity(IdentityPlaces(certificate=str(path), password=RIGHT))


@pytest.mark.parametrize("scheme", PBES1)
def test_a_key_that_would_keep_the_process_busy_for_hours_is_refused(
    scheme: str, workload: Leaf, tmp_path: Path
) -> None:
    path = tmp_path / "workload.pem"
    key = pem_block("ENCRYPTED PRIVATE KEY", _locked(scheme, HOURS))
    path.write_bytes(certificate_pem(workload[0]) + key)
    with pytest.raises(IdentityError, match=f"wants its password hashed {HOURS} times; 2000000 "):
        _load(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_pfx(mac=HOURS), id="MAC"),
        pytest.param(_pfx(_bag(_locked(PBES1[1], HOURS - 1))), id="bag"),
        pytest.param(_pfx(*[_bag(_locked(PBES1[1], HOURS // 1000))] * 1000), id="many bags"),
    ],
)
def test_a_pkcs12_file_that_would_do_so_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "workload.p12"
    path.write_bytes(content)
    with pytest.raises(IdentityError, match=r"workload\.p12 wants its password hashed 2147\d+ tim"):
        _load(path)


@pytest.mark.parametrize(("iterations", "taken"), [(100_000, True), (MAX_ITERATIONS, False)])
def test_the_limit_counts_what_openssl_writes(
    iterations: int, taken: bool, workload: Leaf, openssl: Openssl, tmp_path: Path
) -> None:
    pem, path = tmp_path / "both.pem", tmp_path / "workload.p12"
    pem.write_bytes(private_key_pem(workload[1]) + certificate_pem(workload[0]))
    words = ["pkcs12", "-export", f"-in={pem}", f"-out={path}", "-passout=pass:password"]
    openssl(*words, f"-iter={iterations}").check_returncode()
    if taken:
        assert _load(path)
        return
    with pytest.raises(IdentityError, match=f"hashed {3 * iterations} times"):
        _load(path)
