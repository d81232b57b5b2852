"""PKCS#11 URIs (RFC 7512): what they name, and how they are written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from sidecar.errors import IdentityError
from sidecar.redaction import MASK, Secret

_SCHEME: Final = "pkcs11:"
_OBJECT_TYPES: Final = (b"public", b"private", b"cert", b"secret-key", b"data")
_UNENCODED: Final = ":[]@!$'()*+,=&"  # RFC 7512 section 2.3, pk11-path-res-avail
_PATH_VALUE: Final = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=&-]|%[0-9A-Fa-f]{2})*")
_QUERY_VALUE: Final = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=/?|-]|%[0-9A-Fa-f]{2})*")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_PIN: Final = re.compile(r"(?is)(pin-value=).*?(?=&(?:pin-source|module-name|module-path)=|\Z)")


class NoModule(IdentityError):
    """No PKCS#11 module of those that may be meant could be loaded."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            hint="give the module of your token (identity.pkcs11_module, or module-path in the "
            "URI), or install p11-kit-modules",
        )


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """A parsed URI: its attributes by name, percent-decoded, and normalised where they are numbers.

    Args:
        path: what the token and the object must be.
        query: how to get at them; attributes that RFC 7512 does not know are left out.

    """

    path: Mapping[str, bytes]
    query: Mapping[str, bytes] = field(repr=False)

    def allows(self, facts: Mapping[str, bytes]) -> bool:
        """Whether no attribute contradicts the facts; an absent one matches, an empty one does not.

        Compared are bytes, after percent-decoding (RFC 7512 section 2.5).
        """
        return all(self.path.get(name, value) == value for name, value in facts.items())

    @property
    def unknown(self) -> tuple[str, ...]:
        """Path attributes that RFC 7512 does not define, so that nothing can match them."""
        return tuple(name for name in self.path if name not in _PATH_RULES)

    @property
    def pin_value(self) -> Secret | None:
        """The PIN itself."""
        value = self.query.get("pin-value")
        return None if value is None else Secret(value.decode())

    @property
    def pin_source(self) -> Path | None:
        """The file that holds the PIN."""
        value = self.query.get("pin-source")
        return None if value is None else Path(_file_name(value.decode()))

    @property
    def module_name(self) -> str | None:
        """Name of the PKCS#11 module, without ``lib`` and ``.so``."""
        value = self.query.get("module-name")
        return None if value is None else value.decode()

    @property
    def module_path(self) -> Path | None:
        """The PKCS#11 module, or the directory that holds it."""
        value = self.query.get("module-path")
        return None if value is None else Path(value.decode())


def parse_uri(text: str) -> Pkcs11Uri:
    """Read a URI by the grammar of RFC 7512 section 2.3.

    Raises:
        IdentityError: not of that grammar, an attribute twice, or a value that cannot be.

    """
    if not text.lower().startswith(_SCHEME):
        raise _refusal(text, "does not begin with pkcs11:")
    path, mark, query = text[len(_SCHEME) :].partition("?")
    found = _attributes(text, path, ";", _PATH_VALUE, _PATH_RULES)
    asked = _attributes(text, query, "&", _QUERY_VALUE, _QUERY_RULES) if mark else {}
    for name in asked.keys() & _PATH_RULES.keys():
        raise _refusal(text, f"has {name} after the question mark")
    if "pin-value" in asked and "pin-source" in asked:
        raise _refusal(text, "has both pin-value and pin-source")
    return Pkcs11Uri(found, {name: asked[name] for name in asked if name in _QUERY_RULES})


def redacted(text: str) -> str:
    """Give a URI, also a malformed one whose PIN has a bare "&", with the PIN masked."""
    return _PIN.sub(rf"\g<1>{MASK}", text)


def write_uri(path: Mapping[str, bytes]) -> str:
    """Write path attributes as a URI; an id is encoded throughout, as it is no text."""
    written = (f"{name}={_encoded(name, value)}" for name, value in path.items())
    return _SCHEME + ";".join(written)


_Rule = Callable[[bytes], bytes]


def _attributes(
    text: str, part: str, separator: str, values: re.Pattern[str], rules: Mapping[str, _Rule]
) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for each in part.split(separator) if part else ():
        name, equals, value = each.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise _refusal(text, "has a part that is not name=value")
        if not values.fullmatch(value):
            raise _refusal(text, f"has characters in {name} that must be percent-encoded")
        # Only what the RFC does not know may be repeated, and only in the query (section 2.3).
        if name in found and (name in rules or separator == ";"):
            raise _refusal(text, f"has {name} more than once")
        try:
            found[name] = rules.get(name, bytes)(unquote_to_bytes(value))
        except ValueError as exc:
            reason = "is not UTF-8" if isinstance(exc, UnicodeDecodeError) else str(exc)
            raise _refusal(text, f"has a {name} that {reason}") from None
    return found


def _text(value: bytes) -> bytes:
    value.decode()
    return value


def _object_type(value: bytes) -> bytes:
    if value not in _OBJECT_TYPES:
        raise ValueError("is none of public, private, cert, secret-key and data")
    return value


def _number(value: bytes) -> bytes:
    if not value.isdigit():
        raise ValueError("is not a number")
    return str(int(value)).encode()


def _version(value: bytes) -> bytes:
    """Normalise ``major[.minor]``; a missing minor is 0 (section 2.3)."""
    major, dot, minor = value.partition(b".")
    return _number(major) + b"." + _number(minor if dot else b"0")


def _absolute(value: bytes) -> bytes:
    if not value.decode().startswith("/"):
        raise ValueError("is not an absolute path")
    return value


def _bare_name(value: bytes) -> bytes:
    if b"/" in _text(value) or not value:
        raise ValueError("is a path or empty")
    return value


def _pin_source(value: bytes) -> bytes:
    """Allow a file; a program behind ``|`` would run with whatever rights this process has."""
    if value.startswith(b"|"):
        raise ValueError("is a program, and only a file is read")
    if not _file_name(value.decode()).startswith("/"):
        raise ValueError("is neither an absolute path nor file:/path")
    return value


def _file_name(source: str) -> str:
    return source.removeprefix("file:").removeprefix("//")


_PATH_RULES: Final[Mapping[str, _Rule]] = {
    "token": _text,
    "manufacturer": _text,
    "serial": _text,
    "model": _text,
    "library-manufacturer": _text,
    "library-description": _text,
    "library-version": _version,
    "slot-manufacturer": _text,
    "slot-description": _text,
    "slot-id": _number,
    "object": _text,
    "type": _object_type,
    "id": bytes,
}
_QUERY_RULES: Final[Mapping[str, _Rule]] = {
    "pin-value": _text,
    "pin-source": _pin_source,
    "module-name": _bare_name,
    "module-path": _absolute,
}


def _encoded(name: str, value: bytes) -> str:
    if name == "id":
        return "".join(f"%{byte:02X}" for byte in value)
    return quote(value, safe=_UNENCODED)


def _refusal(text: str, problem: str) -> IdentityError:
    return IdentityError(
        f"PKCS#11 URI {redacted(text)} {problem}",
        hint="its form is pkcs11:token=…;object=…?module-path=… (RFC 7512); "
        "p11tool --list-all prints them",
    )
