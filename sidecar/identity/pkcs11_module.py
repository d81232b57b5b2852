"""Loading the PKCS#11 module of a token, and asking it for its tokens."""

import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pkcs11
from pkcs11 import TokenFlag

from sidecar.identity.pkcs11_uri import NoModule, Pkcs11Uri

# p11-kit's proxy, which stands for all modules that this machine has registered.
_DEFAULT_MODULES: Final = ("p11-kit-proxy.so", "libp11-kit.so.0")
_MULTIARCH: Final = sysconfig.get_config_var("MULTIARCH") or ""
_MODULE_DIRECTORIES: Final = (
    "/usr/lib/pkcs11",
    "/usr/lib64/pkcs11",
    f"/usr/lib/{_MULTIARCH}/pkcs11",
)


def module_candidates(uri: Pkcs11Uri, configured: Path | None) -> tuple[str, ...]:
    """Give the files to try as a module, best first; what the URI names goes before the rest."""
    path, name = uri.module_path, uri.module_name
    if path is not None and not (name and path.is_dir()):
        return (str(path),)
    if name is not None:
        directories = _MODULE_DIRECTORIES if path is None else (str(path),)
        files = (f"lib{name}.so", f"{name}.so")
        found = tuple(f"{directory}/{file}" for directory in directories for file in files)
        return found if path else (*found, *files)
    return _DEFAULT_MODULES if configured is None else (str(configured),)


def load_module(candidates: tuple[str, ...]) -> pkcs11.lib:
    """Load the first of these files that is a PKCS#11 module, and initialise it if it is not.

    Raises:
        NoModule: none of them is; with the loader's own words for each.

    """
    problems = []
    for each in candidates:
        try:
            return pkcs11.lib(each)
        except pkcs11.PKCS11Error as exc:
            problems.append(str(exc) or f"{type(exc).__name__} from {each}")
    raise NoModule(f"no PKCS#11 module could be loaded: {'; '.join(problems)}")


def initialised_tokens(library: pkcs11.lib) -> Iterator[tuple[pkcs11.Token, Mapping[str, bytes]]]:
    """Give every initialised token with all that a URI may say of it (RFC 7512, table 1)."""
    major, minor = library.library_version
    for slot in library.get_slots(token_present=True):
        try:
            token = slot.get_token()
        except (pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised):
            continue
        if not token.flags & TokenFlag.TOKEN_INITIALIZED:
            continue
        texts = {
            "model": token.model,
            "manufacturer": token.manufacturer_id,
            "serial": token.serial.decode(errors="replace"),
            "token": token.label,
            "library-manufacturer": library.manufacturer_id,
            "library-description": library.library_description,
            "library-version": f"{major}.{minor}",
            "slot-manufacturer": slot.manufacturer_id,
            "slot-description": slot.slot_description,
            "slot-id": str(slot.slot_id),
        }
        yield token, {name: text.encode() for name, text in texts.items()}
