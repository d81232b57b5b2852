"""Batches, lists and descriptions of secrets, against a server that plays AWS's replies."""

from datetime import UTC, datetime
from http.server import HTTPServer
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from sidecar.aws.boto_service import BOTO_CONFIG
from sidecar.aws.secret import ListedSecret, SecretFilter
from sidecar.aws.secret_filters import filters, matches
from sidecar.aws.secrets_manager import SecretsManager
from sidecar.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable, UpstreamUnreachable
from sidecar.redaction import Secret

if TYPE_CHECKING:
    from sidecar.credentials import Credentials
    from tests.aws.conftest import CannedServer

REGION = "eu-central-1"
ONCE = BOTO_CONFIG.merge(Config(read_timeout=5, retries={"total_max_attempts": 1}))
SCOPE = f"arn:aws:secretsmanager:{REGION}:123456789012:secret"


@pytest.fixture(scope="module")
def manager(canned_server: HTTPServer) -> SecretsManager:
    url = f"http://127.0.0.1:{canned_server.server_port}"
    return SecretsManager(lambda *_: url, boto_config=ONCE)


def _arn(name: str) -> str:
    return f"{SCOPE}:{name}-AbCdEf"


def _value(name: str) -> dict[str, Any]:
    return {
        "ARN": _arn(name),
        "Name": name,
        "VersionId": "v1",
        "SecretString": f"canary of {name}",
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": 1569533534.046,
    }


def _line(name: str, **tags: str) -> dict[str, Any]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"ARN": _arn(name), "Name": name, "Tags": pairs}


async def test_a_batch_gives_each_value_by_the_id_that_was_asked(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    asked = ["by/name", _arn("by/arn"), f"{SCOPE}:by/part", "by/name", _arn("by/name")]
    canned.then({"SecretValues": [_value("by/part"), _value("by/arn"), _value("by/name")]})
    batch = await manager.batch_get_secret_value(asked, credentials, region=REGION)
    assert {each: value.name for each, value in batch.values.items()} == {
        "by/name": "by/name",
        _arn("by/arn"): "by/arn",
        f"{SCOPE}:by/part": "by/part",
        _arn("by/name"): "by/name",
    }
    assert batch.values["by/name"].text == Secret("canary of by/name")
    assert batch.errors == {}
    assert canned.bodies == [{"SecretIdList": list(dict.fromkeys(asked))}]
    assert "canary" not in repr(batch)


async def test_what_a_batch_lacks_fails_alone_and_as_aws_says(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    errors = [
        {"SecretId": "gone", "ErrorCode": "ResourceNotFoundException", "Message": "no!"},
        {"SecretId": "busy", "ErrorCode": "ThrottlingException", "Message": "wait"},
        {"SecretId": "mute", "ErrorCode": "AccessDeniedException"},
    ]
    canned.then({"SecretValues": [_value("there")], "Errors": errors})
    asked = ["there", "gone", "busy", "mute", "forgotten"]
    batch = await manager.batch_get_secret_value(asked, credentials, region=REGION)
    told = {
        each: (type(error), error.code, error.message, error.status)
        for each, error in batch.errors.items()
    }
    assert list(batch.values) == ["there"]
    assert told == {
        "gone": (UpstreamRefused, "ResourceNotFoundException", "no!", 400),
        "busy": (UpstreamUnavailable, "ThrottlingException", "wait", 400),
        "mute": (UpstreamRefused, "AccessDeniedException", "", 400),
        "forgotten": (UpstreamUnreachable, "ConnectionError", "Response Error", 0),
    }


async def test_a_batch_may_be_of_errors_alone(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({"Errors": [{"SecretId": "a", "ErrorCode": "ResourceNotFoundException"}]})
    batch = await manager.batch_get_secret_value(["a"], credentials, region=REGION)
    assert (batch.values, list(batch.errors)) == ({}, ["a"])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"SecretValues": [{"Name": "a"}]}, id="half a value"),
        pytest.param({"SecretValues": 5}, id="a number of values"),
        pytest.param({"SecretValues": [], "Errors": [{"SecretId": "a"}]}, id="half an error"),
    ],
)
async def test_a_batch_that_is_none_is_no_answer(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials", body: object
) -> None:
    canned.then(body)
    with pytest.raises(UpstreamUnreachable, match=r"^Response Error$"):
        await manager.batch_get_secret_value(["a"], credentials, region=REGION)


