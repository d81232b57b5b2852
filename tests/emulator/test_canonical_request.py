"""The canonical form of received requests."""

import hashlib
from pathlib import Path

import pytest

from sidecar.emulator.canonical_request import (
    EMPTY_SHA256,
    CanonicalForm,
    canonical_path,
    canonical_query,
    canonical_value,
    string_to_sign,
)
from sidecar.emulator.request import Request

VECTOR = Path(__file__).parent.parent / "vectors/create_session_rsa"


def request(*headers: tuple[str, str], target: str = "/") -> Request:
    path, _, query = target.partition("?")
    return Request("GET", path, query, headers, b"")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("/a/b", "/a/b", id="plain"),
        pytest.param("/a/b/", "/a/b/", id="trailing slash stays"),
        pytest.param("/a//b", "/a/b", id="empty segment goes"),
        pytest.param("/a/./b/../c", "/a/c", id="dot segments go"),
        pytest.param("/../..", "/", id="above the root is the root"),
        pytest.param("/a%20b", "/a%2520b", id="encoded once more"),
        pytest.param("/~a-b_c.d", "/~a-b_c.d", id="unreserved stays"),
        pytest.param("/a:b", "/a%3Ab", id="reserved is encoded"),
    ],
)
def test_paths_are_normalised_and_encoded_once_more(path: str, expected: str) -> None:
    assert canonical_path(path, twice=True) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/b/a%20b", "/b/a%20b", id="encoded stays"),
        pytest.param("/b/a//c", "/b/a//c", id="empty segment stays"),
        pytest.param("/b/../c", "/b/../c", id="dot segments stay"),
        pytest.param("/b/a:b", "/b/a%3Ab", id="reserved is encoded"),
        pytest.param("/b/a%2Fb", "/b/a/b", id="an encoded slash is a slash"),
    ],
)
def test_paths_of_s3_are_encoded_once_and_not_normalised(path: str, expected: str) -> None:
    assert canonical_path(path, twice=False) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", "", id="none"),
        pytest.param("b=2&a=1", "a=1&b=2", id="sorted by name"),
        pytest.param("a=2&a=1", "a=1&a=2", id="then by value"),
        pytest.param("flag", "flag=", id="no value"),
        pytest.param("a=b:c/d", "a=b%3Ac%2Fd", id="strictly encoded"),
        pytest.param("a=%7e%20", "a=~%20", id="decoded first, hex in upper case"),
        pytest.param("B=1&a=1", "B=1&a=1", id="capitals first"),
        pytest.param("a=x=y", "a=x%3Dy", id="equals sign in a value"),
        pytest.param("a=1+2", "a=1%2B2", id="a plus is a plus"),
    ],
)
def test_queries_are_sorted_and_strictly_encoded(query: str, expected: str) -> None:
    assert canonical_query(query) == expected


def test_a_presigned_url_does_not_sign_its_signature() -> None:
    assert canonical_query("a=1&X-Amz-Signature=f", without=["X-Amz-Signature"]) == "a=1"


def test_header_values_are_trimmed_collapsed_and_joined_in_order() -> None:
    received = request(("X-A", "  one   two "), ("Other", "no"), ("x-a", "three"))
    assert canonical_value(received, "x-a") == "one two,three"


def test_a_header_that_was_not_sent_has_an_empty_value() -> None:
    assert canonical_value(request(), "x-a") == ""


def test_the_layout_is_that_of_the_documentation() -> None:
    received = request(("Host", "example.com"), ("X-Amz-Date", "20260301T120000Z"), target="/p?q=1")
    form = CanonicalForm(("host", "x-amz-date"), EMPTY_SHA256)
    assert form.of(received).splitlines() == [
        "GET",
        "/p",
        "q=1",
        "host:example.com",
        "x-amz-date:20260301T120000Z",
        "",
        "host;x-amz-date",
        EMPTY_SHA256,
    ]


def test_the_string_to_sign_of_the_hand_made_vector() -> None:
    canonical = (VECTOR / "canonical_request.txt").read_text()
    expected = (VECTOR / "string_to_sign.txt").read_text()
    scope = "20270301/ap-northeast-2/rolesanywhere/aws4_request"
    assert string_to_sign("AWS4-X509-RSA-SHA256", "20270301T120000Z", scope, canonical) == expected


def test_the_canonical_request_of_the_hand_made_vector() -> None:
    expected = (VECTOR / "canonical_request.txt").read_text()
    _, path, query, *lines, _, names, _ = expected.split("\n")
    headers = tuple((name, value) for name, _, value in (line.partition(":") for line in lines))
    body = b'{"durationSeconds":3600,"roleSessionName":"vector"}'
    received = Request("POST", path, query, headers, body)
    form = CanonicalForm(tuple(names.split(";")), hashlib.sha256(body).hexdigest())
    assert form.of(received) == expected
