"""What of a value is delivered: whole, by JSON key, text or bytes; and nothing of it in errors."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.aws.parameter import ParameterQuery, ParameterValue
from sidecar.aws.secret import SecretQuery, SecretValue
from sidecar.delivery.content import content
from sidecar.delivery.reference import Reference
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

CANARY = "canary-of-the-content"
NO_KEY = "names a JSON key that is not there"
NO_JSON = "names a JSON key of a value that is not JSON"
NO_TEXT = "holds half of a surrogate pair, which is no text in UTF-8"


def held(text: str | None, binary: bytes | None = None) -> SecretValue:
    encoded = None if binary is None else Secret(base64.b64encode(binary).decode())
    plain = None if text is None else Secret(text)
    return SecretValue("arn", "db", "v-1", plain, encoded, ("AWSCURRENT",), None)


def picked(value: SecretValue, key: str | None) -> bytes:
    return content(Reference(SecretQuery("db"), key), value).encoded()


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ('{"a":"b"}', None, '{"a":"b"}'),
        ("plain é\n", None, "plain é\n"),
        ('{"a":"b"}', "a", "b"),
        ('{"a":""}', "a", ""),
        ('{"a":"\\u00e9\\ud83d\\ude00\\n"}', "a", "é😀\n"),
        ('{"a.b":"whole","a":{"b":"path"}}', "a.b", "whole"),
        ('{"a":{"b":["x","y"]}}', "a.b.1", "y"),
        ('{"a":{"0":"key"}}', "a.0", "key"),
        ('["x","y"]', "1", "y"),
        ('{"":"empty"}', "", "empty"),
        ('{"a":{"b c":1}}', "a.b c", "1"),
        ('{"a":{"b":[1,{"c":"é"}],"d":null}}', "a", '{"b":[1,{"c":"é"}],"d":null}'),
        ('{"a":true}', "a", "true"),
        ('{"a":null}', "a", "null"),
        ('{"a":[]}', "a", "[]"),
        ('{"a":5432}', "a", "5432"),
        ('{"a":1.50}', "a", "1.50"),
        ('{"a":1e5}', "a", "1e5"),
        ('{"a":1e999}', "a", "1e999"),
        (f'{{"a":{"9" * 5000}}}', "a", "9" * 5000),
        ('{"a":"first","a":"last"}', "a", "last"),
        ('{"__class__":"just a key"}', "__class__", "just a key"),
    ],
)
def test_a_key_of_json_text_gives(text: str, key: str | None, found: str) -> None:
    assert picked(held(text), key) == found.encode()


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        (f'{{"{CANARY}":"{CANARY}"}}', "b", NO_KEY),
        (f'{{"a":"{CANARY}"}}', "a.0", NO_KEY),
        (f'{{"a":"{CANARY}"}}', "a.b", NO_KEY),
        (f'{{"a":"{CANARY}"}}', "a.", NO_KEY),
        (f'{{"a":"{CANARY}"}}', ".a", NO_KEY),
        (f'["{CANARY}"]', "1", NO_KEY),
        (f'["{CANARY}"]', "-1", NO_KEY),
        (f'["{CANARY}"]', "00", NO_KEY),
        (f'["{CANARY}"]', "²", NO_KEY),
        (f'["{CANARY}"]', "9" * 5000, NO_KEY),
        (f'["{CANARY}"]', "__class__", NO_KEY),
        (f'"{CANARY}"', "a", NO_KEY),
        (f'"{CANARY}"', "0", NO_KEY),
        (CANARY, "a", NO_JSON),
        (f'{{"a":"{CANARY}"', "a", NO_JSON),
        ("[" * 30_000, "a", NO_JSON),
        (f'{{"a":[NaN,"{CANARY}"]}}', "a", NO_JSON),
        (f'{{"a":[{"9" * 5000}]}}', "a", NO_JSON),
        (f'{{"a":"{CANARY}\\ud800"}}', "a", NO_TEXT),
        (f'{{"a":["{CANARY}\\ud800"]}}', "a", NO_TEXT),
        (f'{{"a":"{CANARY}\\udcff"}}', "a", NO_TEXT),
        (f"{CANARY}\udcff", None, NO_TEXT),
    ],
)
def test_what_cannot_be_given_is_refused_without_a_word_of_the_value(
    text: str, key: str | None, problem: str
) -> None:
    reference = Reference(SecretQuery("db"), key)
    with pytest.raises(OperatorError) as caught:
        content(reference, held(text))
    assert caught.value.message == f"{reference} {problem}"
    assert CANARY not in f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"


@pytest.mark.parametrize("binary", [b"", b"\0\xff\xfe", bytes(range(256)), "é".encode()])
def test_a_binary_secret_is_its_bytes(binary: bytes) -> None:
    assert picked(held(None, binary), None) == binary


def test_a_binary_secret_that_holds_json_has_keys_too() -> None:
    assert picked(held(None, b'{"a":"b"}'), "a") == b"b"


def test_a_binary_secret_that_is_no_json_has_none() -> None:
    with pytest.raises(OperatorError, match=NO_JSON):
        picked(held(None, b"\xff"), "a")


def test_a_parameter_is_its_value_and_may_have_keys() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    text = Secret('{"a":"b"}')
    value = ParameterValue("arn", "/p", "SecureString", text, 1, moment, "text", None, None)
    query = ParameterQuery("/p", with_decryption=True)
    assert content(Reference(query), value).reveal() == '{"a":"b"}'
    assert content(Reference(query, "a"), value).reveal() == "b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, min_size=1))
def test_every_top_level_key_is_found_by_its_exact_name(document: dict[str, object]) -> None:
    for key, value in document.items():
        found = picked(held(json.dumps(document)), key).decode()
        assert found == value if isinstance(value, str) else json.loads(found) == value