async def test_a_list_is_read_to_its_last_page(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({"SecretList": [_line("prod/a"), _line("PROD/b")], "NextToken": "t1"})
    canned.then({"SecretList": [], "NextToken": "t2"})
    canned.then({"SecretList": [_line("prod/c", env="x")]})
    found = await manager.list_secrets(SecretFilter("prod/"), credentials, region=REGION)
    assert found == (
        ListedSecret(_arn("prod/a"), "prod/a", {}),
        ListedSecret(_arn("prod/c"), "prod/c", {"env": "x"}),
    )
    first = {"MaxResults": 100, "Filters": [{"Key": "name", "Values": ["prod/"]}]}
    assert canned.bodies == [first, first | {"NextToken": "t1"}, first | {"NextToken": "t2"}]


async def test_a_list_without_an_end_is_given_up(
    manager: SecretsManager,
    canned: "CannedServer",
    credentials: "Credentials",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sidecar.aws.secrets_manager._MOST_PAGES", 3)
    canned.then({"SecretList": [_line("a")], "NextToken": "again"})
    with pytest.raises(UpstreamUnreachable):
        await manager.list_secrets(SecretFilter(), credentials, region=REGION)
    assert len(canned.bodies) == 3


async def test_what_matches_is_read_twenty_at_a_time_and_nothing_else(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    names = [f"app/{number:02}" for number in range(45)]
    other = _line("app/other", env="test", team="prod")
    canned.then({"SecretList": [*(_line(name, env="prod") for name in names), other]})
    for part in (names[:20], names[20:40], names[40:]):
        canned.then({"SecretValues": [_value(name) for name in part]})
    wanted = SecretFilter("app/", "env", "prod")
    pages = [page async for page in manager.batch_get_matching(wanted, credentials, region=REGION)]
    assert [len(each["SecretIdList"]) for each in canned.bodies[1:]] == [20, 20, 5]
    assert list(chain(*(page.values for page in pages))) == [_arn(name) for name in names]


async def test_nothing_that_matches_reads_nothing(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({"SecretList": [_line("b")]})
    wanted = SecretFilter("a")
    pages = [page async for page in manager.batch_get_matching(wanted, credentials, region=REGION)]
    assert (pages, len(canned.bodies)) == ([], 1)


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        pytest.param(SecretFilter(), {}, id="everything"),
        pytest.param(SecretFilter("prod/web/"), {"name": "prod/web/"}, id="a name"),
        pytest.param(SecretFilter("", "env"), {"tag-key": "env"}, id="a tag"),
        pytest.param(
            SecretFilter("a", "env", "x y"),
            {"name": "a", "tag-key": "env", "tag-value": "x y"},
            id="all of it",
        ),
        pytest.param(SecretFilter("", "env", ""), {"tag-key": "env"}, id="an empty value"),
        pytest.param(SecretFilter("!prod"), {}, id="AWS would list all others"),
        pytest.param(SecretFilter("rds!db-1"), {"name": "rds!db-1"}, id="not in front"),
        pytest.param(SecretFilter("a%2Fb"), {"name": "a"}, id="only what AWS takes"),
        pytest.param(SecretFilter("", "ключ", "ä"), {}, id="nothing that AWS takes"),
        pytest.param(SecretFilter("a" * 600), {"name": "a" * 511}, id="too long for AWS"),
    ],
)
def test_aws_is_sent_what_narrows_its_list_and_loses_nothing(
    wanted: SecretFilter, sent: dict[str, str]
) -> None:
    assert filters(wanted) == [{"Key": key, "Values": [text]} for key, text in sent.items()]


@pytest.mark.parametrize(
    ("wanted", "name", "tags", "expected"),
    [
        (SecretFilter(), "a", {}, True),
        (SecretFilter("prod/"), "prod/a", {}, True),
        (SecretFilter("prod/"), "Prod/a", {}, False),
        (SecretFilter("", "env"), "a", {"env": ""}, True),
        (SecretFilter("", "env"), "a", {"environment": "x"}, False),
        (SecretFilter("", "env", "prod"), "a", {"env": "prod"}, True),
        (SecretFilter("", "env", "prod"), "a", {"env": "production"}, False),
        (SecretFilter("", "env", "prod"), "a", {"env": "test", "team": "prod"}, False),
        (SecretFilter("", "env", ""), "a", {"env": ""}, True),
        (SecretFilter("", "env", ""), "a", {"env": "x"}, False),
        (SecretFilter("b", "env", "prod"), "a", {"env": "prod"}, False),
    ],
)
def test_a_tag_counts_as_a_pair_and_a_name_as_it_is_written(
    wanted: SecretFilter, name: str, tags: dict[str, str], expected: bool
) -> None:
    assert matches(wanted, ListedSecret(_arn(name), name, tags)) is expected


async def test_a_description_says_when_a_value_may_change(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then(
        {
            "ARN": _arn("a"),
            "Name": "a",
            "RotationEnabled": True,
            "NextRotationDate": 1767225600,
            "LastRotatedDate": 1764547200.5,
            "VersionIdsToStages": {"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT", "AWSPENDING"]},
        }
    )
    told = await manager.describe_secret("a", credentials, region=REGION)
    assert canned.bodies == [{"SecretId": "a"}]
    assert (told.arn, told.name, told.rotation_enabled) == (_arn("a"), "a", True)
    assert told.next_rotation == datetime(2026, 1, 1, tzinfo=UTC)
    assert told.last_rotated == datetime(2025, 12, 1, 0, 0, 0, 500_000, UTC)
    assert told.deleted is None
    assert told.version_ids_to_stages == {
        "v1": ("AWSPREVIOUS",),
        "v2": ("AWSCURRENT", "AWSPENDING"),
    }


async def test_a_secret_that_never_rotates_is_described_too(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({"ARN": _arn("a"), "Name": "a", "DeletedDate": 1767225600})
    told = await manager.describe_secret("a", credentials, region=REGION)
    assert (told.rotation_enabled, told.next_rotation, told.version_ids_to_stages) == (
        False,
        None,
        {},
    )
    assert told.deleted == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"Name": "a"}, id="no ARN"),
        pytest.param({"ARN": "a", "Name": "a", "NextRotationDate": "soon"}, id="no date"),
        pytest.param({"ARN": "a", "Name": "a", "VersionIdsToStages": ["v"]}, id="no map"),
    ],
)
async def test_a_description_that_is_none_is_no_answer(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials", body: object
) -> None:
    canned.then(body)
    with pytest.raises(UpstreamUnreachable, match=r"^Response Error$"):
        await manager.describe_secret("a", credentials, region=REGION)


async def test_a_refused_list_is_told_in_aws_s_words(
    manager: SecretsManager, canned: "CannedServer", credentials: "Credentials"
) -> None:
    canned.then({"__type": "AccessDeniedException", "Message": "no!"}, 400)
    with pytest.raises(UpstreamError) as caught:
        await manager.list_secrets(SecretFilter(), credentials, region=REGION)
    assert (caught.value.code, caught.value.message) == ("AccessDeniedException", "no!")
