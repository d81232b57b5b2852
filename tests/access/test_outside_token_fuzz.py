"""Whatever is sent in a token's place: it is refused in words, and nothing else happens."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.access.key_set import KeySet, parse_key_set
from sidecar.access.outside_token import IssuerRules, verify_outside
from sidecar.access.refused import TokenNotAccepted

if TYPE_CHECKING:
    from tests.access.conftest import Jwks, Signer

RULES = IssuerRules("cluster", "https://cluster.example", ("sidecar",), ("RS256", "ES256"))
ALPHABET = st.characters(codec="ascii") | st.sampled_from(".=-_A9é\ud800\0")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NAMES = st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "alg", "kid", "typ"])

Refused = Callable[[str], None]


@pytest.fixture(scope="module")
def keys(signer: "Signer", other: "Signer", jwks: "Jwks") -> KeySet:
    return parse_key_set(jwks(signer, other))


@pytest.fixture(scope="module")
def token(signer: "Signer", keys: KeySet, now: datetime) -> str:
    """Give a token that is accepted."""
    at = int(now.timestamp())
    claims = {"iss": RULES.issuer, "aud": "sidecar", "sub": "web", "exp": at + 600, "iat": at}
    token = signer.token(claims)
    assert verify_outside(token, RULES, keys, now).subject == "web"
    return token


@pytest.fixture(scope="module")
def refused(keys: KeySet, now: datetime) -> Refused:
    def check(token: str) -> None:
        with pytest.raises(TokenNotAccepted) as caught:
            verify_outside(token, RULES, keys, now)
        assert caught.value.reason.isprintable()

    return check


@given(st.text(ALPHABET, max_size=300))
def test_no_text_is_a_token(refused: Refused, text: str) -> None:
    refused(text)


@given(st.data())
def test_no_token_with_one_character_changed_is_accepted(
    refused: Refused, token: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(token) - 1))
    changed = data.draw(ALPHABET.filter(lambda each: each != token[place]))
    refused(token[:place] + changed + token[place + 1 :])


@given(st.data())
def test_no_token_with_something_cut_out_or_put_in_is_accepted(
    refused: Refused, token: str, data: st.DataObject
) -> None:
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(token))] * 2)))
    put_in = data.draw(st.text(ALPHABET, max_size=20))
    changed = token[:begin] + put_in + token[end:]
    if changed != token:
        refused(changed)


@given(JSON, JSON)
def test_no_header_and_claims_without_a_good_signature_are_accepted(
    refused: Refused, base64url: Callable[[bytes], str], token: str, header: Any, claims: Any
) -> None:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode()]
    refused(f"{'.'.join(map(base64url, parts))}.{token.rpartition('.')[2]}")


@given(st.dictionaries(NAMES, JSON), st.dictionaries(NAMES, JSON))
def test_whatever_an_issuer_signs_is_accepted_or_refused_in_words(
    other: "Signer", keys: KeySet, now: datetime, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    whole = {"iss": RULES.issuer, "aud": "sidecar", "sub": "web", "exp": 2**32, **claims}
    try:
        said = verify_outside(other.token(whole, **header), RULES, keys, now)
    except TokenNotAccepted:
        return
    assert said.subject == whole["sub"]
