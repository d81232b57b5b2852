"""PKCS#12 files as openssl and others write them, opened with and without a password."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.ca import Authority, PrivateKey, certificate_pem, private_key_pem
from sidecar.errors import IdentityError
from sidecar.identity.load import load_identity
from sidecar.identity.password import NoPassword, NoPasswordSource, Password, PasswordGiven
from sidecar.identity.pkcs12_file import is_pkcs12
from sidecar.identity.places import IdentityPlaces
from sidecar.redaction import Secret
from tests.identity.hand_made import oid, pem_body, tlv
from tests.identity.material import ML_DSA, PASSWORD, Storage, key_pem, private_key
from tests.identity.verdict import Openssl

Leaf = tuple[x509.Certificate, PrivateKey]
Export = Callable[..., Path]

RIGHT: Final = PasswordGiven(Secret(PASSWORD))

# By what a user would write on openssl's command line.
MODERN: Final[tuple[list[str], ...]] = ([], ["-macalg=sha512"], ["-certpbe=NONE"], ["-nomac"])
OLD: Final[tuple[list[str], ...]] = (
    ["-legacy"],
    ["-keypbe=PBE-SHA1-3DES", "-certpbe=PBE-SHA1-3DES", "-macalg=sha1"],
    ["-legacy", "-certpbe=PBE-SHA1-RC2-128", "-keypbe=PBE-SHA1-RC2-40"],
)


@pytest.fixture
def export(tmp_path: Path, workload: Leaf, intermediate: Authority, openssl: Openssl) -> Export:
    """Give a function that lets openssl write a PKCS#12 file of the workload's identity."""
    pem = tmp_path / "everything.pem"
    pem.write_bytes(
        private_key_pem(workload[1])
        + certificate_pem(intermediate.certificate)
        + certificate_pem(workload[0])
    )

    def run(password: str, *flags: str) -> Path:
        out = tmp_path / "workload.p12"
        words = ["pkcs12", "-export", f"-in={pem}", f"-out={out}", f"-passout=pass:{password}"]
        openssl(*words, *flags).check_returncode()
        return out

    return run


@pytest.mark.parametrize("flags", [*MODERN, *OLD], ids=" ".join)
def test_a_locked_file_is_opened_with_its_password(
    flags: list[str], export: Export, workload: Leaf, intermediate: Authority
) -> None:
    path = export(PASSWORD, *flags)
    identity = load_identity(IdentityPlaces(certificate=str(path), password=RIGHT))
    assert (identity.certificate, identity.chain) == (workload[0], (intermediate.certificate,))
    assert identity.key.public_key == workload[1].public_key()


@pytest.mark.parametrize(
    "flags",
    [[], ["-keypbe=NONE", "-certpbe=NONE"], ["-keypbe=NONE", "-certpbe=NONE", "-nomac"]],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "password", [NoPasswordSource(), PasswordGiven(Secret(""))], ids=["none", "empty"]
)
def test_no_password_and_an_empty_one_are_alike(
    password: Password, flags: list[str], export: Export, workload: Leaf
) -> None:
    path = export("", *flags)
    identity = load_identity(IdentityPlaces(certificate=str(path), password=password))
    assert identity.certificate == workload[0]


@pytest.mark.parametrize("flags", [*MODERN, *OLD], ids=" ".join)
@pytest.mark.parametrize(
    ("password", "problem"),
    [
        (PasswordGiven(Secret("canary")), "cannot be opened: its password is wrong, or it is dama"),
        (PasswordGiven(Secret("")), "cannot be opened: its password is wrong, or it is damaged"),
        (NoPasswordSource(), "needs a password and none is configured"),
    ],
    ids=["wrong", "empty", "none"],
)
def test_a_file_that_stays_locked_says_why(
    flags: list[str], password: Password, problem: str, export: Export
) -> None:
    path = export(PASSWORD, *flags)
    with pytest.raises(IdentityError) as caught:
        load_identity(IdentityPlaces(certificate=str(path), password=password))
    assert caught.value.message.startswith(f"private key {path} {problem}")
    wrong = f"openssl pkcs12 -info -noout -in {path} tells which"
    assert caught.value.hint == (NoPassword("").hint if "needs" in problem else wrong)
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize("prefix", ["", "pkcs12:"])
def test_a_file_is_known_by_its_content_and_may_be_called_pkcs12(
    prefix: str, export: Export, workload: Leaf, tmp_path: Path
) -> None:
    path = export(PASSWORD).rename(tmp_path / "without-suffix")
    identity = load_identity(IdentityPlaces(certificate=f"{prefix}{path}", password=RIGHT))
    assert identity.certificate == workload[0]


