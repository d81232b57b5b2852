"""TSS2 key files: what tpm2-openssl and tpm2-tools write is read, and the rest refused by name."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import IdentityError
from sidecar.identity.tpm_key_file import TpmKeyFile, parse_key_file

LOADABLE = bytes.fromhex("06066781050a0103")
OWNER = bytes.fromhex("020440000001")
PERSISTENT = bytes.fromhex("02050081000001")
PUBLIC, PRIVATE = b"\x04\x03pub", b"\x04\x04priv"
# As openssl's provider tpm2 made it, in a TPM that is no more.
MADE_BY_OPENSSL = b"""-----BEGIN TSS2 PRIVATE KEY-----
MIHwBgZngQUKAQOgAwEBAQIEQAAAAQRYAFYAIwALAAYAcgAAABAAEAADABAAIOE4
S1wNL8sHGxcoF9YEFRswW7HN4Xnobkzfw31cJH3gACC+aRLadT34P8YiVWK9L9Ts
TkW1O7vxXhSaSQy7TDcCDwSBgAB+ACBm+tfFBKLm301BuWqfvMC/spg5IAxNaO/S
S3bo1I0zPwAQVFi81VW48ifv0Wa/KB30wCeW0XNUXL55w7QkmXUC4lGr/aLy68yr
yJTbWcCnuPfYCTveyszpudHeYjGwLAn2QvFfDzVCTBvUj1zLc+uGC26MzXcS4Poa
YMFS
-----END TSS2 PRIVATE KEY-----
"""


def _pem(*fields: bytes, outer: int = 0x30) -> bytes:
    body = b"".join(fields)
    encoded = base64.b64encode(bytes([outer, len(body)]) + body)
    return b"-----BEGIN TSS2 PRIVATE KEY-----\n%b\n-----END TSS2 PRIVATE KEY-----\n" % encoded


def test_a_file_of_openssl_is_read() -> None:
    file = parse_key_file(MADE_BY_OPENSSL)
    assert (file.parent, file.hierarchy, file.empty_auth) == (0x40000001, "owner", True)
    assert (len(file.public), len(file.private)) == (88, 128)


@pytest.mark.parametrize(
    ("flag", "is_empty"),
    [
        (b"", False),
        (b"\xa0\x03\x01\x01\x00", False),
        (b"\xa0\x03\x01\x01\x01", True),
        (b"\xa0\x03\x01\x01\xff", True),
    ],
)
def test_every_way_to_write_empty_auth_is_read(flag: bytes, is_empty: bool) -> None:
    file = parse_key_file(_pem(LOADABLE, flag, OWNER, PUBLIC, PRIVATE))
    assert file == TpmKeyFile(0x40000001, is_empty, b"pub", b"priv")


@pytest.mark.parametrize(
    ("parent", "hierarchy"),
    [
        (PERSISTENT, None),
        (bytes.fromhex("020440000001"), "owner"),
        (bytes.fromhex("020440000007"), "null"),
        (bytes.fromhex("02044000000b"), "endorsement"),
        (bytes.fromhex("02044000000c"), "platform"),
    ],
)
def test_the_parent_is_persistent_or_a_hierarchy(parent: bytes, hierarchy: str | None) -> None:
    assert parse_key_file(_pem(LOADABLE, parent, PUBLIC, PRIVATE)).hierarchy == hierarchy


@pytest.mark.parametrize(
    "harmless",
    [b"\xa4\x05\x0c\x03abc", b"\xa5\x03\x01\x01\x00", b"\xa4\x02\x0c\x00\xa5\x03\x01\x01\x00"],
)
def test_a_description_does_no_harm(harmless: bytes) -> None:
    assert parse_key_file(_pem(LOADABLE, harmless, OWNER, PUBLIC, PRIVATE)).public == b"pub"


def test_other_blocks_of_the_file_are_passed_over() -> None:
    certificate = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    assert parse_key_file(certificate + MADE_BY_OPENSSL + certificate).private


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no TSS2 private keys"),
        (b"-----BEGIN PRIVATE KEY-----", "holds no TSS2 private keys"),
        (MADE_BY_OPENSSL * 2, "holds 2 TSS2 private keys"),
        (MADE_BY_OPENSSL.replace(b"MIHw", b"MI!w"), "is malformed"),
        (MADE_BY_OPENSSL.replace(b"YMFS\n", b""), "is malformed"),
        (_pem(LOADABLE, OWNER, PUBLIC, PRIVATE, outer=0x31), "is malformed"),
        (_pem(), "is malformed"),
        (_pem(LOADABLE, OWNER, PUBLIC), "is malformed"),
        (_pem(OWNER, PUBLIC, PRIVATE), "is malformed"),
        (_pem(LOADABLE, PUBLIC, OWNER, PRIVATE), "is malformed"),
        (_pem(LOADABLE, OWNER, PUBLIC, PRIVATE, PRIVATE), "is malformed"),
        (_pem(LOADABLE, b"\xa0\x03\x02\x01\x01", OWNER, PUBLIC, PRIVATE), "is malformed"),
        (_pem(LOADABLE, b"\xa0\x02\x01\x00", OWNER, PUBLIC, PRIVATE), "is malformed"),
        (_pem(LOADABLE, b"\xa6\x00", OWNER, PUBLIC, PRIVATE), "is malformed"),
        (_pem(LOADABLE, b"\xa4\x00\xa4\x00", OWNER, PUBLIC, PRIVATE), "is malformed"),
        (_pem(LOADABLE, b"\xa4\x00\xa0\x03\x01\x01\x00", OWNER, PUBLIC, PRIVATE), "is malformed"),
        (_pem(LOADABLE[:-1] + b"\x04", OWNER, PUBLIC, PRIVATE), "is of kind importable"),
        (_pem(LOADABLE[:-1] + b"\x05", OWNER, PUBLIC, PRIVATE), "is of kind sealed data"),
        (_pem(b"\x06\x01\x2a", OWNER, PUBLIC, PRIVATE), "is of kind 2a, not a loadable key"),
        (_pem(LOADABLE, b"\xa1\x02\x30\x00", OWNER, PUBLIC, PRIVATE), "has a policy, which is not"),
        (_pem(LOADABLE, b"\xa2\x02\x04\x00", OWNER, PUBLIC, PRIVATE), "has a secret, which is not"),
        (_pem(LOADABLE, b"\xa3\x02\x30\x00", OWNER, PUBLIC, PRIVATE), "has an authPolicy, which"),
        (_pem(LOADABLE, b"\xa5\x03\x01\x01\xff", OWNER, PUBLIC, PRIVATE), "has an RSA parent"),
        (
            _pem(LOADABLE, bytes.fromhex("02050080000000"), PUBLIC, PRIVATE),
            "names parent 0x80000000, which is neither persistent nor a hierarchy",
        ),
        (
            _pem(LOADABLE, bytes.fromhex("02050082000000"), PUBLIC, PRIVATE),
            "names parent 0x82000000, which is neither persistent nor a hierarchy",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(content: bytes, problem: str) -> None:
    with pytest.raises(IdentityError) as refused:
        parse_key_file(content)
    assert str(refused.value).startswith(f"the TSS2 key file {problem}")


@given(st.integers(0, 240), st.integers(0, 255))
def test_a_damaged_file_is_an_error_of_ours_or_read(place: int, value: int) -> None:
    der = bytearray(base64.b64decode(b"".join(MADE_BY_OPENSSL.split(b"\n")[1:-2])))
    der[place] = value
    armour = b"-----BEGIN TSS2 PRIVATE KEY-----%b-----END TSS2 PRIVATE KEY-----"
    with suppress(IdentityError):
        parse_key_file(armour % base64.b64encode(der))


def test_a_repr_does_not_show_the_private_half() -> None:
    assert "private" not in repr(parse_key_file(MADE_BY_OPENSSL))
