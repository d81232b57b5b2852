"""Roles that are assumed through others, from the configuration to what an application may do."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
import pytest

if TYPE_CHECKING:
    from tests.conftest import Aws
    from tests.service.conftest import Gate, Start, Until

ASSUME = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]


def _allow(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def _make_role(
    aws: "Aws", name: str, trusted: str, *, actions: Sequence[str] = ASSUME, **conditions: str
) -> str:
    """Make a role that may do everything and trusts one other; return its ARN."""
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": trusted},
            "Action": list(actions),
            "Condition": {"StringEquals": conditions},
        },
    }
    iam = aws.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_allow("*"))
    arn: str = made["Role"]["Arn"]
    return arn


@pytest.fixture(scope="module")
def tenant(shared_aws: "Aws") -> Iterator[str]:
    """Give the ARN of a role that the demo's role may assume, on conditions."""
    yield _make_role(
        shared_aws,
        "tenant",
        shared_aws.stage.role_arn,
        **{"sts:ExternalId": "tenant-42", "aws:RequestTag/team": "payments"},
    )
    _remove_role(shared_aws, "tenant")


@pytest.fixture(scope="module")
def third(shared_aws: "Aws", tenant: str) -> Iterator[str]:
    """Give the ARN of a role that the tenant's role may assume with what it hands on."""
    yield _make_role(
        shared_aws,
        "third",
        tenant,
        **{"aws:SourceIdentity": "CN=web-1", "aws:PrincipalTag/team": "payments"},
    )
    _remove_role(shared_aws, "third")


@pytest.fixture
def wary(aws: "Aws") -> Iterator[str]:
    """Give the ARN of a role that the demo's role may assume without a source identity only."""
    others = [action for action in ASSUME if action != "sts:SetSourceIdentity"]
    yield _make_role(aws, "wary", aws.stage.role_arn, actions=others)
    _remove_role(aws, "wary")


def _remove_role(aws: "Aws", name: str) -> None:
    iam = aws.client("iam")
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)


@pytest.fixture
def config_file(aws: "Aws", tenant: str, third: str, tmp_path: Path) -> Path:
    """Give the demo's file with a role chained on its role, and one chained on that."""
    (tmp_path / "policy.json").write_text(_allow("s3:*", "sts:*"))
    file = tmp_path / "sidecar.toml"
    file.write_text(
        aws.stage.config.read_text()
        + f"""
        [roles.third]
        source = "assume-role"
        via = "tenant"
        role_arn = "{third}"

        [roles.tenant]
        source = "assume-role"
        via = "default"
        role_arn = "{tenant}"
        external_id = "tenant-42"
        session_tags = {{ team = "payments", "cost center" = "7" }}
        transitive_tag_keys = ["team"]
        role_session_name = "{{role}}@{{certificate_cn}}"
        policy_file = "{tmp_path / "policy.json"}"
        session_duration_seconds = 900
        """
    )
    return file


@pytest.fixture
def variables(variables: dict[str, str]) -> dict[str, str]:
    """Let the app have every role."""
    return variables | {"SIDECAR_APPS_WEB_ROLES": "default,tenant,third"}


def _as_application(aws: "Aws", answer: dict[str, str], service: str) -> Any:
    connect: Any = boto3.Session(
        aws_access_key_id=answer["AccessKeyId"],
        aws_secret_access_key=answer["SecretAccessKey"],
        aws_session_token=answer["Token"],
        region_name=aws.emulator.region,
    ).client
    return connect(service, endpoint_url=aws.emulator.url)


async def test_the_door_hands_out_a_chained_role_with_everything_that_was_asked_for(
    aws: "Aws", start: "Start", until: "Until", tenant: str
) -> None:
    doors = await start()
    await until(doors.ready)
    status, answer = await doors.credentials(role="tenant")
    assert (status, answer["RoleArn"]) == (200, tenant)
    account = tenant.split(":")[4]
    caller = _as_application(aws, answer, "sts").get_caller_identity()
    assert caller["Arn"] == f"arn:aws:sts::{account}:assumed-role/tenant/tenant@web-1"
    _as_application(aws, answer, "s3").list_buckets()
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        _as_application(aws, answer, "iam").list_roles()


async def test_a_role_may_be_chained_on_a_chained_one(
    aws: "Aws", start: "Start", until: "Until", third: str
) -> None:
    doors = await start()
    await until(doors.ready)
    status, answer = await doors.credentials(role="third")
    assert (status, answer["RoleArn"]) == (200, third)
    caller = _as_application(aws, answer, "sts").get_caller_identity()
    assert ":assumed-role/third/third@" in caller["Arn"]


async def test_secrets_may_be_read_through_a_chained_role(
    aws: "Aws", start: "Start", until: "Until"
) -> None:
    doors = await start(SIDECAR_SECRETS_VIA="third")
    await until(doors.ready)
    name = aws.new_secret("hunter2")
    assert (await doors.secret(name))[1]["SecretString"] == "hunter2"


@pytest.mark.parametrize(
    ("option", "value"),
    [("EXTERNAL_ID", "tenant-43"), ("SESSION_TAGS", "team=sales")],
)
async def test_a_chained_role_that_aws_refuses_says_why_and_harms_no_other(
    start: "Start", until: "Until", option: str, value: str
) -> None:
    doors = await start(**{f"SIDECAR_ROLES_TENANT_{option}": value})

    async def refused() -> bool:
        return "AccessDenied" in (await doors.waits_for()).get("role tenant", "")

    await until(refused)
    assert (await doors.credentials())[0] == 200
    status, answer = await doors.credentials(role="tenant")
    assert (status, "AccessDenied" in answer["message"]) == (503, True)
    assert "role tenant" in (await doors.waits_for())["role third"]


async def test_a_role_that_takes_no_source_identity_is_not_assumed_behind_roles_anywhere(
    start: "Start", until: "Until", wary: str
) -> None:
    doors = await start(SIDECAR_ROLES_TENANT_ROLE_ARN=wary)

    async def refused() -> bool:
        action = f"perform: sts:SetSourceIdentity on resource: {wary}"
        return action in (await doors.waits_for()).get("role tenant", "")

    await until(refused)
    assert (await doors.credentials(role="tenant"))[0] == 503


async def test_a_role_whose_parent_is_down_says_so(
    start: "Start", gate: "Gate", until: "Until"
) -> None:
    await gate.shut()
    doors = await start()

    async def told() -> bool:
        return "role default: no answer" in (await doors.waits_for()).get("role third", "")

    await until(told)
