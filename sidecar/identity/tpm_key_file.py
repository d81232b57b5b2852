"""TSS2 private key files: a key that only its TPM can open, and the parent under which it does."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sidecar.errors import IdentityError

# Names, tags and numbers are those of draft-bottomley-tpm2-keys, section 3.1.
_PEM: Final = re.compile(
    rb"-----BEGIN TSS2 PRIVATE KEY-----(.*?)-----END TSS2 PRIVATE KEY-----", re.DOTALL
)
_KINDS: Final = {
    bytes.fromhex("6781050a0103"): "loadable",
    bytes.fromhex("6781050a0104"): "importable",
    bytes.fromhex("6781050a0105"): "sealed data",
}
_INTEGER, _OCTETS, _OID, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_EMPTY_AUTH, _POLICY, _SECRET, _AUTH_POLICY, _DESCRIPTION, _RSA_PARENT = range(0xA0, 0xA6)
_OPTIONS: Final = {
    _EMPTY_AUTH: "emptyAuth",
    _POLICY: "a policy",
    _SECRET: "a secret",
    _AUTH_POLICY: "an authPolicy",
    _DESCRIPTION: "a description",
    _RSA_PARENT: "rsaParent",
}
_PERSISTENT: Final = range(0x81000000, 0x82000000)
_HIERARCHIES: Final = {
    0x40000001: "owner",
    0x40000007: "null",
    0x4000000B: "endorsement",
    0x4000000C: "platform",
}


@dataclass(frozen=True, slots=True)
class TpmKeyFile:
    """A key as TPM2_Load takes it.

    Args:
        parent: handle of a persistent parent, or of the hierarchy whose standard primary key
            (NIST P-256) is the parent.
        empty_auth: whether the file says that the key needs no password; programs err here.
        public: marshalled TPM2B_PUBLIC.
        private: marshalled TPM2B_PRIVATE, which is encrypted by the parent.

    """

    parent: int
    empty_auth: bool
    public: bytes
    private: bytes = field(repr=False)

    @property
    def hierarchy(self) -> str | None:
        """Name of the hierarchy that the parent is made in; None for a persistent parent."""
        return _HIERARCHIES.get(self.parent)


def parse_key_file(content: bytes) -> TpmKeyFile:
    """Read the one TSS2 private key in a PEM file; other blocks beside it are passed over.

    This does not look into the marshalled halves; the TPM does.

    Raises:
        IdentityError: no such block or several, malformed, or a kind of key that is not supported.

    """
    blocks = _PEM.findall(content)
    if len(blocks) != 1:
        raise _refusal(f"holds {len(blocks) or 'no'} TSS2 private keys")
    try:
        der = base64.b64decode(b"".join(blocks[0].split()), validate=True)
        ((outer, body),) = _elements(der)
        kind, *optional, parent, public, private = _elements(body)
    except ValueError:
        raise _refusal("is malformed") from None
    tags = [outer, kind[0], parent[0], public[0], private[0]]
    if tags != [_SEQUENCE, _OID, _INTEGER, _OCTETS, _OCTETS]:
        raise _refusal("is malformed")
    if _KINDS.get(kind[1]) != "loadable":
        raise _refusal(f"is of kind {_KINDS.get(kind[1], kind[1].hex())}, not a loadable key")
    empty_auth = _read_options(optional)
    handle = int.from_bytes(parent[1])
    if handle not in _HIERARCHIES and handle not in _PERSISTENT:
        raise _refusal(f"names parent 0x{handle:08x}, which is neither persistent nor a hierarchy")
    return TpmKeyFile(handle, empty_auth, public[1], private[1])


def _read_options(options: list[tuple[int, bytes]]) -> bool:
    """Refuse what would have to be obeyed and cannot be, and say whether emptyAuth is true."""
    tags = [tag for tag, _ in options]
    if tags != sorted(set(tags)) or not set(tags) <= _OPTIONS.keys():
        raise _refusal("is malformed")
    found = dict(options)
    for tag in (_POLICY, _SECRET, _AUTH_POLICY):
        if tag in found:
            raise _refusal(f"has {_OPTIONS[tag]}, which is not supported")
    if _is_true(found.get(_RSA_PARENT)):
        raise _refusal("has an RSA parent made anew each time, which is not supported")
    return _is_true(found.get(_EMPTY_AUTH))


def _is_true(boolean: bytes | None) -> bool:
    """Read an explicit BOOLEAN; some programs write 1 where DER demands 255."""
    if boolean is None:
        return False
    if boolean[:2] != b"\x01\x01" or len(boolean) != 3:  # noqa: PLR2004 - tag, length, value
        raise _refusal("is malformed")
    return boolean[2] != 0


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Walk over DER elements that follow each other; ValueError where one is cut off."""
    while der:
        length, start = int.from_bytes(der[1:2]), 2
        if length >= 0x80:  # noqa: PLR2004 - the long form: how many bytes hold the length
            start += length - 0x80
            length = int.from_bytes(der[2:start])
        if len(der) < max(2, start + length):
            raise ValueError("cut off")
        yield der[0], der[start : start + length]
        der = der[start + length :]


def _refusal(problem: str) -> IdentityError:
    return IdentityError(
        f"the TSS2 key file {problem}",
        hint="make one: openssl genpkey -provider tpm2 -algorithm EC -pkeyopt group:P-256",
    )
