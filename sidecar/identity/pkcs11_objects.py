"""Private keys and certificates on a token, found as a PKCS#11 URI names them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import pkcs11
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import Attribute, KeyType, ObjectClass
from pkcs11.util.ec import encode_ec_public_key
from pkcs11.util.rsa import encode_rsa_public_key

from sidecar.ca.whole_certificate import MALFORMED, parse_fully
from sidecar.errors import IdentityError
from sidecar.identity.device_signature import DevicePublicKey
from sidecar.identity.pkcs11_token import TokenSession
from sidecar.identity.pkcs11_uri import Pkcs11Uri, write_uri
from sidecar.identity.signing_key import public_der

_TYPES: Final = {
    ObjectClass.PRIVATE_KEY: b"private",
    ObjectClass.CERTIFICATE: b"cert",
    ObjectClass.PUBLIC_KEY: b"public",
}
_MOST_LISTED: Final = 8


class NothingFound(IdentityError):
    """Nothing on the token fits; more may show after a login."""


def find_private_keys(opened: TokenSession, uri: Pkcs11Uri) -> list[pkcs11.PrivateKey]:
    """Find the private keys that can sign and fit the URI.

    A URI that names a certificate stands for the key with the same CKA_ID. Where nothing says
    ``type=private``, a label may be the certificate's alone.

    Raises:
        IdentityError: there is none.

    """
    wanted = uri.path.get("type")
    if wanted not in (None, b"private", b"cert"):
        raise IdentityError(
            f"{_named(uri)} names neither a private key nor a certificate",
            hint="write type=private, or leave type out",
        )
    keys = [] if wanted == b"cert" else _signing_keys(opened, _template(uri))
    if not keys and wanted != b"private":
        certificates = _objects(opened, ObjectClass.CERTIFICATE, _template(uri))
        ids = {_bytes(each, Attribute.ID) for each in certificates} - {b""}
        keys = [key for each in sorted(ids) for key in _signing_keys(opened, {Attribute.ID: each})]
    if not keys:
        raise _nothing(opened, uri, "private key that may sign")
    return keys


def only_private_key(opened: TokenSession, uri: Pkcs11Uri) -> pkcs11.PrivateKey:
    """Give the one private key that the URI means; several are an error that lists them all."""
    keys = find_private_keys(opened, uri)
    if len(keys) > 1:
        raise IdentityError(
            f"{len(keys)} private keys fit {_named(uri)}: {_listed(opened, keys)}",
            hint="add id=… or object=… of the one that is meant",
        )
    return keys[0]


def find_certificates(opened: TokenSession, uri: Pkcs11Uri) -> list[x509.Certificate]:
    """Read the certificates that fit the URI; one that names a private key means its CKA_ID.

    Raises:
        IdentityError: there is none, or one cannot be parsed.

    """
    wanted = uri.path.get("type")
    found = []
    if wanted in (None, b"cert"):
        found = _objects(opened, ObjectClass.CERTIFICATE, _template(uri))
    if not found and wanted in (None, b"private"):
        keys = _signing_keys(opened, _template(uri))
        ids = {_bytes(each, Attribute.ID) for each in keys} - {b""}
        for each in sorted(ids):
            found += _objects(opened, ObjectClass.CERTIFICATE, {Attribute.ID: each})
    if not found:
        raise _nothing(opened, uri, "certificate")
    return [_certificate(opened, each) for each in found]


def public_half(opened: TokenSession, key: pkcs11.PrivateKey) -> DevicePublicKey:
    """Tell a private key's public half: from itself, a public key or a certificate of its CKA_ID.

    This does not check that the halves belong together; a signature does.

    Raises:
        IdentityError: there is none, there are several, or it is neither RSA nor EC.

    """
    name = _listed(opened, [key])
    if key.key_type not in (KeyType.RSA, KeyType.EC):
        raise IdentityError(
            f"{name} is a key of type {getattr(key.key_type, 'name', key.key_type)}, "
            "which is not used over PKCS#11",
            hint="make an RSA or EC key; ML-DSA keys are read from files",
        )
    same_id = {Attribute.ID: _bytes(key, Attribute.ID)}
    if not same_id[Attribute.ID]:
        same_id = {Attribute.LABEL: key[Attribute.LABEL]}
    holders = [key, *_objects(opened, ObjectClass.PUBLIC_KEY, same_id)]
    certificates = _objects(opened, ObjectClass.CERTIFICATE, same_id)
    found = [_decoded(each) for each in holders]
    found += [_public_key(_certificate(opened, each)) for each in certificates]
    halves = {public_der(each): each for each in found if each is not None}
    if len(halves) != 1:
        raise IdentityError(
            f"the token has {len(halves) or 'no'} public keys for {name}",
            hint="store its public key or its certificate, one, with the same id: "
            "pkcs11-tool --write-object FILE --type cert --id ID",
        )
    return next(iter(halves.values()))


def _signing_keys(
    opened: TokenSession, template: Mapping[Attribute, str | bytes]
) -> list[pkcs11.PrivateKey]:
    return _objects(opened, ObjectClass.PRIVATE_KEY, {**template, Attribute.SIGN: True})


def _objects(
    opened: TokenSession, kind: ObjectClass, template: Mapping[Attribute, str | bytes | bool]
) -> list[pkcs11.Object]:
    return list(opened.session.get_objects({Attribute.CLASS: kind, **template}))


def _template(uri: Pkcs11Uri) -> dict[Attribute, str | bytes]:
    template: dict[Attribute, str | bytes] = {}
    if "object" in uri.path:
        template[Attribute.LABEL] = uri.path["object"].decode()
    if "id" in uri.path:
        template[Attribute.ID] = uri.path["id"]
    return template


def _certificate(opened: TokenSession, found: pkcs11.Object) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(_bytes(found, Attribute.VALUE))
        parse_fully((certificate,))
    except MALFORMED as exc:
        raise IdentityError(
            f"certificate {_listed(opened, [found])} is malformed", hint="write it anew"
        ) from exc
    return certificate


def _decoded(found: pkcs11.Object) -> DevicePublicKey | None:
    """Decode a public key from the attributes of an object that may lack them."""
    encode = {KeyType.RSA: encode_rsa_public_key, KeyType.EC: encode_ec_public_key}
    try:
        key = load_der_public_key(encode[found.key_type](found))
    except (KeyError, ValueError, TypeError, pkcs11.AttributeTypeInvalid):
        return None
    return key if isinstance(key, DevicePublicKey) else None


def _public_key(certificate: x509.Certificate) -> DevicePublicKey | None:
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return None
    return key if isinstance(key, DevicePublicKey) else None


def _nothing(opened: TokenSession, uri: Pkcs11Uri, kind: str) -> NothingFound:
    there = [each for object_class in _TYPES for each in _objects(opened, object_class, {})]
    holds = _listed(opened, there) or "nothing"
    seen = "after login" if opened.pin is not None else "without login"
    return NothingFound(
        f"there is no {kind} that fits {_named(uri)}", hint=f"the token shows {seen}: {holds}"
    )


def _named(uri: Pkcs11Uri) -> str:
    return write_uri(uri.path)


def _listed(opened: TokenSession, objects: Sequence[pkcs11.Object]) -> str:
    shown: Iterable[pkcs11.Object] = objects[:_MOST_LISTED]
    more = len(objects) - _MOST_LISTED
    names = [write_uri({**opened.token, **_facts(each)}) for each in shown]
    return ", ".join([*names, f"and {more} more"] if more > 0 else names)


def _facts(found: pkcs11.Object) -> dict[str, bytes]:
    facts = {"id": _bytes(found, Attribute.ID), "object": _bytes(found, Attribute.LABEL)}
    return {**facts, "type": _TYPES[found.object_class]}


def _bytes(found: pkcs11.Object, attribute: Attribute) -> bytes:
    try:
        value = found[attribute]
    except (pkcs11.AttributeTypeInvalid, UnicodeDecodeError):
        return b""
    return value.encode() if isinstance(value, str) else bytes(value)
