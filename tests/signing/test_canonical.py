"""Canonical requests: AWS's rules case by case, and botocore's agreement on generated requests."""

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.signing.canonical import (
    Request,
    Scope,
    amz_date,
    canonical_path,
    canonical_query,
    canonical_request,
    payload_hash,
    string_to_sign,
)

SCOPE = Scope("20260301", "eu-west-1", "rolesanywhere")
DATE = "20260301T120000Z"


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        pytest.param("", "/", id="no path is the root"),
        pytest.param("/", "/", id="the root"),
        pytest.param("/a//b", "/a/b", id="empty segments fold"),
        pytest.param("/a/./b", "/a/b", id="a dot goes"),
        pytest.param("/a/../b", "/b", id="two dots take one off"),
        pytest.param("/../../a", "/a", id="two dots stop at the root"),
        pytest.param("/a/", "/a/", id="a trailing slash stays"),
        pytest.param("/a/..", "/", id="nothing left is the root"),
        pytest.param("/a%20b", "/a%2520b", id="escapes are encoded once more"),
        pytest.param("/a:b", "/a%3Ab", id="a colon is encoded"),
        pytest.param("/-_.~", "/-_.~", id="unreserved characters stay"),
    ],
)
def test_paths_are_normalised_and_encoded_once_more(sent: str, canonical: str) -> None:
    assert canonical_path(sent) == canonical


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        pytest.param("", "", id="none"),
        pytest.param("b=1&a=2", "a=2&b=1", id="sorted by name"),
        pytest.param("a=2&a=1", "a=1&a=2", id="then by value"),
        pytest.param("a", "a=", id="a name alone gets an equals sign"),
        pytest.param("a=b=c", "a=b%3Dc", id="an equals sign in a value is encoded"),
        pytest.param("a=%2f", "a=%2F", id="escapes in capitals"),
        pytest.param("a=%7E", "a=~", id="needless escapes go"),
        pytest.param("a=b+c", "a=b%2Bc", id="a plus is a plus"),
        pytest.param("a=1&&b=2&", "a=1&b=2", id="empty pairs go"),
        pytest.param("A=1&a=2&B=3", "A=1&B=3&a=2", id="capitals before small letters"),
        pytest.param("a=%80", "a=%80", id="bytes that are no UTF-8 survive"),
    ],
)
def test_queries_are_sorted_in_one_strict_encoding(sent: str, canonical: str) -> None:
    assert canonical_query(sent) == canonical


def test_header_values_lose_needless_blanks_and_repeats_are_joined() -> None:
    headers = (("X-Many", "  b   c "), ("host", "h"), ("x-many", "a"))
    lines = canonical_request(Request("GET", "/", headers, b""), ["host", "x-many"]).split("\n")
    assert lines[3:7] == ["host:h", "x-many:b c,a", "", "host;x-many"]


def test_a_signed_header_that_is_missing_counts_as_empty() -> None:
    canonical = canonical_request(Request("GET", "/", (), b""), ["x-absent"])
    assert "\nx-absent:\n" in canonical


def test_headers_that_are_not_signed_do_not_matter() -> None:
    plain = Request("GET", "/", (("Host", "h"),), b"")
    decorated = Request("GET", "/", (("Host", "h"), ("Accept", "*/*")), b"")
    assert canonical_request(plain, ["host"]) == canonical_request(decorated, ["host"])
    assert canonical_request(plain, ["host"]) != canonical_request(decorated, ["accept", "host"])


def test_the_hash_of_no_body_is_that_of_no_bytes() -> None:
    assert payload_hash(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_dates_are_written_in_utc() -> None:
    seoul = timezone(timedelta(hours=9))
    assert amz_date(datetime(2026, 3, 1, 21, 0, tzinfo=seoul)) == DATE
    assert amz_date(datetime(2026, 3, 1, 12, 0, 0, 999999, tzinfo=UTC)) == DATE


# What clients put on the wire: path segments raw, dotted or escaped; names and values of queries
# strictly encoded; header values with runs of blanks.
segments = st.one_of(
    st.sampled_from(["", ".", "..", "a", "%20", "%2F", "~x", "a:b", "é"]),
    st.text("abé가%;=&?+ ", max_size=4).map(quote),
)
paths = st.lists(segments, max_size=6).map(lambda parts: "/" + "/".join(parts))
words = st.text(st.characters(codec="utf-8"), max_size=4)
queries = st.lists(st.tuples(words.filter(bool), words), max_size=5).map(
    lambda pairs: "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in pairs)
)
values = st.text(st.sampled_from("ab,;= \t"), max_size=12)
headers = st.lists(
    st.tuples(st.sampled_from(["X-Amz-Date", "x-one", "X-Two", "content-type"]), values),
    max_size=4,
    unique_by=lambda pair: pair[0],
)


@settings(max_examples=60)
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=paths,
    query=queries,
    extra=headers,
    body=st.binary(max_size=40),
)
@example(method="GET", path="/a/.", query="", extra=[], body=b"")
@example(method="GET", path="/a/b/..", query="a=&a=", extra=[], body=b"")
def test_botocore_agrees_on_every_request(
    method: str, path: str, query: str, extra: list[tuple[str, str]], body: bytes
) -> None:
    target = f"{path}?{query}" if query else path
    pairs = (("Host", "example.test"), *extra)
    names = sorted({name.lower() for name, _ in pairs})
    theirs = AWSRequest(
        method=method, url=f"https://example.test{target}", headers=dict(pairs), data=body
    )
    theirs.context["timestamp"] = DATE
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", "none"), SCOPE.service, SCOPE.region)

    expected = signer.canonical_request(theirs)
    canonical = canonical_request(Request(method, target, pairs, body), names)

    assert canonical == expected
    signed = string_to_sign("AWS4-HMAC-SHA256", DATE, SCOPE, canonical)
    assert signed == signer.string_to_sign(theirs, expected).encode()
