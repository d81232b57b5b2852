"""Locators: what each form names."""

from pathlib import Path

import pytest

from sidecar.errors import IdentityError
from sidecar.identity.password import NoPasswordSource, Password, PasswordFile, PasswordVariable
from sidecar.identity.places import IdentityPlaces, file_of, is_pkcs11, is_tpm, tpm_handle


@pytest.mark.parametrize(
    ("locator", "file", "pkcs11", "tpm"),
    [
        ("workload.pem", Path("workload.pem"), False, False),
        ("/certs/workload.p12", Path("/certs/workload.p12"), False, False),
        ("pkcs12:/certs/workload", Path("/certs/workload"), False, False),
        ("pkcs11:token=x", None, True, False),
        ("PKCS11:token=x", None, True, False),
        ("tpm:0x81000001", None, False, True),
        ("handle:0x81000001", None, False, True),
        ("./tpm:0x81000001", Path("tpm:0x81000001"), False, False),
    ],
)
def test_a_locator_names_a_file_a_token_or_a_tpm(
    locator: str, file: Path | None, pkcs11: bool, tpm: bool
) -> None:
    assert (file_of(locator), is_pkcs11(locator), is_tpm(locator)) == (file, pkcs11, tpm)


@pytest.mark.parametrize("locator", ["tpm:0x81000001", "tpm:81000001", "handle:0X81000001"])
def test_a_handle_is_hexadecimal(locator: str) -> None:
    assert tpm_handle(locator) == 0x81000001


@pytest.mark.parametrize("locator", ["tpm:", "tpm:0x", "tpm:first", "tpm:0x8100000g"])
def test_a_handle_that_is_no_number_is_refused(locator: str) -> None:
    with pytest.raises(IdentityError, match=f"^{locator} names no handle$"):
        tpm_handle(locator)


def test_the_key_is_where_the_certificate_is_unless_it_is_said() -> None:
    assert IdentityPlaces(certificate="a").key_locator == "a"
    assert IdentityPlaces(certificate="a", private_key="b").key_locator == "b"


@pytest.mark.parametrize(
    ("key", "chain", "password", "files"),
    [
        (None, None, NoPasswordSource(), ["a"]),
        ("a", Path("a"), NoPasswordSource(), ["a"]),
        ("b", Path("c"), PasswordFile(Path("d")), ["a", "b", "c", "d"]),
        ("pkcs11:token=x", None, PasswordVariable("P", {}), ["a"]),
    ],
)
def test_the_files_that_matter_are_listed_once(
    key: str | None, chain: Path | None, password: Password, files: list[str]
) -> None:
    places = IdentityPlaces(certificate="a", private_key=key, chain=chain, password=password)
    assert list(places.files) == list(map(Path, files))
