"""What a program's environment keeps, loses and is given."""

from dataclasses import replace

import pytest

from sidecar.delivery.environment import (
    Doors,
    as_utf8,
    inherited,
    references,
    variable_value,
    with_doors,
)
from sidecar.errors import OperatorError
from sidecar.redaction import Secret

DOORS = Doors("http://127.0.0.1:1", 2, "http://127.0.0.1:3", Secret("the-token"), "eu-west-1", None)
NO_PROXY = ("NO_PROXY", "no_proxy")


@pytest.mark.parametrize(
    ("name", "pristine", "kept"),
    [
        ("PATH", False, True),
        ("PATH", True, True),
        ("LC_TIME", True, True),
        ("EDITOR", False, True),
        ("EDITOR", True, False),
        ("AWS_REGION", False, True),
        ("AWS_REGION", True, False),
        ("AWS_ACCESS_KEY_ID", False, False),
        ("SIDECAR_TOKEN", False, False),
        ("SIDECAR_ANYTHING", False, False),
        ("KEY_PASSWORD", False, False),
    ],
)
def test_what_is_inherited(name: str, pristine: bool, kept: bool) -> None:
    found = inherited({name: "x"}, {"KEY_PASSWORD"}, pristine=pristine)
    assert found == ({name: "x"} if kept else {})


@pytest.mark.parametrize("value", ["secret://a", "parameter://a"])
def test_references_outlive_a_pristine_start_but_never_under_a_hidden_name(value: str) -> None:
    said = {"WANTED": value, "SIDECAR_TOKEN": value, "AWS_SESSION_TOKEN": value}
    assert inherited(said, frozenset(), pristine=True) == {"WANTED": value}


def test_the_doors_win_over_what_is_inherited() -> None:
    old = dict.fromkeys(with_doors({}, DOORS), "old")
    found = with_doors(old, DOORS)
    assert {name for name, value in found.items() if value == "old"} == {
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    }
    assert found["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == "http://127.0.0.1:1/credentials"
    assert found["AWS_ENDPOINT_URL_SSM"] == "http://127.0.0.1:3"


def test_doors_that_need_a_role_are_not_told_of_where_there_is_none() -> None:
    found = with_doors({}, replace(DOORS, credentials=None, aws_api=None))
    assert found == {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_TOKEN": "the-token",
        "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": "2",
    }


@pytest.mark.parametrize(
    ("said", "regions"),
    [
        ({}, ("eu-west-1", "eu-west-1")),
        ({"AWS_REGION": "a"}, ("a", "a")),
        ({"AWS_DEFAULT_REGION": "b"}, ("b", "b")),
        ({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}, ("a", "b")),
        ({"AWS_REGION": ""}, ("eu-west-1", "eu-west-1")),
    ],
)
def test_a_region_that_was_said_stays(said: dict[str, str], regions: tuple[str, str]) -> None:
    found = with_doors(said, DOORS)
    assert (found["AWS_REGION"], found["AWS_DEFAULT_REGION"]) == regions


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, None),
        ({"NO_PROXY": "a"}, "a"),
        ({"HTTP_PROXY": "http://p"}, "127.0.0.1"),
        ({"http_proxy": "http://p", "no_proxy": "a, b"}, "a,b,127.0.0.1"),
        ({"ALL_PROXY": "http://p", "NO_PROXY": "a,127.0.0.1"}, "a,127.0.0.1"),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "*"}, "*"),
    ],
)
def test_no_proxy_gets_between_a_program_and_its_doors(
    said: dict[str, str], expected: str | None
) -> None:
    found = with_doors(said, DOORS)
    told = {found[name] for name in NO_PROXY if name in found}
    assert told == ({expected} if expected else set())


def test_references_and_what_only_looks_like_one_are_told_apart() -> None:
    said = {"A": "secret://a#k", "B": "https://a", "C": "parameter://", "D": "my secret://a"}
    found, problems = references(said)
    assert list(found) == ["A"]
    assert [each.where for each in problems] == ["C"]


@pytest.mark.parametrize("value", ["", "a\nb", "ü", "\udcff", "x" * (131_072 - len("NAME=\0"))])
def test_a_variable_holds_what_it_can(value: str) -> None:
    assert variable_value("NAME", Secret(value)) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("canary\0", "zero byte"),
        ("x" * (131_073 - len("NAME=\0")), "longer than a variable"),
        ("\udcff" * 131_073, "longer than a variable"),
    ],
)
def test_what_a_variable_cannot_hold_is_refused_without_telling_it(value: str, said: str) -> None:
    with pytest.raises(OperatorError, match=said) as refused:
        variable_value("NAME", Secret(value))
    assert "canary" not in refused.value.message


def test_variables_are_utf_8_and_other_bytes_stay_what_they_are() -> None:
    found = as_utf8({b"A": "größer".encode(), b"B\xff": b"\xe9"})
    assert found == {"A": "größer", "B\udcff": "\udce9"}
