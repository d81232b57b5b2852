"""Without an extra, its error says what to install."""

import sys
from collections.abc import Callable

import pytest

from sidecar.errors import IdentityError
from sidecar.identity import pkcs11, tpm
from sidecar.identity.password import NoPasswordSource

NO_PIN = NoPasswordSource()
TSS2 = b"-----BEGIN TSS2 PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("library", "extra", "use"),
    [
        ("pkcs11", "pkcs11", lambda: pkcs11.open_key("pkcs11:", module=None, pin=NO_PIN)),
        ("pkcs11", "pkcs11", lambda: pkcs11.read_certificates("pkcs11:", module=None, pin=NO_PIN)),
        ("tpm2_pytss", "tpm", lambda: tpm.open_handle(0x81000001, tcti=None, password=NO_PIN)),
        ("tpm2_pytss", "tpm", lambda: tpm.open_tss2(TSS2, tcti=None, password=NO_PIN)),
    ],
)
def test_a_missing_extra_is_named(
    library: str, extra: str, use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(IdentityError, match=f"needs the library {library}, which cannot") as told:
        use()
    # By path: nobody has registered the name at an index, and so anybody could.
    assert told.value.hint == f"in the directory of the sidecar's source: pip install '.[{extra}]'"
