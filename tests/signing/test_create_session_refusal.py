"""A refused CreateSession as an error: its code, its words, and whether it may pass by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from sidecar.signing.create_session import Asked
from sidecar.signing.http_reply import Reply
from sidecar.signing.refusal import error_of, refusal

Refuse = Callable[..., Reply]


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        pytest.param("", b'{"code": "InBody"}', "InBody", id="code in the body"),
        pytest.param("", b'{"__type": "InBody"}', "InBody", id="type in the body"),
        pytest.param("InHeader", b'{"code": "InBody"}', "InHeader", id="the header wins"),
        pytest.param("ns#Name:http://example.test/", b"", "Name", id="a shape id is cut"),
        pytest.param("Name:http://example.test/a#b", b"", "Name", id="a URL is cut"),
        pytest.param("Na\x1bme", b"", "Na\ufffdme", id="control characters are replaced"),
        pytest.param("", b"", "", id="no code"),
        pytest.param("", b'["code"]', "", id="a body that is no object"),
        pytest.param("", b"[" * 100_000, "", id="a body nested beyond measure"),
    ],
)
def test_the_error_code_is_found_and_cleaned(header: str, body: bytes, code: str) -> None:
    assert error_of(Reply(403, {"X-Amzn-ErrorType": header}, body))[0] == code


@pytest.mark.parametrize(
    ("code", "body", "message"),
    [
        ("Denied", b'{"message": "no way"}', "CreateSession was refused: 403 Denied: no way"),
        ("Denied", b'{"Message": "no way"}', "CreateSession was refused: 403 Denied: no way"),
        ("Denied", b"", "CreateSession was refused: 403 Denied"),
        ("", b'{"message": "no way:"}', "CreateSession was refused: 403: no way:"),
        ("", b"<html>", "CreateSession was refused: 403"),
        (
            "D",
            b'{"message": "a\\nb\\u001b[2J\\u202e"}',
            "CreateSession was refused: 403 D: a\ufffdb\ufffd[2J\ufffd",
        ),
        (
            "D",
            b'{"message": "' + b"x" * 999 + b'"}',
            "CreateSession was refused: 403 D: " + "x" * 500,
        ),
    ],
    ids=["message", "Message", "no body", "no code", "neither", "control characters", "too long"],
)
def test_awss_words_are_passed_on_fit_for_a_terminal(
    code: str, body: bytes, message: str, asked: Asked, now: datetime
) -> None:
    assert str(refusal(Reply(403, {"x-amzn-errortype": code}, body), asked, now=now)) == message


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDeniedException", UpstreamRefused),
        (400, "ValidationException", UpstreamRefused),
        (404, "ResourceNotFoundException", UpstreamRefused),
        (302, "", UpstreamRefused),
        (400, "ThrottlingException", UpstreamUnavailable),
        (400, "RequestLimitExceeded", UpstreamUnavailable),
        (408, "", UpstreamUnavailable),
        (425, "", UpstreamUnavailable),
        (429, "", UpstreamUnavailable),
        (500, "InternalFailure", UpstreamUnavailable),
        (503, "", UpstreamUnavailable),
    ],
)
def test_only_what_may_pass_by_itself_is_retryable(
    status: int, code: str, kind: type[UpstreamError], refused: Refuse, asked: Asked, now: datetime
) -> None:
    error = refusal(refused("", code, status), asked, now=now)
    assert type(error) is kind
    assert error.retryable is (kind is UpstreamUnavailable)
    assert (error.status, error.code) == (status, code)


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (429, "more than the account's quota of CreateSession, 10 a second unless raised"),
        (408, "AWS or a proxy is in trouble"),
        (425, "AWS or a proxy is in trouble"),
        (500, "AWS or a proxy is in trouble"),
    ],
)
def test_what_may_pass_says_that_nobody_need_act(
    status: int, hint: str, refused: Refuse, asked: Asked, now: datetime
) -> None:
    error = refusal(refused("", "", status), asked, now=now)
    assert error.hint.startswith(hint)
    assert "it is tried again by itself" in error.hint


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        pytest.param("", "", 0, id="nothing"),
        pytest.param("120", "", 120, id="seconds"),
        pytest.param(" 7 ", "", 7, id="with blanks"),
        pytest.param("9" * 500, "", 999_999_999, id="beyond all measure"),
        pytest.param("-5", "", 0, id="negative"),
        pytest.param("1.5", "", 0, id="no whole number"),
        pytest.param("\u0663", "", 0, id="another script's digit"),
        pytest.param("soon", "", 0, id="words"),
        pytest.param("Sun, 01 Mar 2026 12:01:30 GMT", "", 90, id="a date, by our clock"),
        pytest.param(
            "Sun, 01 Mar 2026 13:01:30 GMT",
            "Sun, 01 Mar 2026 13:00:00 GMT",
            90,
            id="a date, by the server's own clock",
        ),
        pytest.param("Sun, 01 Mar 2026 11:00:00 GMT", "", 0, id="a date that has passed"),
        pytest.param("Sun, 99 Mar 2026 11:00:00 GMT", "", 0, id="no date"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 -2359", "", 0, id="a date after all time"),
    ],
)
def test_a_wish_to_wait_is_read_in_both_forms(
    text: str,
    date: str,
    seconds: float,
    refused: Refuse,
    asked: Asked,
    now: datetime,
) -> None:
    for status in (429, 503):
        error = refusal(refused("", "", status, retry_after=text, date=date), asked, now=now)
        assert isinstance(error, UpstreamUnavailable)
        assert error.retry_after_seconds == seconds


def test_no_more_than_the_host_of_an_endpoint_is_told(
    refused: Refuse, asked: Asked, now: datetime
) -> None:
    asked = replace(asked, endpoint="https://example.test/canary?canary=1")
    error = refusal(refused("", "", 404), asked, now=now)
    assert "example.test does not answer as AWS does" in error.hint
    assert "canary" not in error.hint
