"""Nothing is made by calls that no description asks for, and everything that one does ask for."""

import itertools
from collections.abc import Mapping

import pytest

from sidecar.errors import OperatorError
from sidecar.provision.description import resources
from sidecar.provision.kinds.known import KINDS, kind_of
from tests.provision.wishes import every_pair, wish_of

_EVERYWHERE = frozenset({"Tags"})


@pytest.fixture(scope="module")
def described() -> Mapping[str, set[str]]:
    """Give the properties of each type that some wish asks for."""
    found: dict[str, set[str]] = {}
    wishes = map(wish_of, every_pair())
    for each in itertools.chain.from_iterable(map(resources, wishes)):
        found.setdefault(each.type, set()).update(each.properties)
    return found


def test_nothing_is_made_by_calls_that_no_description_asks_for(
    described: Mapping[str, set[str]],
) -> None:
    assert set(KINDS) - set(described) == set()


def test_everything_that_a_description_asks_for_is_made_by_calls(
    described: Mapping[str, set[str]],
) -> None:
    assert set(described) - set(KINDS) == set()


@pytest.mark.parametrize("name", KINDS)
def test_no_rule_is_about_a_property_that_no_description_has(
    described: Mapping[str, set[str]], name: str
) -> None:
    kind = KINDS[name]
    spoken_of = kind.not_compared | kind.exact | kind.secret | kind.fixed | {*kind.needs}
    named = {kind.name} if kind.name else set()
    assert (spoken_of | named) - _EVERYWHERE - described[name] == set()


def test_a_type_that_no_description_has_is_refused() -> None:
    with pytest.raises(OperatorError, match="AWS::IAM::Policy cannot be made by calls"):
        kind_of("AWS::IAM::Policy")
