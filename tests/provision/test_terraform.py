"""The same in Terraform's words: complete, every reference to something that is there, no cycle."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Any

import pytest

from sidecar.provision.description import resources
from sidecar.provision.terraform import configuration, render
from sidecar.provision.terraform_kinds import KINDS
from sidecar.provision.wish import Reach, Wish
from tests.provision.wishes import FULL, Switches, called, chosen, wish_of

_RESOURCE = re.compile(r"\b(aws(?:cc)?_\w+\.\w+)(?:\.\w+)?")


def _blocks(given: Any) -> dict[str, Any]:
    return {
        f"{kind}.{name}": body
        for kind, named in given["resource"].items()
        for name, body in named.items()
    }


def _expressions(value: object) -> Iterator[str]:
    yield from re.findall(r"(?<!\$)\$\{([^}]*)\}", json.dumps(value))


def _needs(body: Any) -> set[str]:
    found = {match[1] for each in _expressions(body) if (match := _RESOURCE.match(each))}
    return found | set(body.get("depends_on", ()))


@pytest.mark.parametrize("switches", chosen(), ids=called)
def test_every_reference_names_something_and_nothing_waits_for_itself(switches: Switches) -> None:
    given = configuration(wish_of(switches))
    blocks = _blocks(given)
    graph = {name: _needs(body) for name, body in blocks.items()}
    assert set().union(*graph.values()) - blocks.keys() == set()
    assert len(list(TopologicalSorter(graph).static_order())) == len(blocks)
    variables = {e.removeprefix("var.") for e in _expressions(given) if e.startswith("var.")}
    assert variables == given["variable"].keys()


@pytest.mark.parametrize("switches", chosen(), ids=called)
def test_every_described_resource_is_there(switches: Switches) -> None:
    wish = wish_of(switches)
    described = sorted(KINDS[each.type].type for each in resources(wish))
    made = [name.split(".")[0] for name in _blocks(configuration(wish))]
    assert [each for each in described if each not in made] == []
    assert len(made) >= len(described)


def test_a_rotation_waits_for_the_permission_the_policy_and_the_user_s_name() -> None:
    rotation = _blocks(configuration(FULL))["aws_secretsmanager_secret_rotation.rotation_schedule"]
    assert "aws_lambda_permission.rotation_permission" in rotation["depends_on"]
    assert "aws_secretsmanager_secret_version.rotated_secret_user" in rotation["depends_on"]
    function = _blocks(configuration(FULL))["aws_lambda_function.rotation_function"]
    assert "aws_iam_role_policy.function_role_rotation" in function["depends_on"]


def test_what_rotations_put_into_the_secret_is_not_undone() -> None:
    version = _blocks(configuration(FULL))["aws_secretsmanager_secret_version.rotated_secret_user"]
    assert version["secret_string"] == '{"user_name":"${var.user_name}"}'
    assert "secret_string" in version["lifecycle"][0]["ignore_changes"]


def test_no_access_key_is_a_resource() -> None:
    assert "aws_iam_access_key" not in render(FULL)


def test_policies_are_json_in_text() -> None:
    role = _blocks(configuration(FULL))["aws_iam_role.workload_role"]
    (statement,) = json.loads(role["assume_role_policy"])["Statement"]
    anchor = "${aws_rolesanywhere_trust_anchor.trust_anchor.arn}"
    assert statement["Condition"]["ArnEquals"] == {"aws:SourceArn": anchor}


def test_names_of_the_user_keep_their_letters() -> None:
    blocks = _blocks(configuration(FULL))
    variables = blocks["aws_lambda_function.rotation_function"]["environment"]["variables"]
    assert {"SECRET_ARN", "USER_NAME", "GRACE_HOURS", "RECOVERY_HOURS"} == variables.keys()
    alarm = blocks["aws_cloudwatch_metric_alarm.change_queue_alarm"]
    assert alarm["dimensions"].keys() == {"QueueName"}


def test_the_second_provider_is_asked_for_only_where_it_is_needed() -> None:
    without = Wish(authority=FULL.authority, reach=Reach(secrets=("a",)))
    assert configuration(FULL)["terraform"]["required_providers"].keys() == {"aws", "awscc"}
    assert configuration(without)["terraform"]["required_providers"].keys() == {"aws"}


def test_text_of_the_user_is_no_expression() -> None:
    policy = '{"Version": "2012-10-17", "Statement": [], "Id": "${aws:username}%{x}"}'
    wish = replace(FULL, sessions=replace(FULL.sessions, policy=policy))
    given = configuration(wish)
    written = _blocks(given)["aws_rolesanywhere_profile.profile"]["session_policy"]
    assert '"$${aws:username}%%{x}"' in written
