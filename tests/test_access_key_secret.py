"""An access key in a secret: what is read, what is refused, and what is written again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.access_key_secret import AccessKeySecret
from sidecar.redaction import Secret

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
KEY = "canary" + "k" * 34
OTHER_KEY_ID = "AKIAI44QH8DHBEXAMPLE"
OTHER_KEY = "o" * 40
WHOLE = {"user_name": "batch", "aws_access_key_id": KEY_ID, "aws_secret_access_key": KEY}


def text(**changed: object) -> Secret:
    """Give a secret's text; a member of None is left out."""
    members = WHOLE | changed
    return Secret(json.dumps({name: each for name, each in members.items() if each is not None}))


def test_a_key_is_read_with_its_user() -> None:
    secret = AccessKeySecret.parse(text())
    assert secret == AccessKeySecret("batch", KEY_ID, Secret(KEY))


def test_a_secret_that_no_rotation_has_filled_yet_names_its_user_only() -> None:
    secret = AccessKeySecret.parse(Secret('{"user_name": "batch"}'))
    assert secret == AccessKeySecret("batch", None, None)
    assert secret.to_json() == Secret('{"user_name": "batch"}')


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"user_name": None}, "has no user_name"),
        ({"aws_access_key_id": None}, "has half a key: there is no aws_access_key_id"),
        ({"aws_secret_access_key": None}, "has half a key: there is no aws_secret_access_key"),
        *(
            ({name: value}, f"has no usable {name}")
            for name in WHOLE
            for value in (7, [KEY], "", f"{KEY}\n", f"{KEY} {KEY}", "k" * 129, "kéy" * 7)
        ),
        ({"aws_access_key_id": "AKIA"}, "has no usable aws_access_key_id"),
    ],
)
def test_what_is_no_users_key_is_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        AccessKeySecret.parse(text(**changed))
    assert str(refused.value) == problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (KEY, "is not JSON"),
        (f'["{KEY}"]', "is not a JSON object"),
        (f'{{"user_name": "{KEY}", "user_name": "{KEY}"}}', "has a key twice"),
        ("[" * 100_000, "is nested too deeply"),
        (f'{{"user_name": "{KEY}\ud800"}}', "is no text that UTF-8 can hold"),
        (f'{{"user_name": null, "other": "{KEY}"}}', "has no usable user_name"),
    ],
)
def test_what_is_no_object_is_refused_without_quoting_it(content: str, problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        AccessKeySecret.parse(Secret(content))
    assert str(refused.value) == problem
    assert refused.value.__cause__ is None


def test_another_key_takes_the_place_of_the_first_and_nothing_else_changes() -> None:
    secret = AccessKeySecret.parse(text(team="payments", limits={"daily": 3}))
    changed = secret.with_key(OTHER_KEY_ID, Secret(OTHER_KEY))
    assert json.loads(changed.to_json().reveal()) == {
        "user_name": "batch",
        "aws_access_key_id": OTHER_KEY_ID,
        "aws_secret_access_key": OTHER_KEY,
        "team": "payments",
        "limits": {"daily": 3},
    }


@pytest.mark.parametrize(("key_id", "key"), [("", OTHER_KEY), (OTHER_KEY_ID, "short")])
def test_a_key_that_could_not_be_read_again_is_not_taken(key_id: str, key: str) -> None:
    with pytest.raises(ValueError, match="has no usable"):
        AccessKeySecret.parse(text()).with_key(key_id, Secret(key))


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, width=32).filter(
                lambda number: abs(number) != float("inf")
            )
            | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_what_is_written_is_read_again_as_the_same(others: dict[str, object]) -> None:
    given = AccessKeySecret(
        "batch", KEY_ID, Secret(KEY), {k: v for k, v in others.items() if k not in WHOLE}
    )
    again = AccessKeySecret.parse(given.to_json())
    assert again == given
    assert again.to_json() == given.to_json()


def test_neither_a_key_nor_an_unknown_member_is_ever_shown() -> None:
    shown = repr(AccessKeySecret.parse(text(password=KEY)))
    assert shown == "AccessKeySecret(batch, …MPLE)"
    assert repr(AccessKeySecret("batch", None, None)) == "AccessKeySecret(batch, no key)"
