"""The sidecar's own tokens: what they say, how long they count, and every way in which they do not.

They are judged by tokens that this file writes by hand, so that no library makes both sides.
"""

import base64
import hashlib
import hmac
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from sidecar.access.own_token import OwnTokenRules, issue, peek, verify
from sidecar.access.refused import TokenNotAccepted
from sidecar.access.token_key import TokenKey

SECRET = b"canary-of-thirty-two-bytes-0001!"
HS256 = TokenKey.read(SECRET, "HS256")
EDDSA = TokenKey.generate("EdDSA")
RULES = OwnTokenRules(
    audience="sidecar", lifetime=timedelta(hours=24), grace=timedelta(days=7), revoked={"bad"}
)
START = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
IAT = int(START.timestamp())
CLAIMS: dict[str, Any] = {
    "sub": "web",
    "aud": "sidecar",
    "iat": IAT,
    "exp": IAT + 86400,
    "jti": "one",
}
HEADER: dict[str, Any] = {"alg": "HS256", "kid": HS256.kid, "typ": "JWT"}


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(
    claims: dict[str, Any] | bytes, header: dict[str, Any] = HEADER, secret: bytes = SECRET
) -> str:
    """Write and sign a token as RFC 7515 says."""
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{_part(json.dumps(header).encode())}.{_part(body)}"
    return f"{signed}.{_part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def reason(token: str, key: TokenKey = HS256, now: datetime = START) -> str:
    with pytest.raises(TokenNotAccepted) as caught:
        verify(token, key, RULES, now)
    assert "canary" not in caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize("key", [HS256, EDDSA], ids=["HS256", "EdDSA"])
def test_a_token_says_whose_it_is_and_how_long_it_counts(key: TokenKey) -> None:
    said = verify(issue("web", key, RULES, START, "one").reveal(), key, RULES, START)
    assert (said.app, said.token_id) == ("web", "one")
    assert said.issued_at == START
    assert said.renew_at == START + timedelta(hours=12)
    assert said.expires_at == START + timedelta(hours=24)
    assert said.ends_at == START + timedelta(days=8)


def test_a_token_that_was_written_by_hand_counts() -> None:
    assert verify(by_hand(CLAIMS), HS256, RULES, START).app == "web"


def test_openssl_finds_the_signature_right(
    tmp_path: Path, openssl: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    token = issue("web", EDDSA, RULES, START, "one").reveal()
    signed, _, signature = token.rpartition(".")
    assert isinstance(EDDSA.signing, Ed25519PrivateKey)
    public = EDDSA.signing.public_key()
    (tmp_path / "key").write_bytes(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "signed").write_text(signed)
    (tmp_path / "signature").write_bytes(base64.urlsafe_b64decode(f"{signature}=="))
    verdict = openssl(
        *("pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "key", "-rawin"),
        *("-in", tmp_path / "signed", "-sigfile", tmp_path / "signature"),
    )
    assert verdict.returncode == 0, verdict.stderr


@pytest.mark.parametrize(
    ("seconds", "counts"),
    [(-300, True), (0, True), (86400, True), (8 * 86400 - 1, True)],
)
def test_it_counts_from_its_issue_to_the_end_of_the_grace(seconds: int, *, counts: bool) -> None:
    now = START + timedelta(seconds=seconds)
    assert (verify(by_hand(CLAIMS), HS256, RULES, now).app == "web") is counts


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        (8 * 86400, "the token has expired"),
        (10**9, "the token has expired"),
        (-301, "the token is not yet valid: it was issued in the future"),
    ],
)
def test_it_counts_neither_before_nor_after(seconds: int, why: str) -> None:
    assert reason(by_hand(CLAIMS), now=START + timedelta(seconds=seconds)) == why


ILL_FORMED = "the token is no well-formed JWT"
FOREIGN = "the token was signed with a key that is not the sidecar's of now"
WRONG_TYPE = "a claim of the token is of the wrong type"


