"""What a refusal in AWS's JSON protocol means for whoever asked."""

import pytest

from sidecar.aws.json_api import ApiReply
from sidecar.errors import UpstreamRefused, UpstreamUnavailable, UpstreamUnreachable


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "message"),
    [
        (400, b'{"__type":"AccessDenied","message":"no"}', UpstreamRefused, "AccessDenied", "no"),
        (400, b'{"__type":"a.b#Gone","Message":"no"}', UpstreamRefused, "Gone", "no"),
        (400, b'{"__type":"Gone","message":1}', UpstreamRefused, "Gone", ""),
        (400, b'{"__type":"Throttling"}', UpstreamUnavailable, "Throttling", ""),
        (400, b'{"__type":"ExpiredTokenException"}', UpstreamUnavailable, None, ""),
        (429, b'{"__type":"Odd"}', UpstreamUnavailable, "Odd", ""),
        (503, b'{"__type":"Odd"}', UpstreamUnavailable, "Odd", ""),
        (400, b"<html>", UpstreamUnreachable, None, None),
        (400, b"[1]", UpstreamUnreachable, None, None),
        (400, b'{"__type":7}', UpstreamUnreachable, None, None),
        (400, b"{}", UpstreamUnreachable, None, None),
        (302, b"[" * 100_000, UpstreamUnreachable, None, None),
    ],
)
def test_a_refusal_becomes_the_error_that_says_what_to_do(
    status: int, body: bytes, kind: type, code: str | None, message: str | None
) -> None:
    refusal = ApiReply(status, {}, body).refusal()
    assert type(refusal) is kind
    assert code in (None, refusal.code)
    assert message in (None, refusal.message)


def test_a_reply_shows_nothing_of_itself() -> None:
    assert "s3cret" not in repr(ApiReply(200, {"a": "s3cret"}, b"s3cret"))
