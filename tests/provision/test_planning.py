"""What must be done follows from how a thing is and how it is to be."""

import json
from typing import Any

import pytest

from sidecar.errors import OperatorError
from sidecar.provision.kinds.kind import Found, Kind, Wanted
from sidecar.provision.planning import Action, Step, step_for
from sidecar.provision.resolving import Unknown

_KIND = Kind(
    "Name",
    lambda *_: None,
    lambda *_: None,
    lambda *_: None,
    not_compared=frozenset({"Tags", "Once"}),
    exact=frozenset({"Exact"}),
    secret=frozenset({"Hidden"}),
    fixed=frozenset({"Path"}),
)
_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:B"}]}


def _step(wanted: dict[str, Any], there: dict[str, Any] | None) -> Step:
    found = None if there is None else Found("ref", {}, there)
    return step_for(Wanted("Thing", "AWS::Some::Thing", wanted), found, _KIND)


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (3600, "3600"),
        ("3600", 3600),
        (True, "true"),
        (1, 1.0),
        (["b", "a"], ["a", "b"]),
        (json.dumps(_POLICY), _POLICY),
        (_POLICY, json.dumps(_POLICY, indent=2)),
        ({"A": 1}, {"A": 1, "AddedByAws": 2}),
        ([{"Id": "x"}], [{"Id": "x", "AddedByAws": 2}]),
        ("pem\n", "pem"),
        ({"Statement": {"Action": ["a:B"]}}, {"Statement": {"Action": "a:B"}}),
    ],
)
def test_what_means_the_same_is_left(wanted: Any, there: Any) -> None:
    assert _step({"Value": wanted}, {"Value": there}).action is Action.LEAVE


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (3600, "900"),
        (True, "false"),
        (["a"], ["a", "b"]),
        (["a"], None),
        ({"A": 1}, {"A": 2}),
        ({"A": 1}, {}),
        ([{"Id": "x"}], [{"Id": "x"}, {"Id": "y"}]),
        (_POLICY, {**_POLICY, "Statement": [*_POLICY["Statement"], {"Effect": "Deny"}]}),
        (
            _POLICY,
            {**_POLICY, "Statement": [{**_POLICY["Statement"][0], "Condition": {}}]},  # type: ignore[dict-item]
        ),
        (_POLICY, {**_POLICY, "Id": "somebody's"}),
    ],
)
def test_what_means_something_else_is_changed(wanted: Any, there: Any) -> None:
    step = _step({"Value": wanted, "Same": 1}, {"Value": there, "Same": 1})
    assert (step.action, step.changed) == (Action.UPDATE, frozenset({"Value"}))


def test_where_all_is_described_whatever_else_is_there_is_a_difference() -> None:
    assert _step({"Exact": {"A": 1}}, {"Exact": {"A": 1, "FORCE": "true"}}).changed == {"Exact"}


def test_what_is_not_there_is_created_with_all_that_it_is_to_have() -> None:
    step = _step({"Name": "x", "Once": 1}, None)
    assert step.action is Action.CREATE
    assert [(each.name, each.after) for each in step.changes] == [("Name", "x"), ("Once", "1")]


def test_what_belongs_to_others_afterwards_is_not_compared() -> None:
    assert _step({"Once": "first"}, {"Once": "rotated"}).action is Action.LEAVE


@pytest.mark.parametrize("there", [None, {"Hidden": "old-value"}])
def test_a_secret_is_never_shown(there: dict[str, Any] | None) -> None:
    step = _step({"Hidden": "new-value"}, there)
    assert step.changes
    assert "-value" not in str([(each.before, each.after) for each in step.changes])


def test_what_cannot_be_changed_in_place_is_refused() -> None:
    with pytest.raises(OperatorError, match="Path of AWS::Some::Thing ref is /a/"):
        _step({"Path": "/b/"}, {"Path": "/a/"})


def test_what_is_not_ours_is_refused() -> None:
    with pytest.raises(OperatorError, match="is not of this stack"):
        step_for(Wanted("Thing", "AWS::Some::Thing", {}), Found("ref", {}, {}, ours=False), _KIND)


def test_what_is_not_known_yet_is_shown_by_its_name() -> None:
    step = _step({"RoleArns": [Unknown("<Role.Arn>")]}, None)
    assert step.changes[0].after == '["<Role.Arn>"]'