@pytest.mark.parametrize(
    ("token", "why"),
    [
        pytest.param(by_hand(CLAIMS | {"aud": "other"}), "the token is for another audience"),
        pytest.param(by_hand(CLAIMS | {"aud": ["sidecar"]}), "the token is for another audience"),
        pytest.param(by_hand(CLAIMS | {"aud": ""}), "the token has no claim aud"),
        pytest.param(by_hand(CLAIMS | {"jti": "bad"}), "the token is revoked"),
        pytest.param(by_hand(CLAIMS, secret=SECRET[::-1]), "the token's signature does not match"),
        pytest.param(by_hand(CLAIMS)[:-1], ILL_FORMED),
        pytest.param(by_hand(CLAIMS)[:-4], ILL_FORMED),
        pytest.param(by_hand(CLAIMS).rpartition(".")[0], ILL_FORMED),
        pytest.param(by_hand(CLAIMS)[:40], ILL_FORMED),
        pytest.param("", ILL_FORMED),
        pytest.param("..", ILL_FORMED),
        pytest.param("a" * 5000, "the token has more than 4096 characters"),
        pytest.param(
            by_hand(CLAIMS, HEADER | {"alg": "none"}), "the token's algorithm is not HS256"
        ),
        pytest.param(
            by_hand(CLAIMS, HEADER | {"alg": "None"}), "the token's algorithm is not HS256"
        ),
        pytest.param(
            by_hand(CLAIMS, HEADER | {"alg": "HS512"}), "the token's algorithm is not HS256"
        ),
        pytest.param(
            by_hand(CLAIMS, HEADER | {"alg": "EdDSA"}), "the token's algorithm is not HS256"
        ),
        pytest.param(by_hand(CLAIMS, HEADER | {"kid": "../key"}), FOREIGN),
        pytest.param(by_hand(CLAIMS, {"alg": "HS256"}), FOREIGN),
        pytest.param(by_hand(b"[]"), ILL_FORMED),
        pytest.param(by_hand(b"[" * 2000), ILL_FORMED),
        pytest.param(by_hand(b"\xff"), ILL_FORMED),
        pytest.param(by_hand(CLAIMS | {"exp": True}), WRONG_TYPE),
        pytest.param(by_hand(CLAIMS | {"exp": "1e9"}), WRONG_TYPE),
        pytest.param(by_hand(CLAIMS | {"exp": 1e300}), WRONG_TYPE),
        pytest.param(by_hand(CLAIMS | {"exp": 10**30}), WRONG_TYPE),
        pytest.param(by_hand(CLAIMS | {"iat": None}), "the token has no claim iat"),
        *(
            pytest.param(
                by_hand({key: value for key, value in CLAIMS.items() if key != left_out}),
                f"the token has no claim {left_out}",
                id=f"without {left_out}",
            )
            for left_out in CLAIMS
        ),
    ],
)
def test_what_the_sidecar_did_not_sign_so_does_not_count(token: str, why: str) -> None:
    assert reason(token) == why


def test_a_public_key_is_no_secret_to_sign_with() -> None:
    assert isinstance(EDDSA.signing, Ed25519PrivateKey)
    public = EDDSA.signing.public_key()
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
    ):
        token = by_hand(CLAIMS, {"alg": "HS256", "kid": EDDSA.kid}, secret)
        assert reason(token, EDDSA) == "the token's algorithm is not EdDSA"
        token = by_hand(CLAIMS, {"alg": "EdDSA", "kid": EDDSA.kid}, secret)
        assert reason(token, EDDSA) == "the token's signature does not match"


@pytest.mark.parametrize(
    ("rules", "counts"),
    [
        pytest.param(replace(RULES, not_before=START), True, id="at the moment of issue"),
        pytest.param(replace(RULES, not_before=START + timedelta(seconds=1)), False, id="later"),
        pytest.param(
            replace(RULES, not_before_of={"web": START + timedelta(seconds=1)}), False, id="for it"
        ),
        pytest.param(
            replace(RULES, not_before_of={"batch": START + timedelta(days=1)}),
            True,
            id="for others",
        ),
        pytest.param(
            replace(RULES, not_before=START, not_before_of={"web": START + timedelta(days=1)}),
            False,
            id="the later of both",
        ),
    ],
)
def test_a_token_counts_if_it_was_not_issued_too_early(
    rules: OwnTokenRules, *, counts: bool
) -> None:
    if counts:
        assert verify(by_hand(CLAIMS), HS256, rules, START).app == "web"
    else:
        with pytest.raises(TokenNotAccepted, match="the token was issued before not_before"):
            verify(by_hand(CLAIMS), HS256, rules, START)


def test_a_far_expiry_needs_no_calendar_beyond_its_own() -> None:
    said = verify(by_hand(CLAIMS | {"exp": 253402300799}), HS256, RULES, START)
    assert said.ends_at.year == 9999


VALID = issue("web", EDDSA, RULES, START, "one").reveal()


@given(position=st.integers(0, len(VALID) - 1), change=st.characters(codec="ascii") | st.just(""))
def test_no_change_of_a_single_character_makes_another_token_that_counts(
    position: int, change: str
) -> None:
    changed = VALID[:position] + change + VALID[position + 1 :]
    try:
        said = verify(changed, EDDSA, RULES, START)
    except TokenNotAccepted:
        return
    # The last character of a part has bits that mean nothing.
    assert said.app == "web"
    assert changed == VALID or position == len(VALID) - 1


@given(text=st.text(max_size=300) | st.from_regex(r"\A[A-Za-z0-9_=-]*\.[A-Za-z0-9_-]*\.[a-z]*\Z"))
def test_any_text_is_refused_with_a_reason_and_no_other_error(text: str) -> None:
    assert reason(text, EDDSA)
    peek(text)


def test_a_peek_believes_nothing_and_says_what_is_there() -> None:
    assert peek(by_hand({"iss": "https://there"}, {"alg": "none"}))["iss"] == "https://there"
    assert peek("no token") == {}
    assert peek(by_hand(b"[" * 2000)) == {}