def test_intermediates_may_stand_beside_a_pkcs12_file(
    workload: Leaf, intermediate: Authority, openssl: Openssl, tmp_path: Path
) -> None:
    pem, chain, out = (tmp_path / name for name in ("pem", "chain.pem", "workload.p12"))
    pem.write_bytes(private_key_pem(workload[1]) + certificate_pem(workload[0]))
    chain.write_bytes(certificate_pem(intermediate.certificate))
    openssl("pkcs12", "-export", f"-in={pem}", f"-out={out}", "-passout=pass:").check_returncode()
    identity = load_identity(IdentityPlaces(certificate=str(out), chain=chain))
    assert identity.chain == (intermediate.certificate,)


def test_a_pkcs12_file_may_hold_the_key_alone(
    certificate_file: Path, export: Export, workload: Leaf
) -> None:
    key = export(PASSWORD, "-nocerts")
    places = IdentityPlaces(certificate=str(certificate_file), private_key=str(key), password=RIGHT)
    assert load_identity(places).certificate == workload[0]


def test_a_pkcs12_file_without_a_key_is_no_private_key(export: Export) -> None:
    path = export(PASSWORD, "-nokeys")
    with pytest.raises(
        IdentityError, match=r"^no private key is given, and certificate .* holds none$"
    ):
        load_identity(IdentityPlaces(certificate=str(path), password=RIGHT))


@pytest.mark.parametrize("form", [Storage.PKCS8, Storage.SEED_AND_EXPANDED])
def test_an_mldsa_key_in_pkcs12_is_told_of(form: Storage, tmp_path: Path, workload: Leaf) -> None:
    """cryptography reads none from there; a password is not blamed for it."""
    kind = next(iter(ML_DSA))
    path = tmp_path / "workload.p12"
    path.write_bytes(_plain_pkcs12(pem_body(key_pem(private_key(kind), form)), workload[0]))
    for password in (NoPasswordSource(), RIGHT):
        with pytest.raises(IdentityError) as caught:
            load_identity(IdentityPlaces(certificate=str(path), password=password))
        assert caught.value.message == (
            f"private key {path} holds a private key that cannot be read from PKCS#12"
        )
        assert "ML-DSA" in caught.value.hint


def _plain_pkcs12(key: bytes, certificate: x509.Certificate) -> bytes:
    """Write a PFX without encryption and without a MAC (RFC 7292, section 4)."""
    data, bag = oid("1.2.840.113549.1.7.1"), "1.2.840.113549.1.12.10.1"
    der = tlv(0xA0, tlv(0x04, certificate.public_bytes(Encoding.DER)))
    held = tlv(0x30, oid("1.2.840.113549.1.9.22.1") + der)
    bags = tlv(0x30, oid(f"{bag}.1") + tlv(0xA0, key)) + tlv(
        0x30, oid(f"{bag}.3") + tlv(0xA0, held)
    )
    safe = tlv(0x30, tlv(0x30, data + tlv(0xA0, tlv(0x04, tlv(0x30, bags)))))
    return tlv(0x30, b"\x02\x01\x03" + tlv(0x30, data + tlv(0xA0, tlv(0x04, safe))))


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_half_written_file_is_cut_off_whatever_its_password(kept: float, export: Export) -> None:
    path = export(PASSWORD)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(IdentityError, match=r"is cut off$"):
        load_identity(IdentityPlaces(certificate=str(path), password=RIGHT))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"\x30\x03\x02\x01\x03", True, id="short"),
        pytest.param(b"\x30\x82\x01\x00\x02\x01\x03", True, id="long"),
        pytest.param(b"\x30\x80\x02\x01\x03", True, id="of no length, as BER allows"),
        pytest.param(b"\x30\x03\x02\x01\x00", False, id="PKCS#8"),
        pytest.param(b"\x31\x03\x02\x01\x03", False, id="a set"),
        pytest.param(b"\x30", False, id="one byte"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"\x30\xff", False, id="a length of a length too much"),
    ],
)
def test_a_pkcs12_file_begins_with_its_version(content: bytes, expected: bool) -> None:
    assert is_pkcs12(content) is expected


def test_certificates_are_not_taken_for_pkcs12(workload: Leaf) -> None:
    assert not is_pkcs12(workload[0].public_bytes(Encoding.DER))
