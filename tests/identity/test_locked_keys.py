"""Encrypted keys: each scheme that openssl and ACM write, and what is said when it stays locked."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509

from sidecar.ca import PrivateKey, private_key_pem
from sidecar.errors import IdentityError
from sidecar.identity import pbes2
from sidecar.identity.identity import Identity
from sidecar.identity.load import load_identity
from sidecar.identity.password import (
    NoPasswordSource,
    Password,
    PasswordGiven,
    PasswordPrompt,
    PasswordVariable,
)
from sidecar.identity.places import IdentityPlaces
from sidecar.redaction import Secret
from tests.identity.hand_made import (
    integer,
    locked_pkcs8,
    oid,
    pbkdf2_key,
    pem_block,
    pem_body,
    scrypt_key,
    tlv,
)
from tests.identity.material import PASSWORD, Storage, key_pem
from tests.identity.verdict import Openssl

Leaf = tuple[x509.Certificate, PrivateKey]

RIGHT: Final = PasswordGiven(Secret(PASSWORD))
PBES2: Final = [
    [f"-v2=aes-{bits}-cbc", *derivation]
    for bits in (128, 192, 256)
    for derivation in (
        *([f"-v2prf=hmacWithSHA{size}"] for size in (1, 224, 256, 384, 512)),
        ["-scrypt"],
    )
]
# What openssl wrote before, and cryptography still opens.
OLDER: Final = [["-v2=des3"], ["-v1=PBE-SHA1-3DES"]]


@pytest.fixture
def load(certificate_file: Path, key_file: Path) -> Callable[[bytes, Password], Identity]:
    def loaded(pem: bytes, password: Password) -> Identity:
        key_file.write_bytes(pem)
        return load_identity(
            IdentityPlaces(
                certificate=str(certificate_file), private_key=str(key_file), password=password
            )
        )

    return loaded


Load = Callable[[bytes, Password], Identity]


@pytest.mark.parametrize("flags", [*PBES2, *OLDER], ids=" ".join)
def test_openssl_pkcs8_of_every_kind_is_opened(
    flags: list[str], load: Load, workload: Leaf, openssl: Openssl, tmp_path: Path
) -> None:
    plain, locked = tmp_path / "plain", tmp_path / "locked"
    plain.write_bytes(private_key_pem(workload[1]))
    openssl(
        "pkcs8", "-topk8", *flags, f"-passout=pass:{PASSWORD}", f"-in={plain}", f"-out={locked}"
    ).check_returncode()
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in locked.read_bytes()
    assert load(locked.read_bytes(), RIGHT).certificate == workload[0]


@pytest.mark.parametrize("cipher", ["aes128", "aes256", "des3"])
def test_the_encryption_of_old_with_proc_type_is_opened(
    cipher: str, load: Load, workload: Leaf, openssl: Openssl, tmp_path: Path
) -> None:
    plain, locked = tmp_path / "plain", tmp_path / "locked"
    plain.write_bytes(private_key_pem(workload[1]))
    openssl(
        "ec", f"-{cipher}", f"-passout=pass:{PASSWORD}", f"-in={plain}", f"-out={locked}"
    ).check_returncode()
    assert b"Proc-Type: 4,ENCRYPTED" in locked.read_bytes()
    assert load(locked.read_bytes(), RIGHT).certificate == workload[0]


def test_a_key_as_acm_exports_it_is_opened(load: Load, workload: Leaf) -> None:
    """ACM writes PBES2 with AES-256 and PBKDF2, whose HMAC-SHA-1 goes without saying."""
    der = pem_body(private_key_pem(workload[1]))
    exported = locked_pkcs8(der, PASSWORD.encode(), pbkdf2_key("sha1", says_prf=False))
    assert load(exported, RIGHT).certificate == workload[0]


@pytest.mark.parametrize("key_bytes", [16, 24, 32])
@pytest.mark.parametrize("prf", ["sha1", "sha224", "sha256", "sha384", "sha512", "scrypt"])
def test_pbes2_gives_what_was_locked(prf: str, key_bytes: int) -> None:
    derive = scrypt_key if prf == "scrypt" else pbkdf2_key(prf)
    plain = tlv(0x30, b"any bytes")
    locked = pem_body(locked_pkcs8(plain, b"password", derive, key_bytes))
    assert pbes2.decrypt(locked, b"password") == plain
    with pytest.raises(pbes2.WrongPassword):
        pbes2.decrypt(locked, b"passwort")


@pytest.mark.parametrize("by_chance", [b"no DER", tlv(0x04, b"no sequence")])
def test_what_is_well_padded_by_chance_is_a_wrong_password_too(by_chance: bytes) -> None:
    locked = pem_body(locked_pkcs8(by_chance, b"password", scrypt_key))
    with pytest.raises(pbes2.WrongPassword):
        pbes2.decrypt(locked, b"password")


def test_a_thousand_wrong_passwords_are_told_as_such(
    load: Load, workload: Leaf, key_file: Path
) -> None:
    """Of the old encryption, which has no other check than the padding."""
    pem = key_pem(workload[1], Storage.TRADITIONAL_LOCKED)
    for number in range(1000):
        with pytest.raises(IdentityError, match=f"the password of private key {key_file} is wrong"):
            load(pem, PasswordGiven(Secret(f"wrong {number}")))


def _scheme(derivation: bytes, cipher: bytes | None = None) -> bytes:
    aes = tlv(0x30, oid("2.16.840.1.101.3.4.1.42") + tlv(0x04, bytes(16)))
    scheme = oid("1.2.840.113549.1.5.13") + tlv(0x30, derivation + (cipher or aes))
    return tlv(0x30, tlv(0x30, scheme) + tlv(0x04, bytes(32)))


def _pbkdf2(iterations: int, *rest: bytes) -> bytes:
    parameters = tlv(0x04, b"salt") + integer(iterations) + b"".join(rest)
    return tlv(0x30, oid("1.2.840.113549.1.5.12") + tlv(0x30, parameters))


def _scrypt(cost: int, size: int = 8, lanes: int = 1) -> bytes:
    parameters = tlv(0x04, b"salt") + integer(cost) + integer(size) + integer(lanes)
    return tlv(0x30, oid("1.3.6.1.4.1.11591.4.11") + tlv(0x30, parameters))


def _cipher(number: int, vector: bytes) -> bytes:
    return tlv(0x30, oid(f"2.16.840.1.101.3.4.1.{number}") + tlv(0x04, vector))


ODD_SCHEMES: Final = {
    "no iterations": _scheme(_pbkdf2(0)),
    "iterations for hours": _scheme(_pbkdf2(10_000_001)),
    "a hash that nobody uses": _scheme(
        _pbkdf2(1, tlv(0x30, oid("1.2.840.113549.2.99") + tlv(0x05)))
    ),
    "a key too short": _scheme(_pbkdf2(1, integer(16))),
    "something behind": _scheme(_pbkdf2(1, tlv(0x05))),
    "no cost": _scheme(_scrypt(0)),
    "a cost that is no power of two": _scheme(_scrypt(1000)),
    "no block": _scheme(_scrypt(1024, 0)),
    "no lane": _scheme(_scrypt(1024, 8, 0)),
    "all of the memory": _scheme(_scrypt(1 << 24)),
    "another derivation": _scheme(tlv(0x30, oid("1.2.3") + tlv(0x30))),
    "AES-GCM": _scheme(_pbkdf2(1), _cipher(46, bytes(12))),
    "a short vector": _scheme(_pbkdf2(1), _cipher(42, bytes(8))),
    "another scheme": tlv(0x30, tlv(0x30, oid("1.2.3") + tlv(0x05)) + tlv(0x04, bytes(32))),
    "no DER": b"canary",
}


@pytest.mark.parametrize("name", ODD_SCHEMES)
def test_an_odd_scheme_is_refused_quickly(name: str, load: Load, key_file: Path) -> None:
    with pytest.raises(ValueError):
        pbes2.decrypt(ODD_SCHEMES[name], b"password")
    with pytest.raises(IdentityError) as caught:
        load(pem_block("ENCRYPTED PRIVATE KEY", ODD_SCHEMES[name]), RIGHT)
    assert caught.value.message == (
        f"private key {key_file} cannot be read: it is damaged or of an unknown form"
    )


@pytest.mark.parametrize("storage", [Storage.PKCS8_PBKDF2, Storage.TRADITIONAL_LOCKED])
@pytest.mark.parametrize(
    ("password", "problem"),
    [
        (PasswordGiven(Secret("canary")), "the password of {} is wrong"),
        (PasswordGiven(Secret(f"{PASSWORD} ")), "the password of {} is wrong"),
        (
            PasswordGiven(Secret("")),
            "{} is encrypted, and the password that is configured for it is empty",
        ),
        (NoPasswordSource(), "{} needs a password and none is configured"),
    ],
    ids=["wrong", "with a blank at its end", "empty", "none"],
)
def test_a_key_that_stays_locked_says_why(
    storage: Storage, password: Password, problem: str, load: Load, key_file: Path, workload: Leaf
) -> None:
    with pytest.raises(IdentityError) as caught:
        load(key_pem(workload[1], storage), password)
    assert caught.value.message == problem.format(f"private key {key_file}")
    assert caught.value.hint
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"


def test_a_password_of_bytes_that_are_no_text_opens_a_key(load: Load, workload: Leaf) -> None:
    """Python shows such bytes of a variable or an argument as lone surrogates."""
    der = pem_body(private_key_pem(workload[1]))
    password = PasswordVariable("P", {"P": os.fsdecode(b"sesame \xff")})
    locked = locked_pkcs8(der, b"sesame \xff", scrypt_key)
    assert load(locked, password).certificate == workload[0]


class NeverAsked:
    asks = True

    def read(self, what: str) -> Secret:
        raise AssertionError(f"a password was asked for {what}")


def test_nobody_is_asked_for_the_password_of_a_plain_key(load: Load, workload: Leaf) -> None:
    assert load(private_key_pem(workload[1]), NeverAsked()).certificate == workload[0]


class Counted:
    """A source that counts how often it is asked."""

    asks = False

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, what: str) -> Secret:
        self.asked.append(what)
        return Secret(PASSWORD)


def test_somebody_is_asked_once_in_a_load(load: Load, workload: Leaf, key_file: Path) -> None:
    source = Counted()
    load(key_pem(workload[1], Storage.PKCS8_PBKDF2), source)
    assert source.asked == [f"private key {key_file}"]


@pytest.mark.parametrize(
    ("password", "storage", "unused"),
    [
        (RIGHT, Storage.PKCS8, True),
        (RIGHT, Storage.PKCS8_PBKDF2, False),
        (PasswordPrompt(), Storage.PKCS8, False),
        (NoPasswordSource(), Storage.PKCS8, False),
    ],
)
def test_a_password_that_a_plain_key_does_not_need_is_noticed(
    password: Password, storage: Storage, unused: bool, load: Load, workload: Leaf
) -> None:
    """No refusal: it would stop a sidecar whose key is replaced by a plain one."""
    assert load(key_pem(workload[1], storage), password).password_unused is unused
