"""A user's key in a secret is read strictly and written so that nothing else in it is lost."""

import json

import pytest

from sidecar.access_key_secret import AccessKeySecret
from sidecar.redaction import Secret

KEY = {"aws_access_key_id": "AKIAMADEUP0000000001", "aws_secret_access_key": "canary/+="}


def parse(value: object) -> AccessKeySecret:
    return AccessKeySecret.parse(Secret(json.dumps(value)))


def test_a_user_and_a_key_are_read() -> None:
    key = parse({"user_name": "batch", **KEY})
    assert (key.user_name, key.access_key_id) == ("batch", "AKIAMADEUP0000000001")
    assert key.secret_access_key == Secret("canary/+=")


@pytest.mark.parametrize("empty", [{}, dict.fromkeys(KEY, ""), dict.fromkeys(KEY)])
def test_before_the_first_rotation_there_may_be_no_key(empty: dict[str, object]) -> None:
    assert parse({"user_name": "batch", **empty}) == AccessKeySecret("batch")


def test_other_members_survive_a_new_key() -> None:
    old = parse({"user_name": "batch", **KEY, "host": "db", "ports": [1, 2]})
    new = json.loads(old.with_key("AKIAMADEUP0000000002", Secret("s")).to_json().reveal())
    assert new == {
        "user_name": "batch",
        "aws_access_key_id": "AKIAMADEUP0000000002",
        "aws_secret_access_key": "s",
        "host": "db",
        "ports": [1, 2],
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([], "not a JSON object"),
        ("canary/+=", "not a JSON object"),
        (KEY, "user_name is missing"),
        ({"user_name": "a b"}, "user_name is not of the form"),
        ({"user_name": 7}, "user_name is not of the form"),
        ({"user_name": "batch", "aws_access_key_id": KEY["aws_access_key_id"]}, "one is missing"),
        ({"user_name": "batch", "aws_secret_access_key": "canary/+="}, "one is missing"),
        ({"user_name": "batch", **KEY, "aws_access_key_id": "canary/+="}, "aws_access_key_id is"),
        ({"user_name": "batch", **KEY, "aws_secret_access_key": "canary\n"}, "_secret_access_key"),
    ],
)
def test_anything_else_is_refused_without_being_quoted(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        parse(value)
    assert "canary" not in str(refused.value)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        AccessKeySecret.parse(Secret("canary"))


def test_it_never_prints_its_secret() -> None:
    key = parse({"user_name": "batch", **KEY, "more": "canary"})
    assert f"{key} {key!r} {key.to_json()}" == f"{key!r} {key!r} ***"
    assert "canary" not in repr(key)
