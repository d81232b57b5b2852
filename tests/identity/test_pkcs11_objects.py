"""What a URI names on a real token: one key, several that are listed, or none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pkcs11 import Attribute, CertificateType, MechanismFlag, ObjectClass
from pkcs11.util.rsa import decode_rsa_private_key

from sidecar.errors import IdentityError
from sidecar.identity import pkcs11
from sidecar.identity.password import NoPasswordSource, PasswordGiven
from sidecar.identity.signing_key import SigningKey
from sidecar.redaction import Secret
from tests.identity.softhsm import PIN, TOKEN, SoftHsm, soft_hsm
from tests.identity.verdict import certificate_of

NO_PIN = NoPasswordSource()
GIVEN = PasswordGiven(Secret(PIN))
Open = Callable[[str], SigningKey]
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@pytest.fixture
def hsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    with soft_hsm(tmp_path, monkeypatch) as hsm:
        yield hsm


@pytest.fixture
def open_key(hsm: SoftHsm) -> Open:
    return lambda uri: pkcs11.open_key(uri, module=hsm.module, pin=GIVEN)


@pytest.fixture
def leaf() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def with_leaf(hsm: SoftHsm, leaf: ec.EllipticCurvePrivateKey) -> SoftHsm:
    """Give a token with a private key and its certificate under one id, and no public key."""
    hsm.write("privkey", "07", "the key", _pkcs8(leaf))
    hsm.write("cert", "07", "the leaf", certificate_of(leaf).public_bytes(Encoding.DER))
    return hsm


def test_every_uri_that_p11tool_prints_for_a_private_key_opens_it(
    hsm: SoftHsm, open_key: Open
) -> None:
    hsm.generate("01", "one; 100% & é", "EC:prime256v1")
    hsm.generate("02", "two", "EC:prime256v1")
    printed = [uri for uri in hsm.printed_uris() if "type=private" in uri]
    first, second = (open_key(uri).public_key for uri in printed)
    assert first != second


@pytest.mark.parametrize(
    "object_", ["", ";id=%07", ";id=%07;type=cert", ";id=%07;type=private", ";object=the%20leaf"]
)
def test_one_uri_names_certificate_and_key(
    object_: str, with_leaf: SoftHsm, open_key: Open, leaf: ec.EllipticCurvePrivateKey
) -> None:
    uri = f"{TOKEN}{object_}"
    [certificate] = pkcs11.read_certificates(uri, module=with_leaf.module, pin=GIVEN)
    assert certificate.public_key() == leaf.public_key() == open_key(uri).public_key


def test_the_uri_of_the_key_finds_its_certificate_by_the_same_id(
    with_leaf: SoftHsm, leaf: ec.EllipticCurvePrivateKey
) -> None:
    uri = f"{TOKEN};object=the%20key"
    [certificate] = pkcs11.read_certificates(uri, module=with_leaf.module, pin=GIVEN)
    assert certificate.public_key() == leaf.public_key()


def test_a_certificate_is_read_without_a_pin(with_leaf: SoftHsm) -> None:
    uri = f"{TOKEN};object=the%20leaf"
    assert len(pkcs11.read_certificates(uri, module=with_leaf.module, pin=NO_PIN)) == 1


def test_all_certificates_of_a_token_are_read_by_its_own_uri(
    with_leaf: SoftHsm, rsa_key: rsa.RSAPrivateKey
) -> None:
    other = certificate_of(rsa_key)
    with_leaf.write("cert", "08", "other", other.public_bytes(Encoding.DER))
    found = pkcs11.read_certificates(TOKEN, module=with_leaf.module, pin=NO_PIN)
    assert len(found) == 2
    assert other in found


@pytest.mark.parametrize("pin", [NO_PIN, GIVEN])
def test_a_missing_certificate_is_told_with_what_the_token_shows(
    pin: NoPasswordSource | PasswordGiven, with_leaf: SoftHsm
) -> None:
    with pytest.raises(IdentityError, match="there is no certificate that fits") as told:
        pkcs11.read_certificates(f"{TOKEN};object=x", module=with_leaf.module, pin=pin)
    assert "object=the%20leaf;type=cert" in told.value.hint
    assert ("object=the%20key;type=private" in told.value.hint) is (pin is GIVEN)


def test_an_rsa_key_tells_its_public_half_by_itself(
    hsm: SoftHsm, open_key: Open, rsa_key: rsa.RSAPrivateKey
) -> None:
    hsm.write("privkey", "07", "alone", _pkcs8(rsa_key))
    assert open_key(f"{TOKEN};object=alone").public_key == rsa_key.public_key()


def test_an_ec_key_alone_is_refused_with_what_is_missing(hsm: SoftHsm, open_key: Open) -> None:
    hsm.generate("07", "alone", "EC:prime256v1")
    hsm.delete("pubkey", "07")
    with pytest.raises(IdentityError, match="the token has no public keys for") as refused:
        open_key(f"{TOKEN};object=alone")
    assert "store its public key or its certificate" in refused.value.hint


def test_a_key_with_two_public_halves_is_refused(
    with_leaf: SoftHsm, open_key: Open, rsa_key: rsa.RSAPrivateKey
) -> None:
    with_leaf.write("cert", "07", "old", certificate_of(rsa_key).public_bytes(Encoding.DER))
    with pytest.raises(IdentityError, match="the token has 2 public keys for"):
        open_key(f"{TOKEN};object=the%20key")


def test_several_keys_are_never_guessed_among_but_listed(hsm: SoftHsm, open_key: Open) -> None:
    hsm.generate("01", "one", "EC:prime256v1")
    hsm.generate("02", "two", "EC:prime256v1")
    with pytest.raises(IdentityError, match="2 private keys fit") as refused:
        open_key(TOKEN)
    assert "id=%01;object=one;type=private" in str(refused.value)
    assert "id=%02;object=two;type=private" in str(refused.value)
    open_key(f"{TOKEN};id=%02")


def test_several_tokens_are_listed_before_any_of_them_sees_a_pin(
    hsm: SoftHsm, open_key: Open
) -> None:
    hsm.generate("01", "mine", "EC:prime256v1")
    hsm.create_token("other", pin="8765")
    with pytest.raises(IdentityError, match="2 tokens fit the PKCS#11 URI") as refused:
        open_key("pkcs11:object=mine")
    assert "token=test%20token" in str(refused.value)
    assert "token=other" in str(refused.value)
    assert not hsm.was_told_a_wrong_pin("other")


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        (f"{TOKEN};object=nobody", "there is no private key that may sign that fits"),
        (f"{TOKEN};id=%02", "there is no private key that may sign that fits"),
        (f"{TOKEN};id=%01;object=other", "there is no private key that may sign that fits"),
        (f"{TOKEN};object=mine;type=cert", "there is no private key that may sign that fits"),
        (f"{TOKEN};object=mine;type=public", "names neither a private key nor a certificate"),
        (f"{TOKEN};object=mine;type=data", "names neither a private key nor a certificate"),
        ("pkcs11:token=other", "no token fits pkcs11:token=other"),
        ("pkcs11:token=", "no token fits pkcs11:token="),
        (f"{TOKEN};slot-id=4711", "no token fits"),
        (f"{TOKEN};library-version=99.1", "no token fits"),
        (f"{TOKEN};x-colour=red", "has x-colour, which is no attribute of RFC 7512"),
        (f"{TOKEN}?module-path=/nowhere.so", "no PKCS#11 module could be loaded: .*/nowhere.so"),
        (f"{TOKEN}?module-path=/lib", "no PKCS#11 module could be loaded: .*/lib"),
        (f"{TOKEN}?module-name=nosuch", "no PKCS#11 module could be loaded: .*libnosuch.so"),
    ],
)
def test_what_is_not_there_is_told_by_name(
    uri: str, problem: str, hsm: SoftHsm, open_key: Open
) -> None:
    hsm.generate("01", "mine", "EC:prime256v1")
    with pytest.raises(IdentityError, match=problem):
        open_key(uri)
    open_key(f"{TOKEN};object=mine")


def test_a_key_that_may_not_sign_is_not_found(
    hsm: SoftHsm, open_key: Open, rsa_key: rsa.RSAPrivateKey
) -> None:
    pkcs1 = rsa_key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    may = MechanismFlag.DECRYPT
    hsm.create({Attribute.LABEL: "mine", **decode_rsa_private_key(pkcs1, capabilities=may)})
    with pytest.raises(IdentityError, match="there is no private key that may sign"):
        open_key(f"{TOKEN};object=mine")


def test_a_key_of_another_kind_is_refused_by_name(hsm: SoftHsm, open_key: Open) -> None:
    hsm.generate("01", "mine", "EC:edwards25519")
    with pytest.raises(IdentityError, match="is a key of type EC_EDWARDS, which is not used"):
        open_key(f"{TOKEN};object=mine")


def test_a_key_without_an_id_is_known_by_its_label(hsm: SoftHsm, open_key: Open) -> None:
    for label in ("mine", "other"):
        hsm.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", label)
    assert open_key(f"{TOKEN};object=mine").sign(b"x")


@pytest.mark.parametrize("id_", [b"\x01", b"\x02"])
def test_a_malformed_certificate_is_told_by_its_uri(
    id_: bytes, hsm: SoftHsm, open_key: Open
) -> None:
    kind = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.ID: id_, Attribute.SUBJECT: b"x"}
    x509 = {Attribute.CERTIFICATE_TYPE: CertificateType.X_509, Attribute.VALUE: b"0\x03no"}
    hsm.create({**kind, **x509})
    hsm.generate("01", "mine", "EC:prime256v1")
    with pytest.raises(IdentityError, match=r"certificate pkcs11:.*id=%0\d;.* is malformed"):
        pkcs11.read_certificates(TOKEN, module=hsm.module, pin=NO_PIN)
    if id_ == b"\x01":
        with pytest.raises(IdentityError, match="is malformed"):
            open_key(f"{TOKEN};object=mine")
    else:
        open_key(f"{TOKEN};object=mine")


def test_a_certificate_with_a_key_that_cannot_be_read_tells_no_public_half(
    with_leaf: SoftHsm, open_key: Open, leaf: ec.EllipticCurvePrivateKey
) -> None:
    with_leaf.delete("cert", "07")
    p256, prime239v3 = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030106")
    odd = certificate_of(leaf).public_bytes(Encoding.DER).replace(p256, prime239v3)
    with_leaf.write("cert", "07", "odd", odd)
    with pytest.raises(IdentityError, match="the token has no public keys"):
        open_key(f"{TOKEN};object=the%20key")


def test_a_long_list_of_what_is_there_is_cut(hsm: SoftHsm, open_key: Open) -> None:
    for number in range(1, 6):
        hsm.generate(f"0{number}", "mine", "EC:prime256v1")
    with pytest.raises(IdentityError, match="there is no private key") as told:
        open_key(f"{TOKEN};object=x")
    assert told.value.hint.endswith(", and 2 more")


def test_the_module_may_be_named_in_the_uri(hsm: SoftHsm) -> None:
    hsm.generate("01", "mine", "EC:prime256v1")
    directory = hsm.module.parent
    for query in (
        f"module-path={hsm.module}",
        f"module-path={directory}&module-name=softhsm2",
        f"module-path={hsm.module}&x-vendor=1",
    ):
        uri = f"{TOKEN};object=mine?{query}"
        pkcs11.open_key(uri, module=Path("/nowhere.so"), pin=GIVEN)


def _pkcs8(key: Key) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
