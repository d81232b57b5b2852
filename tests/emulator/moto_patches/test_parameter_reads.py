"""Parameters are shown as AWS shows them."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.emulator.server import Emulator


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("ssm")


@pytest.fixture
def name(client: Any, fresh_name: Callable[[str], str]) -> str:
    """Give the name of a parameter with two versions, the first one labelled."""
    made = f"/app/{fresh_name('parameter')}"
    client.put_parameter(Name=made, Value="old", Type="SecureString")
    client.label_parameter_version(Name=made, ParameterVersion=1, Labels=["mine"])
    client.put_parameter(Name=made, Value="new", Type="SecureString", Overwrite=True)
    return made


@pytest.fixture
def arn(emulator: Emulator, name: str) -> str:
    owner = f"{emulator.region}:{emulator.administrator.account}"
    return f"arn:aws:ssm:{owner}:parameter{name}"


@pytest.mark.parametrize(
    ("selector", "value", "version"),
    [("", "new", 2), (":2", "new", 2), (":1", "old", 1), (":mine", "old", 1)],
)
@pytest.mark.parametrize("by", ["name", "arn"])
def test_a_version_or_label_is_found_and_told(
    *, client: Any, name: str, arn: str, selector: str, value: str, version: int, by: str
) -> None:
    asked = f"{name if by == 'name' else arn}{selector}"
    found = client.get_parameter(Name=asked, WithDecryption=True)["Parameter"]
    assert (found["Name"], found["ARN"]) == (name, arn)
    assert (found["Value"], found["Version"]) == (value, version)
    assert found.get("Selector", "") == selector
    [same] = client.get_parameters(Names=[asked], WithDecryption=True)["Parameters"]
    assert same == found


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("{name}:3", "ParameterVersionNotFound"),
        ("{name}:none", "ParameterNotFound"),
        ("{name}:1:2", "ParameterNotFound"),
        ("{name}/none", "ParameterNotFound"),
        ("arn:aws:ssm:us-east-1:123456789012:parameter{name}", "ParameterNotFound"),
    ],
)
def test_what_is_not_there_has_a_code(
    client: Any, name: str, refusal: Any, asked: str, code: str
) -> None:
    assert refusal(client.get_parameter, Name=asked.format(name=name))[:2] == (400, code)
    answer = client.get_parameters(Names=[asked.format(name=name), name])
    assert [each["Name"] for each in answer["Parameters"]] == [name]
    assert answer["InvalidParameters"] == [asked.format(name=name)]


def test_several_come_in_the_order_asked_for(client: Any, fresh_name: Any) -> None:
    names = [f"/app/{fresh_name('ordered')}" for _ in range(10)]
    for each in names:
        client.put_parameter(Name=each, Value="v", Type="String")
    found = client.get_parameters(Names=names)["Parameters"]
    assert [each["Name"] for each in found] == names


def test_what_is_not_decrypted_tells_nothing(client: Any, name: str) -> None:
    hidden = client.get_parameter(Name=name)["Parameter"]["Value"]
    assert "new" not in hidden
    assert hidden != client.get_parameter(Name=f"{name}:1")["Parameter"]["Value"]
    path, _, _ = name.rpartition("/")
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    assert hidden in [each["Value"] for page in pages for each in page["Parameters"]]


def test_a_plain_string_needs_no_decryption(client: Any, fresh_name: Any) -> None:
    client.put_parameter(Name=(name := fresh_name("plain")), Value="shown", Type="String")
    assert client.get_parameter(Name=name)["Parameter"]["Value"] == "shown"
