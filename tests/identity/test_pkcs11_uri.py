"""PKCS#11 URIs: RFC 7512's own examples, what its grammar refuses, and PINs that stay hidden."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.errors import IdentityError
from sidecar.identity.pkcs11_uri import parse_uri, redacted, write_uri
from sidecar.redaction import Secret

SNAKE_OIL = b"Snake Oil, Inc."


# RFC 7512 section 3.
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("pkcs11:", {}),
        ("pkcs11:object=my-pubkey;type=public", {"object": b"my-pubkey", "type": b"public"}),
        (
            "pkcs11:object=my-key;type=private?pin-source=file:/etc/token",
            {"object": b"my-key", "type": b"private"},
        ),
        (
            (
                "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
                "model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial="
                "?pin-source=file:/etc/token_pin"
            ),
            {
                "token": b"The Software PKCS#11 Softtoken",
                "manufacturer": SNAKE_OIL,
                "model": b"1.0",
                "object": b"my-certificate",
                "type": b"cert",
                "id": bytes.fromhex("69953e5cf4bdec91"),
                "serial": b"",
            },
        ),
        (
            (
                "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc."
                "?pin-value=the-pin"
            ),
            {"token": b"Software PKCS#11 softtoken", "manufacturer": SNAKE_OIL},
        ),
        ("pkcs11:slot-description=Sun%20Metaslot", {"slot-description": b"Sun Metaslot"}),
        (
            (
                "pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;"
                "library-description=Soft%20Token%20Library;library-version=1.23"
            ),
            {
                "library-manufacturer": SNAKE_OIL,
                "library-description": b"Soft Token Library",
                "library-version": b"1.23",
            },
        ),
        (
            (
                "pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;"
                "id=%01%02%03%Ba%dd%Ca%fe%04%05%06"
            ),
            {
                "token": b"My token% created by Joe",
                "library-version": b"3.0",
                "id": bytes.fromhex("010203baddcafe040506"),
            },
        ),
        (
            "pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert",
            {"token": b"A name with a substring %;", "object": b"my-certificate", "type": b"cert"},
        ),
        (
            "pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1;type=cert",
            {"token": "Name with a small A with acute: á".encode(), "type": b"cert"},
        ),
        (
            (
                "pkcs11:token=my-token;object=my-certificate;type=cert;vendor-aaa=value-a"
                "?pin-source=file:/etc/token_pin&vendor-bbb=value-b"
            ),
            {
                "token": b"my-token",
                "object": b"my-certificate",
                "type": b"cert",
                "vendor-aaa": b"value-a",
            },
        ),
    ],
)
def test_every_example_of_the_rfc_is_read(text: str, path: dict[str, bytes]) -> None:
    assert parse_uri(text).path == path


def test_the_query_says_how_to_get_at_the_token() -> None:
    uri = parse_uri("PKCS11:?module-name=mypkcs11&module-path=/mnt/a%20b.so.1&pin-value=a%26b/?|")
    assert (uri.module_name, uri.module_path) == ("mypkcs11", Path("/mnt/a b.so.1"))
    assert uri.pin_value == Secret("a&b/?|")
    assert uri.pin_source is None


@pytest.mark.parametrize("source", ["file:/etc/pin", "file:///etc/pin", "/etc/pin"])
def test_a_pin_source_is_a_file(source: str) -> None:
    assert parse_uri(f"pkcs11:?pin-source={source}").pin_source == Path("/etc/pin")


def test_what_a_vendor_adds_to_the_query_is_ignored_however_often() -> None:
    assert parse_uri("pkcs11:?vendor-x=1&vendor-x=2").query == {}


def test_what_a_vendor_adds_to_the_path_is_told() -> None:
    assert parse_uri("pkcs11:token=a;x-colour=red").unknown == ("x-colour",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file:/etc/key", "does not begin with pkcs11:"),
        ("pkcs11", "does not begin with pkcs11:"),
        ("pkcs11:token", "has a part that is not name=value"),
        ("pkcs11:token=a;", "has a part that is not name=value"),
        ("pkcs11:;token=a", "has a part that is not name=value"),
        ("pkcs11:to%6Ben=a", "has a part that is not name=value"),
        ("pkcs11:=a", "has a part that is not name=value"),
        ("pkcs11:token=a b", "has characters in token that must be percent-encoded"),
        ("pkcs11:token=a/b", "has characters in token that must be percent-encoded"),
        ("pkcs11:token=é", "has characters in token that must be percent-encoded"),
        ("pkcs11:token=a%2", "has characters in token that must be percent-encoded"),
        ("pkcs11:token=a%zz", "has characters in token that must be percent-encoded"),
        ("pkcs11:token=a#b", "has characters in token that must be percent-encoded"),
        ("pkcs11:token=a|b", "has characters in token that must be percent-encoded"),
        ("pkcs11:token=a\n", "has characters in token that must be percent-encoded"),
        ("pkcs11:token=a;token=a", "has token more than once"),
        ("pkcs11:x-a=1;x-a=1", "has x-a more than once"),
        ("pkcs11:?module-name=a&module-name=a", "has module-name more than once"),
        ("pkcs11:token=%FF", "has a token that is not UTF-8"),
        ("pkcs11:?pin-value=%FF", "has a pin-value that is not UTF-8"),
        ("pkcs11:type=key", "has a type that is none of public, private, cert, secret-key and"),
        ("pkcs11:type=Private", "has a type that is none of"),
        ("pkcs11:slot-id=0x1", "has a slot-id that is not a number"),
        ("pkcs11:slot-id=", "has a slot-id that is not a number"),
        ("pkcs11:slot-id=%D9%A1", "has a slot-id that is not a number"),
        ("pkcs11:library-version=1.", "has a library-version that is not a number"),
        ("pkcs11:library-version=.1", "has a library-version that is not a number"),
        ("pkcs11:library-version=1.2.3", "has a library-version that is not a number"),
        ("pkcs11:?module-path=lib.so", "has a module-path that is not an absolute path"),
        ("pkcs11:?module-name=/lib.so", "has a module-name that is a path or empty"),
        ("pkcs11:?module-name=", "has a module-name that is a path or empty"),
        ("pkcs11:?pin-source=|/bin/pin", "has a pin-source that is a program"),
        ("pkcs11:?pin-source=https:/x", "has a pin-source that is neither an absolute path"),
        ("pkcs11:?pin-source=pin", "has a pin-source that is neither an absolute path"),
        ("pkcs11:?token=a", "has token after the question mark"),
        ("pkcs11:?pin-value=1&pin-source=/x", "has both pin-value and pin-source"),
    ],
)
def test_a_uri_outside_the_grammar_is_refused_by_name(text: str, problem: str) -> None:
    with pytest.raises(IdentityError) as refused:
        parse_uri(text)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pkcs11:?pin-value=tops3cret", "pkcs11:?pin-value=***"),
        (
            "pkcs11:token=a?pin-value=tops3cret&module-path=/m.so",
            "pkcs11:token=a?pin-value=***&module-path=/m.so",
        ),
        ("pkcs11:?pin-value=tops3cret&tops3cret", "pkcs11:?pin-value=***"),
        ("pkcs11:token=a;pin-value=tops3cret", "pkcs11:token=a;pin-value=***"),
        ("PKCS11:?PIN-VALUE=tops3cret", "PKCS11:?PIN-VALUE=***"),
        ("pkcs11:?pin-value=tops3cret\ntops3cret", "pkcs11:?pin-value=***"),
        ("pkcs11:token=a?pin-source=/etc/pin", "pkcs11:token=a?pin-source=/etc/pin"),
    ],
)
def test_the_pin_of_any_uri_is_masked(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    ["pkcs11:?pin-value=tops3cret&pin-value=tops3cret", "pkcs11:?pin-value=tops3cret&tops3cret"],
)
def test_a_refusal_does_not_tell_the_pin(text: str) -> None:
    with pytest.raises(IdentityError) as refused:
        parse_uri(text)
    assert "tops3cret" not in str(refused.value) + refused.value.hint


def test_a_repr_does_not_tell_the_pin() -> None:
    assert "tops3cret" not in repr(parse_uri("pkcs11:token=a?pin-value=tops3cret"))


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("pkcs11:", True),
        ("pkcs11:token=my%20token", True),
        ("pkcs11:token=my%20token;model=m", True),
        ("pkcs11:token=My%20token", False),
        ("pkcs11:token=my%20token;model=n", False),
        ("pkcs11:token=", False),
        ("pkcs11:serial=", True),
        ("pkcs11:slot-id=007", True),
        ("pkcs11:slot-id=8", False),
        ("pkcs11:library-version=2", True),
        ("pkcs11:library-version=2.00", True),
        ("pkcs11:library-version=2.1", False),
        ("pkcs11:object=anything", True),
    ],
)
def test_a_uri_fits_a_token_when_no_attribute_contradicts(text: str, fits: bool) -> None:
    token = {"token": b"my token", "model": b"m", "serial": b""}
    facts = {**token, "slot-id": b"7", "library-version": b"2.0"}
    assert parse_uri(text).allows(facts) is fits


@given(token=st.text(), number=st.binary(), label=st.text())
@example(token="%;?&#/|", number=b"\x00\xff", label="é=")
def test_what_is_written_is_read_as_it_was(token: str, number: bytes, label: str) -> None:
    path = {"token": token.encode(), "id": number, "object": label.encode()}
    assert parse_uri(write_uri(path)).path == path
