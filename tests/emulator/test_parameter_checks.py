"""What Parameter Store refuses before it acts, and who may read which parameter."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect("ssm")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("plain.name_with-3", True),
        ("/a/b.c/d_e-f", True),
        ("/" + "/".join("abcdefghijklmno"), True),
        ("/" + "/".join("abcdefghijklmnop"), False),
        ("/a b", False),
        ("/a%20b", False),
        ("/a//b", False),
        ("/a/", False),
        ("a/b", False),
        ("/a:1", False),
    ],
)
def test_names_have_letters_digits_and_three_symbols(
    *, client: Any, fresh_name: Any, refusal: Any, name: str, allowed: bool
) -> None:
    put = {"Name": name if not allowed else f"{name}{fresh_name('-')}", "Type": "String"}
    if allowed:
        assert client.put_parameter(**put, Value="v")["Version"] == 1
    else:
        status, code, message = refusal(client.put_parameter, **put, Value="v")
        assert (status, code) == (400, "ValidationException")
        assert message.startswith("Parameter name: can't be prefixed with")


@pytest.mark.parametrize(
    ("size", "tier", "allowed"),
    [
        (4096, {}, True),
        (4097, {}, False),
        (4096, {"Tier": "Standard"}, True),
        (4097, {"Tier": "Standard"}, False),
        (8192, {"Tier": "Advanced"}, True),
        (8193, {"Tier": "Advanced"}, False),
        (8192, {"Tier": "Intelligent-Tiering"}, True),
    ],
)
def test_a_value_fits_its_tier(
    *, client: Any, fresh_name: Any, refusal: Any, size: int, tier: dict[str, str], allowed: bool
) -> None:
    put = {"Name": fresh_name("sized"), "Type": "String", "Value": "v" * size, **tier}
    if allowed:
        assert client.put_parameter(**put)["Version"] == 1
    else:
        assert refusal(client.put_parameter, **put)[:2] == (400, "ValidationException")


@pytest.mark.parametrize(
    ("path", "allowed"), [("/", True), ("/a", True), ("/a/", True), ("a", False), ("/a b", False)]
)
def test_a_path_begins_with_a_slash(*, client: Any, refusal: Any, path: str, allowed: bool) -> None:
    if allowed:
        assert "Parameters" in client.get_parameters_by_path(Path=path)
    else:
        refused = refusal(client.get_parameters_by_path, Path=path)
        assert refused[:2] == (400, "ValidationException")


def test_a_path_gives_its_children_and_recursively_all_below_it(
    client: Any, fresh_name: Any
) -> None:
    root = f"/{fresh_name('path')}"
    names = [*(f"{root}/{number}" for number in range(11)), f"{root}/below/it", f"{root}x/other"]
    for name in names:
        client.put_parameter(Name=name, Value="v", Type="String")
    first = client.get_parameters_by_path(Path=root)
    rest = client.get_parameters_by_path(Path=root, NextToken=first["NextToken"])
    assert [len(page["Parameters"]) for page in (first, rest)] == [10, 1]
    assert "NextToken" not in rest
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=root, Recursive=True)
    found = {each["Name"] for page in pages for each in page["Parameters"]}
    assert found == set(names[:-1])


@pytest.mark.parametrize("selector", ["", ":1", ":mine"])
def test_a_version_is_allowed_by_its_parameters_arn(
    *, client: Any, connect: Any, new_user: Any, fresh_name: Any, refusal: Any, selector: str
) -> None:
    mine, other = (f"/app/{fresh_name('p')}" for _ in range(2))
    for name in (mine, other):
        client.put_parameter(Name=name, Value="v", Type="String")
        client.label_parameter_version(Name=name, Labels=["mine"])
    resource = f"arn:aws:ssm:*:*:parameter{mine}"
    reader = connect(
        "ssm", **new_user({"Effect": "Allow", "Action": "ssm:Get*", "Resource": resource})
    )
    assert reader.get_parameter(Name=f"{mine}{selector}")["Parameter"]["Value"] == "v"
    denied = refusal(reader.get_parameter, Name=f"{other}{selector}")
    assert denied[:2] == (400, "AccessDeniedException")
    assert denied[2].split(" on resource: ")[1].split()[0].endswith(f":parameter{other}")


def test_a_path_is_allowed_by_its_own_arn(connect: Any, new_user: Any, refusal: Any) -> None:
    resource = "arn:aws:ssm:*:*:parameter/app"
    action = "ssm:GetParametersByPath"
    reader = connect("ssm", **new_user({"Effect": "Allow", "Action": action, "Resource": resource}))
    assert reader.get_parameters_by_path(Path="/app")["Parameters"] is not None
    refused = refusal(reader.get_parameters_by_path, Path="/other")
    assert refused[:2] == (400, "AccessDeniedException")
