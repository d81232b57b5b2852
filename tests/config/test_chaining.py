"""Chains of roles: where they lead, and in which order roles are made."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.arn import role_arn
from sidecar.config.chaining import chain_of, chaining_order, cycles
from sidecar.config.option import path
from sidecar.config.role_sources import AssumeRoleSection, RoleSection, WebIdentitySection

ROLE = role_arn("arn:aws:iam::123456789012:role/api")


def _roles(vias: Mapping[str, str | None]) -> dict[str, RoleSection]:
    return {
        name: WebIdentitySection(source="web-identity", token_file=path("t"), role_arn=ROLE)
        if via is None
        else AssumeRoleSection(source="assume-role", via=via, role_arn=ROLE)
        for name, via in vias.items()
    }


@pytest.mark.parametrize(
    ("vias", "chain"),
    [
        ({"a": None}, ("a",)),
        ({"a": "b", "b": None}, ("a", "b")),
        ({"a": "b", "b": "c", "c": None}, ("a", "b", "c")),
        ({"a": "ghost"}, ("a",)),
        ({"a": "a"}, ("a", "a")),
        ({"a": "b", "b": "c", "c": "b"}, ("a", "b", "c", "b")),
    ],
)
def test_a_chain_is_followed_to_its_root_or_once_around(
    vias: dict[str, str | None], chain: tuple[str, ...]
) -> None:
    assert chain_of("a", _roles(vias)) == chain


_NAMES = "abcdef"


@given(st.dictionaries(st.sampled_from(_NAMES), st.none() | st.sampled_from(_NAMES)))
def test_a_cycle_is_found_exactly_when_some_role_leads_back_to_itself(
    vias: dict[str, str | None],
) -> None:
    def reaches_itself(name: str) -> bool:
        seen, step = set(), vias.get(name)
        while step is not None and step not in seen:
            seen.add(step)
            step = vias.get(step)
        return name in seen

    found = cycles(_roles(vias))
    inside = [name for cycle in found for name in cycle[:-1]]
    assert sorted(inside) == sorted(name for name in vias if reaches_itself(name))


@given(st.permutations(_NAMES), st.data())
def test_every_role_comes_after_its_parent_however_they_are_written(
    order: list[str], data: st.DataObject
) -> None:
    parents = {
        name: data.draw(st.none() | st.sampled_from(_NAMES[:n])) if n else None
        for n, name in enumerate(_NAMES)
    }
    made = chaining_order(_roles({name: parents[name] for name in order}))
    assert sorted(made) == sorted(_NAMES)
    for name, parent in parents.items():
        assert parent is None or made.index(parent) < made.index(name)
